// Bits that a scratchpad does not hold, and what error correction makes of them.
//
// A bit is wrong from the write until the next one: reads return the same wrong value. So what
// reads will return is decided when a word is written: each bit written, and each check bit of a
// protected word, is inverted with the bit error rate; the decoder's answer to that pattern, which
// does not depend on the data for the code is linear, is applied at once. Which bits are inverted
// depends on (seed, memory, address) for FaultModel::kCells, and besides on (run, writer, number of
// the writer's write) for kUpsets: not on time, threads or the order of evaluation.
//
// A write of a part of a word concerns that part and the check bits, which are made anew.
// A word with two errors is detected and left as it is: whoever reads goes on with it.
#pragma once

#include <array>
#include <cstdint>

#include "models/memory/sram_config.h"

namespace nibble::memory {

// The odd-weight-column code of M. Y. Hsiao, "A class of optimal minimum odd-weight-column SEC-DED
// codes", IBM J. R&D 14(4), 1970: 64 data bits, 8 check bits.
namespace secded {
inline constexpr int kDataBits = 64, kBits = 72;
// The column of the check matrix of bit 0..71; the last eight are the check bits'.
uint8_t Column(int bit);
enum class Outcome : uint8_t { kClean, kCorrected, kDetected };
// What the decoder does to a word in which the bits of `data` and `check` are wrong. It inverts
// the bit that it takes to be wrong, in `data` or `check`: with three errors or more, perhaps
// another.
Outcome Decode(uint64_t& data, uint8_t& check);
}  // namespace secded

struct FaultCounters {
  uint64_t bits = 0;             // inverted, check bits included
  uint64_t corrected_words = 0;  // that the decoder made right
  uint64_t detected_words = 0;   // that it knows to be wrong
  uint64_t silent_words = 0;     // that are wrong and nobody knows
};

class SramFaults {
 public:
  // `memory` tells the scratchpads of a machine apart, `run` the runs of a study.
  SramFaults(const SramConfig& config, uint64_t memory, uint64_t run);

  // `writer` has written `rows` of `row_bytes`, `pitch` apart, from `address`: inverts bits of
  // `data` (the contents of the whole scratchpad; null: counts alone).
  void Write(uint64_t writer, bool is_protected, uint32_t address, uint32_t rows,
             uint32_t row_bytes, uint32_t pitch, uint8_t* data, FaultCounters& counters);

 private:
  void WriteRow(uint64_t stream, bool is_protected, uint32_t begin, uint32_t end, uint8_t* data,
                FaultCounters& counters) const;

  double rate_;
  FaultModel model_;
  uint64_t seed_;
  // [n]: probability that at least one of n bits is inverted.
  std::array<double, secded::kBits + 1> some_{};
  static constexpr int kWriters = 8;
  uint64_t writes_[kWriters] = {};
};

}  // namespace nibble::memory
