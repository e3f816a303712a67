// Parameters of a scratchpad.
#pragma once

#include <cstdint>

namespace nibble::memory {

// Which words carry check bits, (72,64) SECDED: one error of a word is corrected, two are detected.
enum class Ecc : uint8_t {
  kNone,
  kScales,  // those that hold block scales or parameters
  kAll,
};

// What the bit error rate is a rate of.
enum class FaultModel : uint8_t {
  kCells,   // cells that never hold: the same addresses in every layer and image
  kUpsets,  // bits that flip, independently in every write
};

struct SramConfig {
  uint32_t size = 0;    // bytes, all banks together
  uint32_t banks = 1;   // accessed in parallel, interleaved by `width`
  uint32_t width = 16;  // bytes per bank and cycle
  // 1: a bank reads or writes in a cycle. 2: it can do one of each.
  uint32_t ports = 1;
  // Cycles from an address to its data. Accesses are pipelined: the first of a run waits.
  uint32_t latency = 1;
  // Bank of word w: w mod banks, or, swizzled, (w xor w / banks) mod banks, which spreads words
  // that lie a power of two apart.
  bool swizzle = true;

  double vdd = 0;  // V; a platform knows the nominal voltage and puts it in place of 0
  Ecc ecc = Ecc::kNone;
  double error_rate = 0;  // of bits, 0..0.5
  FaultModel fault_model = FaultModel::kCells;
  uint64_t seed = 0;
};

inline constexpr uint32_t kEccWordBytes = 8;
inline constexpr uint32_t kEccCheckBits = 8;  // of a word

}  // namespace nibble::memory
