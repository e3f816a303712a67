#include "models/riscv/block_cache.h"

#include <algorithm>
#include <cstring>

namespace nibble::riscv {
namespace {

constexpr uint32_t kLongest = 32;    // instructions of a block
constexpr uint8_t kNoRegister = 32;  // the register file's extra entry, for writes to x0

// Nothing follows it in a block.
bool EndsBlock(Op op) {
  return op == Op::kJal || op == Op::kJalr || IsBranch(op) || op >= Op::kFence;
}

// What an instruction's cycles can exceed BaseCycles() by, but for hazards and the bus.
uint32_t WorstExtra(const CycleTable& table, Op op) {
  if (IsLoad(op) || IsStore(op)) return table.misaligned;
  if (op == Op::kJal || op == Op::kJalr) return table.misfetch;
  if (IsBranch(op)) return table.branch_taken - table.base + table.misfetch;
  if (op >= Op::kDiv && op <= Op::kRemu) return 32;
  if (IsCsr(op)) return std::max(table.csr, table.csr_other) - table.csr_other;
  return 0;
}

BlockInstruction Lower(const Instruction& i, uint32_t pc) {
  BlockInstruction b{};
  b.op = i.op;
  b.rd = i.rd == 0 ? kNoRegister : i.rd;
  b.rs1 = i.rs1;
  b.rs2 = i.rs2;
  b.imm = i.imm;
  b.length = i.length;
  const auto absolute = static_cast<int32_t>(pc + static_cast<uint32_t>(i.imm));
  if (i.op == Op::kAuipc) {
    b.op = Op::kLui;
    b.imm = absolute;
  } else if (i.op == Op::kJal || IsBranch(i.op)) {
    b.imm = absolute;
  } else if (i.op == Op::kIllegal) {
    b.imm = static_cast<int32_t>(i.bits);
  }
  return b;
}

}  // namespace

BlockCache::BlockCache(const Ram& ram, const CycleTable& cycles)
    : ram_(ram), cycles_(cycles), is_code_((ram.bytes + kGranuleBytes - 1) / kGranuleBytes) {
  for (Pages& pages : pages_) pages.resize((ram.bytes + kPageBytes - 1) / kPageBytes);
}

const Block* BlockCache::Build(uint32_t pc, Kind kind) {
  const uint32_t longest = kind == Kind::kRun ? kLongest : 1;
  dropped_.clear();
  auto block = std::make_unique<Block>();
  block->pc = block->end = pc;
  uint32_t loaded = 0, written = 0;  // by the instruction before
  while (block->count < longest) {
    const uint32_t offset = block->end - ram_.base;
    uint32_t bits = 0;
    if (offset > ram_.bytes - 2) break;
    std::memcpy(&bits, ram_.data + offset, 2);
    if (!IsCompressed(bits)) {
      if (offset > ram_.bytes - 4) break;
      std::memcpy(&bits, ram_.data + offset, 4);
    }
    const Instruction i = Decode(bits);
    const uint32_t sources = SourceRegisters(i);
    const uint32_t jalr = i.op == Op::kJalr ? sources : 0;
    if (block->count == 0) {
      block->first_sources = sources;
      block->first_jalr = jalr;
      block->misfetch = pc % 4 != 0 && i.length == 4 ? cycles_.misfetch : 0;
    } else if ((sources & loaded) != 0) {
      block->cycles += cycles_.load_use;
    } else if ((jalr & written) != 0) {
      block->cycles += cycles_.jalr_use;
    }
    BlockInstruction lowered = Lower(i, block->end);
    lowered.cycles_before = static_cast<uint16_t>(block->cycles);
    lowered.offset = static_cast<uint8_t>(block->end - pc);
    block->code.push_back(lowered);
    block->cycles += BaseCycles(cycles_, i.op);
    block->worst_cycles += WorstExtra(cycles_, i.op);
    block->accesses += IsLoad(i.op) || IsStore(i.op) ? 1 : 0;
    block->end += i.length;
    ++block->count;
    written = (1u << i.rd) & ~1u;
    loaded = IsLoad(i.op) ? written : 0;
    if (EndsBlock(i.op)) break;
  }
  if (block->count == 0) return nullptr;
  if (!EndsBlock(block->code.back().op)) {
    BlockInstruction end{};
    end.op = Op::kEndOfBlock;
    end.cycles_before = static_cast<uint16_t>(block->cycles);
    end.offset = static_cast<uint8_t>(block->end - pc);
    block->code.push_back(end);
  }
  block->last_loaded = loaded;
  block->last_written = written;
  block->worst_cycles +=
      block->cycles + block->misfetch + std::max(cycles_.load_use, cycles_.jalr_use);

  const uint32_t offset = pc - ram_.base;
  for (uint32_t at = offset / kGranuleBytes; at <= (block->end - 1 - ram_.base) / kGranuleBytes;
       ++at) {
    is_code_[at] = 1;
  }
  std::unique_ptr<Page>& page = pages_[static_cast<size_t>(kind)][offset / kPageBytes];
  if (page == nullptr) page = std::make_unique<Page>();
  std::unique_ptr<Block>& entry = (*page)[offset % kPageBytes / 2];
  entry = std::move(block);
  return entry.get();
}

void BlockCache::Drop(uint32_t offset, uint32_t bytes) {
  const uint32_t reach = kLongest * 4;  // a block that begins earlier ends before `offset`
  const uint32_t first = offset > reach ? (offset - reach) & ~1u : 0;
  for (Pages& pages : pages_) {
    for (uint32_t at = first; at < offset + bytes; at += 2) {
      Page* page = pages[at / kPageBytes].get();
      if (page == nullptr) {
        at = at / kPageBytes * kPageBytes + kPageBytes - 2;
        continue;
      }
      std::unique_ptr<Block>& entry = (*page)[at % kPageBytes / 2];
      if (entry != nullptr && entry->end - ram_.base > offset) dropped_.push_back(std::move(entry));
    }
  }
}

void BlockCache::Clear() {
  for (Pages& pages : pages_) {
    for (auto& page : pages) page.reset();
  }
  dropped_.clear();
  std::fill(is_code_.begin(), is_code_.end(), uint8_t{0});
}

}  // namespace nibble::riscv
