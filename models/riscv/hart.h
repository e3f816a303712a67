// One RV32IMAC hart in machine mode, instruction by instruction in order: registers, traps,
// counters, time in cycles. Plain C++: whoever owns it brings the memory, the bus and the passing
// of time.
//
// Code runs from RAM, as blocks of decoded instructions that stores to code and fence.i drop.
// Results do not depend on how a run is cut into calls of Run().
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "models/riscv/block_cache.h"
#include "models/riscv/bus.h"
#include "models/riscv/cost.h"
#include "models/riscv/csr.h"
#include "models/riscv/isa.h"

namespace nibble::riscv {

struct HartState {
  // x0 to x31; x[0] stays 0. Instructions that write x0 write x[32] instead.
  std::array<uint32_t, 33> x{};
  uint32_t pc = 0;
  uint32_t mstatus = kMstatusMpp, mie = 0, mip = 0, mtvec = 0, mscratch = 0, mepc = 0, mcause = 0,
           mtval = 0;
  uint64_t cycles = 0;        // clock cycles since reset, asleep or not
  uint64_t instructions = 0;  // retired
  // What mcycle and minstret are ahead of the counts above, since software may write them.
  uint64_t mcycle_offset = 0, minstret_offset = 0;
  std::optional<uint32_t> reservation;  // address of lr.w's word
  // Registers that the last instruction loaded, and wrote, for the hazards of the next.
  uint32_t loaded = 0, written = 0;
  bool jumped = false;  // the last instruction did, to pc
};

struct HartCounters {
  uint64_t instructions = 0;     // retired
  uint64_t cycles = 0;           // awake
  uint64_t sleep_cycles = 0;     // in wfi
  uint64_t stall_cycles = 0;     // of cycles: waiting for the bus
  uint64_t data_accesses = 0;    // loads, stores and atomics, in RAM and on the bus
  uint64_t device_accesses = 0;  // of these: on the bus
  uint64_t exceptions = 0;       // ecall and ebreak included
  uint64_t interrupts = 0;       // taken
};

enum class Stop : uint8_t {
  kBudget,       // `until` is reached
  kSynchronise,  // the bus asked for it
  kSleep,        // wfi, and no enabled interrupt is pending: pc is behind it
  kExit,         // the bus asked for it
  kBreakpoint,   // pc is on one
  kWatchpoint,   // the access is done; see watch_hit()
  kEbreak,       // ebreak while stop_at_ebreak(): pc is on it, and it is not executed
  kStep,         // BeginStep()'s instruction is done
};

struct Watchpoint {
  uint32_t address = 0, bytes = 0;
  bool read = false, write = false;
  bool operator==(const Watchpoint& o) const {
    return address == o.address && bytes == o.bytes && read == o.read && write == o.write;
  }
};

// An instruction that was executed, for a trace.
struct Retired {
  uint64_t cycle;  // at which it began
  uint32_t pc;
  Instruction instruction;
  const HartState& after;
};

class Hart {
 public:
  // `ram` and `bus` must outlive the hart. Throws std::invalid_argument when `ram` is not as told
  // in bus.h.
  Hart(const Ram& ram, Bus& bus, const CycleTable& cycles = {});

  // pc = `pc`, registers and counts zero, interrupts off, lines as they are.
  void Reset(uint32_t pc);

  // Executes until state().cycles reaches `until` or something else stops it; the last instruction
  // may end after `until`. Takes interrupts that are pending and enabled before each instruction
  // before which one can have become so.
  Stop Run(uint64_t until);

  // An interrupt line; immediate. From within the Bus, or between calls of Run().
  void SetInterrupt(Interrupt line, bool level);
  // One is pending and enabled in mie, so that wfi does not sleep (mstatus.MIE does not matter).
  bool WakesUp() const { return (state_.mip & state_.mie) != 0; }
  // Time passes asleep.
  void Sleep(uint64_t cycles);

