// Instructions that end a block because they do more than compute, load, store, jump and branch.
#include <algorithm>
#include <cstring>

#include "models/riscv/hart.h"

namespace nibble::riscv {
namespace {

uint32_t Combine(Op op, uint32_t old, uint32_t operand) {
  const auto a = static_cast<int32_t>(old), b = static_cast<int32_t>(operand);
  switch (op) {
    case Op::kAmoaddW:
      return old + operand;
    case Op::kAmoxorW:
      return old ^ operand;
    case Op::kAmoandW:
      return old & operand;
    case Op::kAmoorW:
      return old | operand;
    case Op::kAmominW:
      return static_cast<uint32_t>(std::min(a, b));
    case Op::kAmomaxW:
      return static_cast<uint32_t>(std::max(a, b));
    case Op::kAmominuW:
      return std::min(old, operand);
    case Op::kAmomaxuW:
      return std::max(old, operand);
    default:  // amoswap.w, sc.w
      return operand;
  }
}

// The register with 32 of its bits replaced: the lower ones, or the upper.
uint64_t WithHalf(uint64_t whole, bool high, uint32_t value) {
  return high ? (whole & 0xffffffff) | uint64_t{value} << 32 : (whole >> 32 << 32) | value;
}

bool In(uint32_t number, uint32_t first, uint32_t last) {
  return number >= first && number <= last;
}

// Performance counters and their events, of which there are none: they read as zero.
bool IsZeroCounter(uint32_t number) {
  return In(number, csr::kMhpmcounter3, csr::kMhpmcounter31) ||
         In(number, csr::kMhpmcounter3h, csr::kMhpmcounter31h) ||
         In(number, csr::kMhpmevent3, csr::kMhpmevent31);
}

}  // namespace

Hart::Leave Hart::Special(const Block& block, uint64_t extra) {
  const BlockInstruction i = block.code.back();  // fence.i drops the block
  Settle(block, block.count - 1, i.cycles_before + extra, block.pc + i.offset);
  switch (i.op) {
    case Op::kFenceI:
      blocks_.Clear();
      Retire(i);
      return Leave::kGoOn;
    case Op::kFence:
      Retire(i);
      return Leave::kGoOn;
    case Op::kEcall:
      return Trap(Cause::kEcallMachine, 0);
    case Op::kEbreak:
      return Trap(Cause::kBreakpoint, state_.pc);
    case Op::kMret:
      Retire(i);
      state_.pc = state_.mepc;
      state_.jumped = true;
      state_.mstatus =
          kMstatusMpp | kMstatusMpie | ((state_.mstatus & kMstatusMpie) != 0 ? kMstatusMie : 0);
      return Leave::kGoOn;
    case Op::kWfi:
      Retire(i);
      return WakesUp() ? Leave::kGoOn : Leave::kSleep;
    default:
      break;
  }
  if (IsAtomic(i.op)) return Atomic(i);
  if (IsCsr(i.op)) return AccessCsr(i);
  return Trap(Cause::kIllegalInstruction, static_cast<uint32_t>(i.imm));
}

void Hart::Retire(const BlockInstruction& i) {
  state_.pc += i.length;
  state_.cycles += BaseCycles(cycles_, i.op);
  ++state_.instructions;
  state_.written = i.rd < 32 ? 1u << i.rd : 0;
  state_.loaded = 0;
}

Hart::Leave Hart::Atomic(const BlockInstruction& i) {
  const uint32_t address = state_.x[i.rs1], offset = address - ram_.base;
  const bool load = i.op == Op::kLrW;
  if (address % 4 != 0) {
    return Trap(load ? Cause::kLoadMisaligned : Cause::kStoreMisaligned, address);
  }
  if (offset > ram_.bytes - 4) {  // devices have no atomic accesses
    return Trap(load ? Cause::kLoadAccess : Cause::kStoreAccess, address);
  }
  uint32_t old = 0;
  std::memcpy(&old, ram_.data + offset, 4);
  uint32_t result = old;
  bool write = !load;
  if (load) {
    state_.reservation = address;
  } else if (i.op == Op::kScW) {
    write = state_.reservation == address;
    state_.reservation.reset();
    result = write ? 0 : 1;
  }
  if (write) {
    const uint32_t value = Combine(i.op, old, state_.x[i.rs2]);
    std::memcpy(ram_.data + offset, &value, 4);
    if (blocks_.IsCode(offset)) blocks_.Drop(offset, 4);
  }
  state_.x[i.rd] = result;
  ++counters_.data_accesses;
  Retire(i);
  state_.loaded = state_.written;
  return Leave::kGoOn;
}

Hart::Leave Hart::AccessCsr(const BlockInstruction& i) {
  const auto number = static_cast<uint32_t>(i.imm);
  const bool immediate = i.op >= Op::kCsrrwi;
  const uint32_t operand = immediate ? i.rs1 : state_.x[i.rs1];
  const bool swap = i.op == Op::kCsrrw || i.op == Op::kCsrrwi;
  const bool set = i.op == Op::kCsrrs || i.op == Op::kCsrrsi;
  const bool write = swap || i.rs1 != 0;
  const std::optional<uint32_t> old = ReadCsr(number);
  const bool read_only = number >> 10 == 3;
  if (!old || (write && read_only)) {
    uint32_t bits = 0;
    std::memcpy(&bits, ram_.data + (state_.pc - ram_.base), 4);
    return Trap(Cause::kIllegalInstruction, bits);
  }
  // A counter that is written shows what was written to the instruction that follows.
  Retire(i);
  state_.cycles += CsrCycles(number) - cycles_.csr_other;
  if (write) WriteCsr(number, swap ? operand : set ? *old | operand : *old & ~operand);
  state_.x[i.rd] = *old;
  return Leave::kGoOn;
}

uint32_t Hart::CsrCycles(uint32_t number) const {
  switch (number) {
    case csr::kMstatus:
    case csr::kMepc:
    case csr::kMtvec:
    case csr::kMcause:
    case csr::kMcountinhibit:
    case csr::kMcycle:
    case csr::kMcycleh:
    case csr::kMinstret:
    case csr::kMinstreth:
      return cycles_.csr;
    default:
      return IsZeroCounter(number) ? cycles_.csr : cycles_.csr_other;
  }
}

std::optional<uint32_t> Hart::ReadCsr(uint32_t number) {
  const uint64_t cycle = state_.cycles + state_.mcycle_offset;
  const uint64_t instret = state_.instructions + state_.minstret_offset;
  switch (number) {
    case csr::kMstatus:
      return state_.mstatus;
    case csr::kMisa:
      return kMisaValue;
    case csr::kMie:
      return state_.mie;
    case csr::kMtvec:
      return state_.mtvec;
    case csr::kMscratch:
      return state_.mscratch;
    case csr::kMepc:
      return state_.mepc;
    case csr::kMcause:
      return state_.mcause;
    case csr::kMtval:
      return state_.mtval;
    case csr::kMip:
      return state_.mip;
    case csr::kMcycle:
    case csr::kCycle:
      return static_cast<uint32_t>(cycle);
    case csr::kMcycleh:
    case csr::kCycleh:
      return static_cast<uint32_t>(cycle >> 32);
    case csr::kMinstret:
    case csr::kInstret:
      return static_cast<uint32_t>(instret);
    case csr::kMinstreth:
    case csr::kInstreth:
      return static_cast<uint32_t>(instret >> 32);
    case csr::kTime:
      return static_cast<uint32_t>(bus_.Time());
    case csr::kTimeh:
      return static_cast<uint32_t>(bus_.Time() >> 32);
    case csr::kMstatush:
    case csr::kMcountinhibit:
    case csr::kMvendorid:
    case csr::kMarchid:
    case csr::kMimpid:
    case csr::kMhartid:
    case csr::kMconfigptr:
      return 0;
    default:
      if (IsZeroCounter(number)) return 0;
      return std::nullopt;
  }
}

bool Hart::WriteCsr(uint32_t number, uint32_t value) {
  switch (number) {
    case csr::kMstatus:
      state_.mstatus = kMstatusMpp | (value & (kMstatusMie | kMstatusMpie));
      return true;
    case csr::kMie:
      state_.mie = value & kInterruptBits;
      return true;
    case csr::kMtvec:  // modes 2 and 3 are reserved
      state_.mtvec = value & ~2u;
      return true;
    case csr::kMscratch:
      state_.mscratch = value;
      return true;
    case csr::kMepc:
      state_.mepc = value & ~1u;
      return true;
    case csr::kMcause:
      state_.mcause = value;
      return true;
    case csr::kMtval:
      state_.mtval = value;
      return true;
    case csr::kMcycle:
    case csr::kMcycleh:
      state_.mcycle_offset =
          WithHalf(state_.cycles + state_.mcycle_offset, number == csr::kMcycleh, value) -
          state_.cycles;
      return true;
    case csr::kMinstret:
    case csr::kMinstreth:
      state_.minstret_offset =
          WithHalf(state_.instructions + state_.minstret_offset, number == csr::kMinstreth, value) -
          state_.instructions;
      return true;
    case csr::kMisa:  // these have no bit that can be written
    case csr::kMip:
    case csr::kMstatush:
    case csr::kMcountinhibit:
      return true;
    default:
      return IsZeroCounter(number);
  }
}

}  // namespace nibble::riscv
