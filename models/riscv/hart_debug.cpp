// Execution one instruction at a time, for breakpoints, watchpoints, steps and traces.
#include <cstring>

#include "models/riscv/hart.h"

namespace nibble::riscv {

void Hart::BeginStep() { step_ = Stepping(); }

// Without effect on the run but for where it stops: blocks of one instruction, the same loop.
Stop Hart::RunCarefully(uint64_t until) {
  watch_hit_.reset();
  for (;;) {
    if (TakeInterrupt() && step_) ++step_->depth;
    if (step_ && step_->done && step_->depth == 0) return Stop::kStep;  // woken from wfi
    if (state_.cycles >= until) return Stop::kBudget;
    if (!step_ || step_->depth > 0) {
      if (breakpoints_.count(state_.pc) != 0) return Stop::kBreakpoint;
    }
    const uint64_t begin = state_.cycles, retired = state_.instructions;
    const Block* block = Fetch(BlockCache::Kind::kStep);
    Leave leave = Leave::kTrapped;
    bool returned = false;
    if (block != nullptr) {
      const Op op = block->code[0].op;
      if (op == Op::kEbreak && stop_at_ebreak_) return Stop::kEbreak;
      returned = op == Op::kMret;
      FindWatchHit(*block);
      const uint32_t pc = block->pc;
      Instruction instruction;
      if (trace_) instruction = InstructionAt(pc);
      leave = Execute(block, 0);
      if (trace_ && state_.instructions != retired) trace_({begin, pc, instruction, state_});
    }
    const bool trapped = leave == Leave::kTrapped;
    if (trapped) watch_hit_.reset();

    bool stepped = false;
    if (step_) {
      if (step_->depth == 0) {
        step_->done = true;
      } else if (trapped) {
        ++step_->depth;
      } else if (returned) {
        --step_->depth;
      }
      stepped = step_->done && step_->depth == 0;
    }
    if (leave == Leave::kExit) return Stop::kExit;
    if (leave == Leave::kSleep) return Stop::kSleep;
    if (watch_hit_) return Stop::kWatchpoint;
    if (stepped) return Stop::kStep;
    if (leave == Leave::kSynchronise) return Stop::kSynchronise;
  }
}

Instruction Hart::InstructionAt(uint32_t pc) const {
  const uint32_t offset = pc - ram_.base;
  if (offset > ram_.bytes - 2) return {};
  uint32_t bits = 0;
  std::memcpy(&bits, ram_.data + offset, offset > ram_.bytes - 4 ? 2 : 4);
  return Decode(bits);
}

void Hart::FindWatchHit(const Block& block) {
  watch_hit_.reset();
  const BlockInstruction& i = block.code[0];
  const uint32_t bytes = AccessBytes(i.op);
  if (bytes == 0) return;
  const uint32_t address = state_.x[i.rs1] + (IsAtomic(i.op) ? 0 : static_cast<uint32_t>(i.imm));
  const bool reads = IsLoad(i.op) || (IsAtomic(i.op) && i.op != Op::kScW);
  const bool writes = IsStore(i.op) || (IsAtomic(i.op) && i.op != Op::kLrW);
  for (const Watchpoint& watch : watchpoints_) {
    const bool overlaps = uint64_t{address} < uint64_t{watch.address} + watch.bytes &&
                          uint64_t{watch.address} < uint64_t{address} + bytes;
    if (overlaps && ((watch.read && reads) || (watch.write && writes))) {
      watch_hit_ = {watch, address};
      return;
    }
  }
}

}  // namespace nibble::riscv