  HartState& state() { return state_; }
  const HartState& state() const { return state_; }
  HartCounters counters() const;
  const Ram& ram() const { return ram_; }

  // Value as csrr reads it; nothing when there is no such register. Writing obeys what each field
  // accepts; false when there is no such register or it cannot be written.
  std::optional<uint32_t> ReadCsr(uint32_t number);
  bool WriteCsr(uint32_t number, uint32_t value);

  // Somebody other than the hart wrote to RAM, where code may have been.
  void InvalidateCode(uint32_t address, uint32_t bytes);

  // --- Debugging. While any of it is in use, execution is slower and else the same. ---
  std::set<uint32_t>& breakpoints() { return breakpoints_; }
  std::vector<Watchpoint>& watchpoints() { return watchpoints_; }
  // After kWatchpoint: which, and the address that was accessed.
  const std::optional<std::pair<Watchpoint, uint32_t>>& watch_hit() const { return watch_hit_; }
  void StopAtEbreak(bool stop) { stop_at_ebreak_ = stop; }
  // After kEbreak: goes on behind it, as if it were no instruction.
  void SkipEbreak() { state_.pc += InstructionAt(state_.pc).length; }
  // The following calls of Run() execute one instruction and then return kStep. Interrupt handlers
  // that come in between are run through: the step ends in the context in which it began.
  void BeginStep();
  void EndStep() { step_.reset(); }
  bool stepping() const { return step_.has_value(); }
  void SetTrace(std::function<void(const Retired&)> trace) { trace_ = std::move(trace); }

 private:
  // How the execution of blocks ended.
  enum class Leave : uint8_t { kGoOn, kTrapped, kSynchronise, kSleep, kExit };
  struct Stepping {
    bool done = false;   // the instruction has been executed
    uint32_t depth = 0;  // interrupt handlers that came in between
  };

  // hart_execute.cpp: `block`, and those after it as long as they are known and end by `until`.
  Leave Execute(const Block* block, uint64_t until);
  // Leaves a block with `done` of its instructions executed, which took `cycles`.
  void Settle(const Block& block, size_t done, uint64_t cycles, uint32_t next_pc);
  // A load or store outside RAM, or a store to code.
  Leave AccessSlowly(const Block& block, const BlockInstruction& i, uint64_t extra);

  // hart_special.cpp: the last instruction of a block, which is none of computation, load, store,
  // jump and branch.
  Leave Special(const Block& block, uint64_t extra);
  void Retire(const BlockInstruction& i);
  Leave Atomic(const BlockInstruction& i);
  Leave AccessCsr(const BlockInstruction& i);
  uint32_t CsrCycles(uint32_t number) const;

  // hart.cpp
  Leave Trap(Cause cause, uint32_t tval);  // at state_.pc
  bool TakeInterrupt();
  void EnterTrap(uint32_t cause, uint32_t tval, uint32_t handler);
  // The block at pc; null after taking the trap for it.
  const Block* Fetch(BlockCache::Kind kind);
  bool Careful() const {
    return !breakpoints_.empty() || !watchpoints_.empty() || stop_at_ebreak_ || step_ || trace_;
  }

  // hart_debug.cpp
  Instruction InstructionAt(uint32_t pc) const;
  Stop RunCarefully(uint64_t until);
  void FindWatchHit(const Block& block);

  Ram ram_;
  Bus& bus_;
  CycleTable cycles_;
  HartState state_;
  HartCounters counters_;  // cycles are those of the state without sleep
  BlockCache blocks_;

  std::set<uint32_t> breakpoints_;
  std::vector<Watchpoint> watchpoints_;
  std::optional<std::pair<Watchpoint, uint32_t>> watch_hit_;
  bool stop_at_ebreak_ = false;
  std::optional<Stepping> step_;
  std::function<void(const Retired&)> trace_;
};

}  // namespace nibble::riscv
