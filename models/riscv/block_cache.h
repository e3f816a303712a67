// Straight runs of decoded instructions, found by their first address.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "models/riscv/bus.h"
#include "models/riscv/cost.h"
#include "models/riscv/isa.h"

namespace nibble::riscv {

// An instruction as the execution loop wants it: x0 as destination is register 32; the immediate of
// auipc, jal and branches is the address itself; illegal ones carry their bits there.
struct BlockInstruction {
  Op op;
  uint8_t rd, rs1, rs2;
  int32_t imm;
  uint16_t cycles_before;  // from the block's first instruction to this one's begin
  uint8_t offset;          // bytes from the block's begin
  uint8_t length;          // bytes
};

// Ends with a jump, a branch, a special instruction (Hart::Special) or kEndOfBlock.
struct Block {
  uint32_t pc = 0, end = 0;   // addresses: the first, and that behind the last
  uint32_t count = 0;         // instructions; kEndOfBlock is none
  uint32_t cycles = 0;        // static ones: BaseCycles and hazards between its instructions
  uint32_t worst_cycles = 0;  // with everything that can add to them, but for the bus
  uint32_t accesses = 0;      // loads and stores; atomics are added by those who execute them
  uint32_t misfetch = 0;      // cycles to add when it is jumped to
  uint32_t first_sources = 0,
           first_jalr = 0;  // registers that the first instruction, or jalr, reads
  uint32_t last_loaded = 0, last_written = 0;  // registers that the last loads, writes
  std::vector<BlockInstruction> code;
};

class BlockCache {
 public:
  // How many instructions a block holds at most: the execution loop's, or those of single steps.
  enum class Kind : uint8_t { kRun, kStep };

  // `ram` as in bus.h.
  BlockCache(const Ram& ram, const CycleTable& cycles);

  // The block at `pc`, if it is known; any pc.
  const Block* Find(uint32_t pc, Kind kind) const {
    const uint32_t offset = pc - ram_.base;
    if (offset >= ram_.bytes) return nullptr;
    const Page* page = PagesOf(kind)[offset / kPageBytes].get();
    return page != nullptr ? (*page)[offset % kPageBytes / 2].get() : nullptr;
  }
  // Decodes it; null when the first instruction does not lie in RAM. pc even.
  const Block* Build(uint32_t pc, Kind kind);

  // Whether bytes within the same granule as this offset in RAM are, or were, code of a block.
  bool IsCode(uint32_t offset) const { return is_code_[offset / kGranuleBytes] != 0; }
  // Drops the blocks that overlap these bytes of RAM. They stay readable until Clear() or Build().
  void Drop(uint32_t offset, uint32_t bytes);
  void Clear();

 private:
  static constexpr uint32_t kPageBytes = 4096, kGranuleBytes = 16;
  using Page = std::array<std::unique_ptr<Block>, kPageBytes / 2>;
  using Pages = std::vector<std::unique_ptr<Page>>;

  const Pages& PagesOf(Kind kind) const { return pages_[static_cast<size_t>(kind)]; }

  Ram ram_;
  CycleTable cycles_;
  std::array<Pages, 2> pages_;    // by kind
  std::vector<uint8_t> is_code_;  // by granule
  std::vector<std::unique_ptr<Block>> dropped_;
};

}  // namespace nibble::riscv
