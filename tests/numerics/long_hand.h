// Dot products by hand, for the tests: bit fields, integers and one rounding. Shares no code with
// the library.
#pragma once

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "models/numerics/accumulate.h"
#include "models/numerics/bits.h"

namespace nibble::numerics::long_hand {

// integer * 2^exponent, or not finite.
struct Number {
  Int128 integer = 1;
  int exponent = 0;
  bool finite = true;
};

// Sign, exponent and mantissa. The topmost exponent is an ordinary one here.
inline Number FromFields(uint32_t code, int exponent_bits, int mantissa_bits, int bias) {
  const auto field = static_cast<int>(code >> mantissa_bits & ((1u << exponent_bits) - 1));
  const auto mantissa = static_cast<int64_t>(code & ((1u << mantissa_bits) - 1));
  const int64_t magnitude = field == 0 ? mantissa : mantissa + (int64_t{1} << mantissa_bits);
  const bool negative = (code >> (exponent_bits + mantissa_bits) & 1) != 0;
  return {negative ? -magnitude : magnitude, std::max(field, 1) - bias - mantissa_bits, true};
}

inline Number ElementValue(Element element, uint16_t code) {
  Number x;
  switch (element) {
    case Element::kE2M1:
      return FromFields(code, 2, 1, 1);
    case Element::kE2M3:
      return FromFields(code, 2, 3, 1);
    case Element::kE3M2:
      return FromFields(code, 3, 2, 3);
    case Element::kE4M3:
      x = FromFields(code, 4, 3, 7);
      x.finite = (code & 0x7F) != 0x7F;
      return x;
    case Element::kE5M2:
      x = FromFields(code, 5, 2, 15);
      x.finite = (code & 0x7C) != 0x7C;
      return x;
    case Element::kInt4:
      return {code < 8 ? code : code - 16, 0, true};
    case Element::kInt8:
      return {code < 128 ? code : code - 256, 0, true};
    case Element::kFp16:
      x = FromFields(code, 5, 10, 15);
      x.finite = (code & 0x7C00) != 0x7C00;
      return x;
    default:
      x = FromFields(code, 8, 7, 127);
      x.finite = (code & 0x7F80) != 0x7F80;
      return x;
  }
}

inline Number ScaleValue(Format format, int64_t bits) {
  const auto word = static_cast<uint32_t>(bits);
  Number x;
  switch (SpecOf(format).block_scale) {
    case BlockScale::kNone:
      return x;
    case BlockScale::kE4M3:  // unsigned: bit 7 is ignored
      return ElementValue(Element::kE4M3, static_cast<uint16_t>(word & 0x7F));
    case BlockScale::kE8M0:
      return {1, static_cast<int>(word) - 127, word != 0xFF};
    case BlockScale::kFp16:
      return ElementValue(Element::kFp16, static_cast<uint16_t>(word));
    case BlockScale::kFp32:
      x = FromFields(word, 8, 23, 127);
      x.finite = (word & 0x7F800000) != 0x7F800000;
      return x;
  }
  return x;
}

inline Number Product(const Number& a, const Number& b) {
  return {a.integer * b.integer, a.exponent + b.exponent, a.finite && b.finite};
}

// RNE32. More than 50 bits become 50 and a sticky one, which binary64 holds exactly and which round
// to binary32 as all of them do.
inline float Rounded(const Number& x) {
  Uint128 magnitude = x.integer < 0 ? -static_cast<Uint128>(x.integer) : x.integer;
  int exponent = x.exponent;
  for (; magnitude >> 51 != 0; ++exponent) magnitude = magnitude >> 1 | (magnitude & 1);
  const double value = std::ldexp(static_cast<double>(static_cast<uint64_t>(magnitude)), exponent);
  return static_cast<float>(x.integer < 0 ? -value : value);
}

// RZ32(a + b), both finite. What lies more than 90 places below the other only tells on which side
// of it the sum is.
inline float TruncatedSum(float a, float b) {
  Number high = FromFields(FloatBits(a), 8, 23, 127), low = FromFields(FloatBits(b), 8, 23, 127);
  if (high.exponent < low.exponent) std::swap(high, low);
  const int shift = std::min(high.exponent - low.exponent, 90);
  if (shift < high.exponent - low.exponent) {
    low.integer = low.integer == 0 ? 0 : low.integer < 0 ? -1 : 1;
  }
  const Int128 sum = high.integer * (Int128{1} << shift) + low.integer;
  Uint128 magnitude = sum < 0 ? -static_cast<Uint128>(sum) : sum;
  int exponent = high.exponent - shift;
  for (; magnitude >> 24 != 0 || exponent < -149; ++exponent) magnitude >>= 1;
  const double value = std::ldexp(static_cast<double>(static_cast<uint64_t>(magnitude)), exponent);
  const auto truncated = static_cast<float>(std::min(value, double{FLT_MAX}));
  return sum < 0 ? -truncated : truncated;
}

// Products that are terms of their own: what the comment of AddsBlocksExactly lists.
inline bool OneByOne(Format activations, Format weights) {
  const Element a = SpecOf(activations).element, w = SpecOf(weights).element;
  const auto fp8 = [](Element e) { return e == Element::kE4M3 || e == Element::kE5M2; };
  if (a == Element::kBf16 || w == Element::kBf16) return true;
  if (a == Element::kFp16) return w == Element::kFp16 || fp8(w);
  if (w == Element::kFp16) return fp8(a);
  return a == Element::kE5M2 && w == Element::kE5M2;
}

// The exact terms of a block, `elements` products each.
inline std::vector<Number> Terms(const OperandBlock& block, int elements) {
  std::vector<Number> terms;
  const Number scales = Product(ScaleValue(block.activations, block.a_scale),
                                ScaleValue(block.weights, block.w_scale));
  for (int begin = 0; begin < block.count; begin += elements) {
    std::vector<Number> products;
    int unit = 0;
    for (int i = begin; i < std::min(begin + elements, block.count); ++i) {
      products.push_back(Product(ElementValue(SpecOf(block.activations).element, block.a[i]),
                                 ElementValue(SpecOf(block.weights).element, block.w[i])));
      unit = products.size() == 1 ? products[0].exponent : std::min(unit, products.back().exponent);
    }
    Number sum{0, unit, true};
    for (const Number& p : products) {
      if (p.finite) sum.integer += p.integer * (Int128{1} << (p.exponent - unit));
      sum.finite = sum.finite && p.finite;
    }
    terms.push_back(Product(sum, scales));
  }
  return terms;
}
inline std::vector<Number> Terms(const OperandBlock& block) {
  return Terms(block, OneByOne(block.activations, block.weights) ? 1 : std::max(block.count, 1));
}

// Datapath D0 over some blocks; NaN is the canonical one.
inline float SumD0(const std::vector<OperandBlock>& blocks) {
  float acc = 0;
  for (const OperandBlock& block : blocks) {
    for (const Number& term : Terms(block)) {
      acc += term.finite ? Rounded(term) : BitsFloat(kCanonicalNan);
    }
  }
  return std::isnan(acc) ? BitsFloat(kCanonicalNan) : acc;
}

}  // namespace nibble::numerics::long_hand
