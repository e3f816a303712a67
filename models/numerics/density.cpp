#include "models/numerics/density.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <stdexcept>
#include <string>

namespace nibble::numerics {
namespace {

constexpr uint32_t kAlwaysFinite = 0x10000;

template <typename Code>
uint64_t CountZeroMagnitudes(Format format, const Code* codes, int count) {
  const uint32_t nonzero = CodeFieldsOf(format).nonzero;
  int zeros = 0;
  for (int i = 0; i < count; ++i) zeros += (codes[i] & nonzero) == 0 ? 1 : 0;
  return static_cast<uint64_t>(zeros);
}

// The magnitude bits of a floating-point scale, and the least of these that is no number; none for
// scales that have no zero.
struct ScaleFields {
  uint32_t magnitude, not_finite;
};
ScaleFields ScaleFieldsOf(Format format) {
  switch (SpecOf(format).block_scale) {
    case BlockScale::kE4M3:
      return {0x7F, 0x7F};
    case BlockScale::kFp16:
      return {0x7FFF, 0x7C00};
    case BlockScale::kFp32:
      return {0x7FFFFFFF, 0x7F800000};
    case BlockScale::kE8M0:
    case BlockScale::kNone:
      break;
  }
  return {};
}

template <typename Code>
OperandMask MakeMask(Format format, const Code* codes, int64_t scale, int count) {
  if (count < 0 || count > OperandMask::kMaxElements) {
    throw std::invalid_argument("a mask of " + std::to_string(count) + " elements");
  }
  const CodeFields fields = CodeFieldsOf(format);
  OperandMask mask;
  mask.elements = count;
  for (int i = 0; i < count; ++i) {
    const auto word = static_cast<size_t>(i / 64);
    const uint32_t bits = codes[i] & fields.nonzero;
    mask.zero[word] |= static_cast<uint64_t>(bits == 0) << (i % 64);
    mask.not_finite[word] |= static_cast<uint64_t>(bits >= fields.not_finite) << (i % 64);
  }
  mask.zero_scale = IsZeroScale(format, scale);
  mask.nan_scale = IsNotFiniteScale(format, scale);
  return mask;
}

// Set bits of each byte, without the processor's own instruction, which not all have.
uint64_t CountByBytes(uint64_t x) {
  x -= x >> 1 & 0x5555555555555555;
  x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
  return (x + (x >> 4)) & 0x0F0F0F0F0F0F0F0F;
}
uint64_t SumOfBytes(uint64_t x) {
  x = (x & 0x00FF00FF00FF00FF) + (x >> 8 & 0x00FF00FF00FF00FF);
  return x * 0x0001000100010001 >> 48;
}

uint64_t Count(uint64_t bits) { return static_cast<uint64_t>(__builtin_popcountll(bits)); }

}  // namespace

CodeFields CodeFieldsOf(Format format) {
  switch (SpecOf(format).element) {
    case Element::kE2M1:
      return {0x8, 0x6, 0x1, 0x7, kAlwaysFinite};
    case Element::kE2M3:
      return {0x20, 0x18, 0x07, 0x1F, kAlwaysFinite};
    case Element::kE3M2:
      return {0x20, 0x1C, 0x03, 0x1F, kAlwaysFinite};
    case Element::kE4M3:
      return {0x80, 0x78, 0x07, 0x7F, 0x7F};
    case Element::kE5M2:
      return {0x80, 0x7C, 0x03, 0x7F, 0x7C};
    case Element::kInt4:  // two's complement has no second zero
      return {0x8, 0, 0x7, 0xF, kAlwaysFinite};
    case Element::kInt8:
      return {0x80, 0, 0x7F, 0xFF, kAlwaysFinite};
    case Element::kFp16:
      return {0x8000, 0x7C00, 0x03FF, 0x7FFF, 0x7C00};
    case Element::kBf16:
      return {0x8000, 0x7F80, 0x007F, 0x7FFF, 0x7F80};
    default:
      throw std::invalid_argument(std::string("no counts of the bits of ") + FormatName(format) +
                                  " operands");
  }
}

bool IsZeroScale(Format format, int64_t scale) {
  const uint32_t magnitude = ScaleFieldsOf(format).magnitude;
  return scale != kNoScale && magnitude != 0 && (static_cast<uint32_t>(scale) & magnitude) == 0;
}

bool IsNotFiniteScale(Format format, int64_t scale) {
  if (scale == kNoScale) return false;
  const auto bits = static_cast<uint32_t>(scale);
  if (SpecOf(format).block_scale == BlockScale::kE8M0) return bits == 0xFF;
  const ScaleFields fields = ScaleFieldsOf(format);
  return fields.magnitude != 0 && (bits & fields.magnitude) >= fields.not_finite;
}

ZeroCounts& ZeroCounts::operator+=(const ZeroCounts& other) {
  products += other.products;
  zero_activations += other.zero_activations;
  zero_weights += other.zero_weights;
  zero_products += other.zero_products;
  blocks += other.blocks;
  zero_blocks += other.zero_blocks;
  products_of_zero_blocks += other.products_of_zero_blocks;
  return *this;
}

uint64_t CountZeroCodes(Format format, const uint8_t* codes, int count) {
  return CountZeroMagnitudes(format, codes, count);
}

uint64_t CountZeroCodes(Format format, const uint16_t* codes, int count) {
  return CountZeroMagnitudes(format, codes, count);
}

OperandMask MaskOf(Format format, const uint8_t* codes, int64_t scale, int count) {
  return MakeMask(format, codes, scale, count);
}

OperandMask MaskOf(Format format, const uint16_t* codes, int64_t scale, int count) {
  return MakeMask(format, codes, scale, count);
}

ZeroCounts CountZeros(const OperandMask& a, const OperandMask& w) {
  assert(a.elements == w.elements);
  ZeroCounts counts;
  counts.products = static_cast<uint64_t>(a.elements);
  counts.blocks = 1;
  bool nan = a.nan_scale || w.nan_scale;
  for (size_t i = 0; i < static_cast<size_t>(a.elements + 63) / 64; ++i) {
    counts.zero_activations += Count(a.zero[i]);
    counts.zero_weights += Count(w.zero[i]);
    counts.zero_products += Count((a.zero[i] & ~w.not_finite[i]) | (w.zero[i] & ~a.not_finite[i]));
    nan = nan || (a.not_finite[i] | w.not_finite[i]) != 0;
  }
  if (!nan && (a.zero_scale || w.zero_scale || counts.zero_products == counts.products)) {
    counts.zero_blocks = 1;
    counts.products_of_zero_blocks = counts.products;
  }
  return counts;
}

ZeroCounts CountZeros(const OperandBlock& block) {
  return CountZeros(MaskOf(block.activations, block.a, block.a_scale, block.count),
                    MaskOf(block.weights, block.w, block.w_scale, block.count));
}

Toggles& Toggles::operator+=(const Toggles& other) {
  sign += other.sign;
  exponent += other.exponent;
  mantissa += other.mantissa;
  return *this;
}

template <typename Code>
OperandRegisters<Code>::OperandRegisters(Format format, int lanes) {
  const CodeFields fields = CodeFieldsOf(format);
  if (ElementBits(format) > static_cast<int>(8 * sizeof(Code))) {
    throw std::invalid_argument(std::string(FormatName(format)) + " codes do not fit " +
                                std::to_string(8 * sizeof(Code)) + " bits");
  }
  if (lanes < 1) throw std::invalid_argument("registers of " + std::to_string(lanes) + " lanes");
  while (slot_bits_ < ElementBits(format)) slot_bits_ *= 2;
  // A field in every slot of a 64-bit word.
  const uint64_t every = ~uint64_t{0} / ((uint64_t{1} << slot_bits_) - 1);
  masks_ = {fields.sign * every, fields.exponent * every, fields.mantissa * every};
  held_.assign(static_cast<size_t>(lanes), 0);
}

template <typename Code>
Toggles OperandRegisters<Code>::Load(const Code* codes, int count) {
  const auto total = static_cast<size_t>(count), lanes = held_.size();
  const size_t first = std::min(total, lanes);
  Toggles toggles = Changes(held_.data(), codes, first);
  // From the second step on a lane's predecessor lies one step before in the same array.
  toggles += Changes(codes, codes + first, total - first);
  // What each lane holds is the last code loaded into it.
  const size_t last = total - total % lanes;
  if (last >= lanes) std::copy_n(codes + (last - lanes), lanes, held_.begin());
  std::copy_n(codes + last, total - last, held_.begin());
  return toggles;
}

template <typename Code>
Toggles OperandRegisters<Code>::Changes(const Code* before, const Code* after, size_t count) const {
  constexpr size_t kCodes = sizeof(uint64_t) / sizeof(Code);
  Toggles toggles;
  for (size_t i = 0; i < count;) {
    // Counts by byte, of at most 31 words of 8 bits a byte: they stay below 256.
    uint64_t sign = 0, exponent = 0, mantissa = 0;
    for (int words = 0; words < 31 && i < count; ++words) {
      uint64_t changed = 0;
      // Codes shorter than their type leave room for those of the next words.
      for (int shift = 0; shift < kCodeBits && i < count; shift += slot_bits_, i += kCodes) {
        uint64_t x = 0, y = 0;
        const size_t bytes = std::min(kCodes, count - i) * sizeof(Code);
        std::memcpy(&x, before + i, bytes);
        std::memcpy(&y, after + i, bytes);
        changed |= (x ^ y) << shift;
      }
      sign += CountByBytes(changed & masks_.sign);
      exponent += CountByBytes(changed & masks_.exponent);
      mantissa += CountByBytes(changed & masks_.mantissa);
    }
    toggles.sign += SumOfBytes(sign);
    toggles.exponent += SumOfBytes(exponent);
    toggles.mantissa += SumOfBytes(mantissa);
  }
  return toggles;
}

template class OperandRegisters<uint8_t>;
template class OperandRegisters<uint16_t>;

}  // namespace nibble::numerics
