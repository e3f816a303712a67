// What the operands' bits did: the data-dependent counts behind gating and switching energy. Codes
// are unpacked, in the order in which the datapath reads them, of any format but binary32; block
// scales are their bits, or kNoScale.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "models/numerics/accumulate.h"
#include "models/numerics/datapath.h"

namespace nibble::numerics {

// Counts of zeros. A zero of either sign is a zero. A product is zero where one operand is and the
// other is finite; a block where all its products are, or a scale is, and no scale is NaN: adding
// it changes no accumulator.
struct ZeroCounts {
  uint64_t products = 0;  // pairs of codes, the zero ones included
  uint64_t zero_activations = 0;
  uint64_t zero_weights = 0;
  uint64_t zero_products = 0;
  uint64_t blocks = 0;
  uint64_t zero_blocks = 0;
  uint64_t products_of_zero_blocks = 0;  // what skipping zero blocks saves

  ZeroCounts& operator+=(const ZeroCounts& other);
};
ZeroCounts CountZeros(const OperandBlock& block);

// The same in two halves, each of which serves many blocks: what there is to know of one operand.
struct OperandMask {
  static constexpr int kMaxElements = 128;
  std::array<uint64_t, 2> zero = {};        // bit i % 64 of word i / 64: element i is a zero,
  std::array<uint64_t, 2> not_finite = {};  // or NaN or infinite
  int elements = 0;
  bool zero_scale = false;
  bool nan_scale = false;
};
// Throws std::invalid_argument for more than kMaxElements, or kFp32.
OperandMask MaskOf(Format format, const uint8_t* codes, int64_t scale, int count);
OperandMask MaskOf(Format format, const uint16_t* codes, int64_t scale, int count);
// Masks of equally many elements.
ZeroCounts CountZeros(const OperandMask& a, const OperandMask& w);

// Codes that are +0 or -0. Throws std::invalid_argument for kFp32.
uint64_t CountZeroCodes(Format format, const uint8_t* codes, int count);
uint64_t CountZeroCodes(Format format, const uint16_t* codes, int count);

// Which bits of a code are what. A code is a zero where `code & nonzero` is 0, and NaN or infinite
// where it is at least `not_finite`.
struct CodeFields {
  uint32_t sign, exponent, mantissa, nonzero, not_finite;
  bool always_finite() const { return not_finite > nonzero; }
};
CodeFields CodeFieldsOf(Format format);  // throws std::invalid_argument for kFp32
// Of the bits of a block scale, or kNoScale; a zero or infinity has either sign.
bool IsZeroScale(Format format, int64_t scale);
bool IsNotFiniteScale(Format format, int64_t scale);

// Bits that changed in operand registers, by field of the element.
struct Toggles {
  uint64_t sign = 0;
  uint64_t exponent = 0;
  uint64_t mantissa = 0;

  uint64_t total() const { return sign + exponent + mantissa; }
  Toggles& operator+=(const Toggles& other);
};

// One operand register in each of `lanes` lanes. All hold zero at first and keep their code from
// one load to the next, also across runs.
template <typename Code>  // uint8_t or uint16_t
class OperandRegisters {
 public:
  // Throws std::invalid_argument for fewer lanes than one, kFp32, or codes that do
  // not fit `Code`.
  OperandRegisters(Format format, int lanes);

  // Loads codes[i] into lane i % lanes, `lanes` of them a step; a last step of fewer leaves the
  // other lanes as they are. Returns the bits that changed, the Hamming distance of successive
  // codes in each lane.
  Toggles Load(const Code* codes, int count);

 private:
  struct Masks {
    uint64_t sign, exponent, mantissa;
  };
  Toggles Changes(const Code* before, const Code* after, size_t count) const;

  static constexpr int kCodeBits = 8 * sizeof(Code);
  int slot_bits_ = 4;  // 4, 8 or 16: room for a code
  Masks masks_;
  std::vector<Code> held_;
};
extern template class OperandRegisters<uint8_t>;
extern template class OperandRegisters<uint16_t>;

}  // namespace nibble::numerics
