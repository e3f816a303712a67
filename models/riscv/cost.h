// What instructions cost: cycles from the manual of a published core, energy from a measured one.
#pragma once

#include <array>
#include <cstdint>

#include "models/riscv/isa.h"

namespace nibble::riscv {

// Cycles of the CV32E40P, a four-stage in-order core: OpenHW Group, "CV32E40P User Manual", chapter
// "Pipeline Details", table "Cycle counts per instruction type" and section "Hazards", with memory
// that answers in one cycle. What the manual does not give is marked as ours.
struct CycleTable {
  uint32_t base = 1;           // computation, mul, load, store, branch not taken
  uint32_t multiply_high = 5;  // mulh, mulhsu, mulhu
  uint32_t divide_min = 3;     // plus one for each leading zero of the divisor: 3 to 35
  uint32_t misaligned = 1;     // added to a load or store that crosses a word
  uint32_t jump = 2;           // jal, jalr
  uint32_t branch_taken = 3;
  uint32_t misfetch = 1;  // added when a jump's target is a 32-bit instruction across words
  uint32_t load_use = 1;  // added when the instruction after a load reads what it loaded
  uint32_t jalr_use = 1;  // added when jalr reads what the instruction before it wrote
  uint32_t csr = 4;       // mstatus, mepc, mtvec, mcause, and the machine's counters
  uint32_t csr_other = 1;
  uint32_t fence = 2;   // fence.i; fence flushes alike (ours)
  uint32_t atomic = 2;  // a load and a store (ours: the core has no atomic instructions)
  uint32_t trap = 3;    // exception or interrupt: the pipeline refills as after a branch (ours)
  uint32_t mret = 2;    // as a jump (ours)
};

struct HartCounters;

// Energy of an Ibex core (RV32IMC, two stages) with its memories in GlobalFoundries 22 nm, at work;
// the source tells none for a core asleep.
struct EnergyPrice {
  const char* counter;  // name of the member
  uint64_t HartCounters::*member;
  double pj;
  const char* source;
};
const std::array<EnergyPrice, 2>& EnergyPrices();
// Sum of the prices, pJ.
double EnergyPj(const HartCounters& counters);

// Cycles of an instruction by itself: branches as not taken, divisions with the least, CSR accesses
// by csr_other.
uint32_t BaseCycles(const CycleTable& table, Op op);

}  // namespace nibble::riscv
