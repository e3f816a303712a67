// The execution loop: computation, loads, stores, jumps and branches.
#include <cstring>

#include "models/riscv/hart.h"

namespace nibble::riscv {
namespace {

template <class T>
T Get(const uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <class T>
void Put(uint8_t* to, uint32_t value) {
  const T narrow = static_cast<T>(value);
  std::memcpy(to, &narrow, sizeof(T));
}

int32_t Signed(uint32_t x) { return static_cast<int32_t>(x); }

uint32_t MulHigh(int64_t a, int64_t b) { return static_cast<uint32_t>(a * b >> 32); }

// Division by zero gives all ones, and the dividend as remainder; the one overflow wraps.
uint32_t Divide(uint32_t a, uint32_t b) {
  if (b == 0) return ~0u;
  if (a == 0x80000000u && b == ~0u) return a;
  return static_cast<uint32_t>(Signed(a) / Signed(b));
}

uint32_t Remainder(uint32_t a, uint32_t b) {
  if (b == 0) return a;
  if (a == 0x80000000u && b == ~0u) return 0;
  return static_cast<uint32_t>(Signed(a) % Signed(b));
}

uint32_t ValueMask(uint32_t bytes) { return bytes == 4 ? ~0u : (1u << 8 * bytes) - 1; }

uint32_t LeadingZeros(uint32_t x) { return x == 0 ? 32 : static_cast<uint32_t>(__builtin_clz(x)); }
uint32_t Magnitude(uint32_t x) { return Signed(x) < 0 ? 0 - x : x; }

}  // namespace

Hart::Leave Hart::Execute(const Block* block, uint64_t until) {
  uint32_t* const x = state_.x.data();
  uint8_t* const ram = ram_.data;
  do {
    uint64_t extra = state_.jumped ? block->misfetch : 0;  // cycles beyond the static ones
    if ((block->first_sources & state_.loaded) != 0) {
      extra += cycles_.load_use;
    } else if ((block->first_jalr & state_.written) != 0) {
      extra += cycles_.jalr_use;
    }
    uint32_t next = block->end;
    bool jumped = false;
    // `continue` goes on with the next instruction; `break` leaves the block, all of it done.
    for (const BlockInstruction* i = block->code.data();; ++i) {
      const auto imm = static_cast<uint32_t>(i->imm);
      uint32_t offset = 0;  // in RAM, of a load or store
      const auto in_ram = [&](uint32_t bytes) {
        offset = x[i->rs1] + imm - ram_.base;
        if (offset > ram_.bytes - bytes) return false;
        if (bytes > 1 && offset % 4 > 4 - bytes) extra += cycles_.misaligned;
        return true;
      };
      const auto is_code = [&](uint32_t bytes) {
        return blocks_.IsCode(offset) || (bytes > 1 && blocks_.IsCode(offset + bytes - 1));
      };
      const auto branch_if = [&](bool taken) {
        if (!taken) return;
        next = imm;
        jumped = true;
        extra += cycles_.branch_taken - cycles_.base;
      };
      switch (i->op) {
        case Op::kLui:
          x[i->rd] = imm;
          continue;
        case Op::kAddi:
          x[i->rd] = x[i->rs1] + imm;
          continue;
        case Op::kSlti:
          x[i->rd] = Signed(x[i->rs1]) < i->imm ? 1 : 0;
          continue;
        case Op::kSltiu:
          x[i->rd] = x[i->rs1] < imm ? 1 : 0;
          continue;
        case Op::kXori:
          x[i->rd] = x[i->rs1] ^ imm;
          continue;
        case Op::kOri:
          x[i->rd] = x[i->rs1] | imm;
          continue;
        case Op::kAndi:
          x[i->rd] = x[i->rs1] & imm;
          continue;
        case Op::kSlli:
          x[i->rd] = x[i->rs1] << imm;
          continue;
        case Op::kSrli:
          x[i->rd] = x[i->rs1] >> imm;
          continue;
        case Op::kSrai:
          x[i->rd] = static_cast<uint32_t>(Signed(x[i->rs1]) >> imm);
          continue;

        case Op::kAdd:
          x[i->rd] = x[i->rs1] + x[i->rs2];
          continue;
        case Op::kSub:
          x[i->rd] = x[i->rs1] - x[i->rs2];
          continue;
        case Op::kSll:
          x[i->rd] = x[i->rs1] << (x[i->rs2] & 31);
          continue;
        case Op::kSlt:
          x[i->rd] = Signed(x[i->rs1]) < Signed(x[i->rs2]) ? 1 : 0;
          continue;
        case Op::kSltu:
          x[i->rd] = x[i->rs1] < x[i->rs2] ? 1 : 0;
          continue;
        case Op::kXor:
          x[i->rd] = x[i->rs1] ^ x[i->rs2];
          continue;
        case Op::kSrl:
          x[i->rd] = x[i->rs1] >> (x[i->rs2] & 31);
          continue;
        case Op::kSra:
          x[i->rd] = static_cast<uint32_t>(Signed(x[i->rs1]) >> (x[i->rs2] & 31));
          continue;
        case Op::kOr:
          x[i->rd] = x[i->rs1] | x[i->rs2];
          continue;
        case Op::kAnd:
          x[i->rd] = x[i->rs1] & x[i->rs2];
          continue;

        case Op::kMul:
          x[i->rd] = x[i->rs1] * x[i->rs2];
          continue;
        case Op::kMulh:
          x[i->rd] = MulHigh(Signed(x[i->rs1]), Signed(x[i->rs2]));
          continue;
        case Op::kMulhsu:
          x[i->rd] = MulHigh(Signed(x[i->rs1]), int64_t{x[i->rs2]});
          continue;
        case Op::kMulhu:
          x[i->rd] = static_cast<uint32_t>(uint64_t{x[i->rs1]} * x[i->rs2] >> 32);
          continue;
        case Op::kDiv:
          extra += LeadingZeros(Magnitude(x[i->rs2]));
          x[i->rd] = Divide(x[i->rs1], x[i->rs2]);
          continue;
        case Op::kDivu:
          extra += LeadingZeros(x[i->rs2]);
          x[i->rd] = x[i->rs2] == 0 ? ~0u : x[i->rs1] / x[i->rs2];
          continue;
        case Op::kRem:
          extra += LeadingZeros(Magnitude(x[i->rs2]));
          x[i->rd] = Remainder(x[i->rs1], x[i->rs2]);
          continue;
        case Op::kRemu:
          extra += LeadingZeros(x[i->rs2]);
          x[i->rd] = x[i->rs2] == 0 ? x[i->rs1] : x[i->rs1] % x[i->rs2];
          continue;

        case Op::kLb:
          if (!in_ram(1)) return AccessSlowly(*block, *i, extra);
          x[i->rd] = static_cast<uint32_t>(int32_t{Get<int8_t>(ram + offset)});
          continue;
        case Op::kLh:
          if (!in_ram(2)) return AccessSlowly(*block, *i, extra);
          x[i->rd] = static_cast<uint32_t>(int32_t{Get<int16_t>(ram + offset)});
          continue;
        case Op::kLw:
          if (!in_ram(4)) return AccessSlowly(*block, *i, extra);
          x[i->rd] = Get<uint32_t>(ram + offset);
          continue;
        case Op::kLbu:
          if (!in_ram(1)) return AccessSlowly(*block, *i, extra);
          x[i->rd] = ram[offset];
          continue;
        case Op::kLhu:
          if (!in_ram(2)) return AccessSlowly(*block, *i, extra);
          x[i->rd] = Get<uint16_t>(ram + offset);
          continue;
        case Op::kSb:
          if (!in_ram(1) || is_code(1)) return AccessSlowly(*block, *i, extra);
          Put<uint8_t>(ram + offset, x[i->rs2]);
          continue;
        case Op::kSh:
          if (!in_ram(2) || is_code(2)) return AccessSlowly(*block, *i, extra);
          Put<uint16_t>(ram + offset, x[i->rs2]);
          continue;
        case Op::kSw:
          if (!in_ram(4) || is_code(4)) return AccessSlowly(*block, *i, extra);
          Put<uint32_t>(ram + offset, x[i->rs2]);
          continue;

        case Op::kEndOfBlock:
          break;
        case Op::kJal:
          x[i->rd] = block->end;
          next = imm;
          jumped = true;
          break;
        case Op::kJalr:
          next = (x[i->rs1] + imm) & ~1u;
          x[i->rd] = block->end;
          jumped = true;
          break;
        case Op::kBeq:
          branch_if(x[i->rs1] == x[i->rs2]);
          break;
        case Op::kBne:
          branch_if(x[i->rs1] != x[i->rs2]);
          break;
        case Op::kBlt:
          branch_if(Signed(x[i->rs1]) < Signed(x[i->rs2]));
          break;
        case Op::kBge:
          branch_if(Signed(x[i->rs1]) >= Signed(x[i->rs2]));
          break;
        case Op::kBltu:
          branch_if(x[i->rs1] < x[i->rs2]);
          break;
        case Op::kBgeu:
          branch_if(x[i->rs1] >= x[i->rs2]);
          break;

        default:
          return Special(*block, extra);
      }
      break;
    }
    state_.pc = next;
    state_.jumped = jumped;
    state_.cycles += block->cycles + extra;
    state_.instructions += block->count;
    counters_.data_accesses += block->accesses;
    state_.loaded = block->last_loaded;
    state_.written = block->last_written;
    block = blocks_.Find(next, BlockCache::Kind::kRun);
  } while (block != nullptr && state_.cycles + block->worst_cycles <= until);
  return Leave::kGoOn;
}

void Hart::Settle(const Block& block, size_t done, uint64_t cycles, uint32_t next_pc) {
  state_.pc = next_pc;
  state_.jumped = false;
  state_.cycles += cycles;
  state_.instructions += done;
  state_.loaded = state_.written = 0;
  for (size_t k = 0; k < done; ++k) {
    const BlockInstruction& i = block.code[k];
    if (IsLoad(i.op) || IsStore(i.op)) ++counters_.data_accesses;
  }
  if (done == 0) return;
  const BlockInstruction& last = block.code[done - 1];
  state_.written = last.rd < 32 ? 1u << last.rd : 0;
  state_.loaded = IsLoad(last.op) ? state_.written : 0;
}

Hart::Leave Hart::AccessSlowly(const Block& block, const BlockInstruction& i, uint64_t extra) {
  const auto done = static_cast<size_t>(&i - block.code.data());
  const uint32_t address = state_.x[i.rs1] + static_cast<uint32_t>(i.imm);
  const uint32_t bytes = AccessBytes(i.op);
  const bool store = IsStore(i.op);
  const uint32_t pc = block.pc + i.offset, next_pc = pc + i.length;
  const uint32_t offset = address - ram_.base;
  if (offset <= ram_.bytes - bytes) {  // a store to code, or close to it
    if (bytes == 1) Put<uint8_t>(ram_.data + offset, state_.x[i.rs2]);
    if (bytes == 2) Put<uint16_t>(ram_.data + offset, state_.x[i.rs2]);
    if (bytes == 4) Put<uint32_t>(ram_.data + offset, state_.x[i.rs2]);
    blocks_.Drop(offset, bytes);
    Settle(block, done + 1, i.cycles_before + extra + cycles_.base, next_pc);
    return Leave::kGoOn;
  }

  Settle(block, done, i.cycles_before + extra, pc);
  if (address % bytes != 0) {
    return Trap(store ? Cause::kStoreMisaligned : Cause::kLoadMisaligned, address);
  }
  uint32_t value = 0;
  const BusReply reply = store ? bus_.Store(address, bytes, state_.x[i.rs2] & ValueMask(bytes))
                               : bus_.Load(address, bytes, value);
  state_.cycles += reply.stall_cycles;
  counters_.stall_cycles += reply.stall_cycles;
  ++counters_.device_accesses;
  if (!reply.ok) return Trap(store ? Cause::kStoreAccess : Cause::kLoadAccess, address);
  if (i.op == Op::kLb) value = static_cast<uint32_t>(int32_t{static_cast<int8_t>(value)});
  if (i.op == Op::kLh) value = static_cast<uint32_t>(int32_t{static_cast<int16_t>(value)});
  if (!store) state_.x[i.rd] = value;
  state_.pc = next_pc;
  state_.cycles += cycles_.base;
  ++state_.instructions;
  ++counters_.data_accesses;
  state_.written = !store && i.rd < 32 ? 1u << i.rd : 0;
  state_.loaded = state_.written;
  switch (reply.then) {
    case BusReply::Then::kSynchronise:
      return Leave::kSynchronise;
    case BusReply::Then::kExit:
      return Leave::kExit;
    case BusReply::Then::kGoOn:
      break;
  }
  return Leave::kGoOn;
}

}  // namespace nibble::riscv
