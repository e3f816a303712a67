#include "models/memory/sram_faults.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "models/numerics/rounding.h"

namespace nibble::memory {

namespace secded {
namespace {

constexpr int Weight(unsigned bits) {
  int weight = 0;
  for (; bits != 0; bits &= bits - 1) ++weight;
  return weight;
}

// All 56 columns of weight three, eight of weight five, and the check bits' own.
constexpr std::array<uint8_t, kBits> MakeColumns() {
  std::array<uint8_t, kBits> columns{};
  int bit = 0;
  for (unsigned c = 0; c < 256; ++c) {
    if (Weight(c) == 3) columns[bit++] = static_cast<uint8_t>(c);
  }
  // 00011111 turned by 0..7 places: every check bit is in five of these.
  for (unsigned turn = 0; turn < 8; ++turn) {
    columns[bit++] = static_cast<uint8_t>(0x1Fu << turn | 0x1Fu >> (8 - turn));
  }
  for (unsigned check = 0; check < 8; ++check) columns[bit++] = static_cast<uint8_t>(1u << check);
  return columns;
}

constexpr std::array<uint8_t, kBits> kColumns = MakeColumns();

// [syndrome]: the bit whose column it is, or -1.
constexpr std::array<int, 256> MakeBitOf() {
  std::array<int, 256> bit_of{};
  for (int& bit : bit_of) bit = -1;
  for (int bit = 0; bit < kBits; ++bit) bit_of[kColumns[bit]] = bit;
  return bit_of;
}

constexpr std::array<int, 256> kBitOf = MakeBitOf();

}  // namespace

uint8_t Column(int bit) { return kColumns[bit]; }

Outcome Decode(uint64_t& data, uint8_t& check) {
  uint8_t syndrome = check;
  for (uint64_t left = data; left != 0; left &= left - 1) {
    syndrome ^= kColumns[__builtin_ctzll(left)];
  }
  if (syndrome == 0) return Outcome::kClean;
  const int bit = kBitOf[syndrome];
  if (bit < 0) return Outcome::kDetected;
  if (bit < kDataBits) {
    data ^= uint64_t{1} << bit;
  } else {
    check ^= static_cast<uint8_t>(1u << (bit - kDataBits));
  }
  return Outcome::kCorrected;
}

}  // namespace secded

namespace {

using numerics::SplitMix64;

double Uniform(uint64_t random) {  // 0 <= u < 1
  return static_cast<double>(random >> 11) * 0x1p-53;
}

}  // namespace

SramFaults::SramFaults(const SramConfig& config, uint64_t memory, uint64_t run)
    : rate_(config.error_rate), model_(config.fault_model), seed_(SplitMix64(config.seed, memory)) {
  if (model_ == FaultModel::kUpsets) seed_ = SplitMix64(seed_, run);
  for (size_t n = 1; n < some_.size(); ++n) some_[n] = some_[n - 1] + (1 - some_[n - 1]) * rate_;
}

void SramFaults::Write(uint64_t writer, bool is_protected, uint32_t address, uint32_t rows,
                       uint32_t row_bytes, uint32_t pitch, uint8_t* data, FaultCounters& counters) {
  if (rate_ <= 0 || row_bytes == 0) return;
  if (writer >= kWriters) throw std::out_of_range("writer of a scratchpad");
  uint64_t stream = seed_;
  if (model_ == FaultModel::kUpsets) {
    stream = SplitMix64(SplitMix64(seed_, writer), writes_[writer]++);
  }
  if (row_bytes == pitch) {
    WriteRow(stream, is_protected, address, address + rows * row_bytes, data, counters);
    return;
  }
  for (uint32_t row = 0; row < rows; ++row) {
    const uint32_t begin = address + row * pitch;
    WriteRow(stream, is_protected, begin, begin + row_bytes, data, counters);
  }
}

void SramFaults::WriteRow(uint64_t stream, bool is_protected, uint32_t begin, uint32_t end,
                          uint8_t* data, FaultCounters& counters) const {
  for (uint32_t word = begin / kEccWordBytes; word * kEccWordBytes < end; ++word) {
    // The wrong bits of the whole word, so that a cell fails alike whether it is written with its
    // word or apart.
    const int bits = secded::kBits;
    uint64_t random = SplitMix64(stream, word);
    double u = Uniform(random);
    if (u >= some_[bits]) continue;
    uint64_t wrong = 0;
    uint8_t wrong_check = 0;
    // The first wrong bit behind `bit` by inversion of its distribution, and so on.
    for (int bit = 0; u < some_[bits - bit];) {
      const auto at = std::upper_bound(some_.begin(), some_.end(), u) - some_.begin() - 1;
      bit += static_cast<int>(at);
      if (bit < secded::kDataBits) {
        wrong |= uint64_t{1} << bit;
      } else {
        wrong_check |= static_cast<uint8_t>(1u << (bit - secded::kDataBits));
      }
      ++bit;
      random = SplitMix64(random, word);
      u = Uniform(random);
    }
    // The bytes that are written.
    const uint32_t base = word * kEccWordBytes;
    const uint32_t from = std::max(begin, base) - base;
    const uint32_t to = std::min(end, base + kEccWordBytes) - base;
    const uint64_t upto = to == kEccWordBytes ? ~uint64_t{0} : (uint64_t{1} << 8 * to) - 1;
    wrong &= upto & ~((uint64_t{1} << 8 * from) - 1);
    if (!is_protected) wrong_check = 0;
    if (wrong == 0 && wrong_check == 0) continue;
    counters.bits += __builtin_popcountll(wrong) + __builtin_popcount(wrong_check);
    secded::Outcome outcome = secded::Outcome::kClean;
    if (is_protected) outcome = secded::Decode(wrong, wrong_check);
    if (outcome == secded::Outcome::kDetected) {
      ++counters.detected_words;
    } else if (wrong != 0) {
      ++counters.silent_words;
    } else {
      ++counters.corrected_words;
    }
    if (data == nullptr || wrong == 0) continue;
    // Byte by byte: bit 0 of a word is bit 0 of its first byte on every machine. A wrong correction
    // may concern the part that was not written.
    for (uint32_t byte = 0; byte < kEccWordBytes; ++byte) {
      data[base + byte] ^= static_cast<uint8_t>(wrong >> 8 * byte);
    }
  }
}

}  // namespace nibble::memory
