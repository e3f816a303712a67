#include "models/riscv/hart.h"

#include <algorithm>
#include <stdexcept>

namespace nibble::riscv {
namespace {

const Ram& Checked(const Ram& ram) {
  if (ram.data == nullptr || ram.bytes < 4 || ram.bytes % 4 != 0 || ram.base % 4 != 0 ||
      uint64_t{ram.base} + ram.bytes > uint64_t{1} << 32) {
    throw std::invalid_argument(
        "a hart's RAM must be a multiple of 4 bytes within 32-bit addresses");
  }
  return ram;
}

}  // namespace

Hart::Hart(const Ram& ram, Bus& bus, const CycleTable& cycles)
    : ram_(Checked(ram)), bus_(bus), cycles_(cycles), blocks_(ram, cycles) {}

void Hart::Reset(uint32_t pc) {
  const uint32_t lines = state_.mip;
  state_ = HartState();
  state_.pc = pc & ~1u;
  state_.mip = lines;
  counters_ = HartCounters();
  blocks_.Clear();
}

HartCounters Hart::counters() const {
  HartCounters counters = counters_;
  counters.instructions = state_.instructions;
  counters.cycles = state_.cycles - counters.sleep_cycles;
  return counters;
}

void Hart::SetInterrupt(Interrupt line, bool level) {
  const uint32_t bit = InterruptBit(line);
  state_.mip = level ? state_.mip | bit : state_.mip & ~bit;
}

void Hart::Sleep(uint64_t cycles) {
  state_.cycles += cycles;
  counters_.sleep_cycles += cycles;
}

void Hart::InvalidateCode(uint32_t address, uint32_t bytes) {
  const uint64_t first = std::max(address, ram_.base);
  const uint64_t end = std::min(uint64_t{address} + bytes, uint64_t{ram_.base} + ram_.bytes);
  if (first < end) {
    blocks_.Drop(static_cast<uint32_t>(first) - ram_.base, static_cast<uint32_t>(end - first));
  }
}

Stop Hart::Run(uint64_t until) {
  if (Careful()) return RunCarefully(until);
  for (;;) {
    TakeInterrupt();
    if (state_.cycles >= until) return Stop::kBudget;
    const Block* block = Fetch(BlockCache::Kind::kRun);
    if (block != nullptr && state_.cycles + block->worst_cycles > until) {
      block = Fetch(BlockCache::Kind::kStep);  // it may end late: one instruction at a time
    }
    if (block == nullptr) continue;
    switch (Execute(block, until)) {
      case Leave::kSynchronise:
        return Stop::kSynchronise;
      case Leave::kSleep:
        return Stop::kSleep;
      case Leave::kExit:
        return Stop::kExit;
      case Leave::kGoOn:
      case Leave::kTrapped:
        break;
    }
  }
}

const Block* Hart::Fetch(BlockCache::Kind kind) {
  const Block* block = blocks_.Find(state_.pc, kind);
  if (block == nullptr) block = blocks_.Build(state_.pc, kind);
  if (block == nullptr) {
    // Of an instruction that begins in RAM, the second half is missing.
    const bool begins = state_.pc - ram_.base < ram_.bytes;
    Trap(Cause::kInstructionAccess, state_.pc + (begins ? 2 : 0));
  }
  return block;
}

Hart::Leave Hart::Trap(Cause cause, uint32_t tval) {
  ++counters_.exceptions;
  EnterTrap(static_cast<uint32_t>(cause), tval, state_.mtvec & ~3u);
  return Leave::kTrapped;
}

bool Hart::TakeInterrupt() {
  const uint32_t pending = state_.mip & state_.mie;
  if (pending == 0 || (state_.mstatus & kMstatusMie) == 0) return false;
  for (const Interrupt line : {Interrupt::kExternal, Interrupt::kSoftware, Interrupt::kTimer}) {
    if ((pending & InterruptBit(line)) == 0) continue;
    const auto code = static_cast<uint32_t>(line);
    const bool vectored = (state_.mtvec & 1) != 0;
    ++counters_.interrupts;
    EnterTrap(kCauseInterrupt | code, 0, (state_.mtvec & ~3u) + (vectored ? 4 * code : 0));
    break;
  }
  return true;
}

void Hart::EnterTrap(uint32_t cause, uint32_t tval, uint32_t handler) {
  state_.mepc = state_.pc;
  state_.mcause = cause;
  state_.mtval = tval;
  const bool enabled = (state_.mstatus & kMstatusMie) != 0;
  state_.mstatus = kMstatusMpp | (enabled ? kMstatusMpie : 0);
  state_.pc = handler;
  state_.cycles += cycles_.trap;
  state_.loaded = state_.written = 0;
  state_.jumped = false;
  state_.reservation.reset();
}

}  // namespace nibble::riscv
