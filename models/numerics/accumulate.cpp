#include "models/numerics/accumulate.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "models/numerics/bits.h"
#include "models/numerics/elements.h"
#include "models/numerics/formats.h"

namespace nibble::numerics {
namespace {

[[noreturn]] void Refuse(const std::string& what) {
  throw std::invalid_argument("no exact terms of " + what);
}

// Elements as integers in units of 2^exponent.
struct Integers {
  int exponent;
  int64_t largest;  // magnitude
};

Integers IntegersOf(Format format) {
  switch (SpecOf(format).element) {
    case Element::kE2M1:
      return {-1, 12};
    case Element::kE2M3:
      return {-3, 60};
    case Element::kE3M2:
      return {-4, 448};
    case Element::kE4M3:
      return {-9, int64_t{448} << 9};
    case Element::kE5M2:
      return {-16, int64_t{57344} << 16};
    case Element::kInt4:
      return {0, 8};
    case Element::kInt8:
      return {0, 128};
    case Element::kFp16:
      return {-24, int64_t{65504} << 24};
    default:  // exponents of eight bits
      Refuse(std::string(FormatName(format)) + " operands");
  }
}

// The block scale of a format as significand * 2^exponent.
struct Scale {
  int32_t significand = 1;
  int exponent = 0;
  int point = 0;  // the place of the significand's leading bit where it is normal
  bool nan = false;
};

Scale ScaleOf(Format format, int bits) {
  if (bits == kNoScale) return {};
  switch (SpecOf(format).block_scale) {
    case BlockScale::kNone:
      return {};
    case BlockScale::kE4M3: {
      const auto byte = static_cast<uint8_t>(bits);
      const ScaleParts parts = SplitE4M3(byte);
      return {parts.significand, parts.exponent, 3, IsNanE4M3(byte)};
    }
    case BlockScale::kE8M0:
      return {1, bits - 127, 0, bits == 0xFF};
    case BlockScale::kFp16: {
      const int field = (bits >> 10) & 31;
      const int32_t significand = (bits & 0x3FF) | (field > 0 ? 0x400 : 0);
      return {significand, std::max(field, 1) - 25, 10, field == 31};
    }
    default:
      Refuse(std::string(FormatName(format)) + " operands");
  }
}

int32_t LargestSignificand(Format format) {
  switch (SpecOf(format).block_scale) {
    case BlockScale::kE4M3:
      return 15;
    case BlockScale::kFp16:
      return 0x7FF;
    default:
      return 1;
  }
}

}  // namespace

void CheckExactTerms(Format activations, Format weights) {
  Int128 largest = kMaxTermElements;
  for (const Format format : {activations, weights}) {
    largest *= Int128{IntegersOf(format).largest} * LargestSignificand(format);
    if (SpecOf(format).block_scale == BlockScale::kFp32) {
      Refuse(std::string(FormatName(format)) + " operands");
    }
  }
  if (BitLength(Magnitude(largest)) > 63 || ElementBits(activations) > 8) {
    Refuse(std::string(FormatName(activations)) + " activations by " + FormatName(weights) +
           " weights");
  }
}

int ProductExponent(Format activations, Format weights) {
  return IntegersOf(activations).exponent + IntegersOf(weights).exponent;
}

ExactTerm MakeTerm(int64_t sum, Format activations, int a_scale, Format weights, int w_scale) {
  const Scale a = ScaleOf(activations, a_scale), w = ScaleOf(weights, w_scale);
  ExactTerm term;
  term.sum = sum;
  term.significand = a.significand * w.significand;
  term.exponent = ProductExponent(activations, weights) + a.exponent + w.exponent;
  term.scale_exponent = a.exponent + a.point + w.exponent + w.point;
  term.nan = a.nan || w.nan;
  return term;
}

ExactTerm MakeTerm(const OperandBlock& block) {
  const Element a_element = SpecOf(block.activations).element;
  const Element w_element = SpecOf(block.weights).element;
  // Powers that make the elements integers.
  const float a_units = PowerOfTwo(-IntegersOf(block.activations).exponent);
  const float w_units = PowerOfTwo(-IntegersOf(block.weights).exponent);
  int64_t sum = 0;
  bool finite = true;
  for (int i = 0; i < block.count; ++i) {
    const float a = DecodeElement(a_element, block.a[i]) * a_units;
    const float w = DecodeElement(w_element, block.w[i]) * w_units;
    if (std::isfinite(a) && std::isfinite(w)) {
      sum += static_cast<int64_t>(a) * static_cast<int64_t>(w);
    } else {
      finite = false;
    }
  }
  ExactTerm term = MakeTerm(sum, block.activations, block.a_scale, block.weights, block.w_scale);
  term.nan |= !finite;
  return term;
}

int TermElements(const AccumulatorSpec& spec, int block) {
  switch (spec.kind) {
    case Accumulation::kLanes:
      return 1;
    case Accumulation::kFused:
      return std::min(block, kFusedElements);
    default:
      return block;
  }
}

int ExactRegisterBits(Format activations, Format weights, int64_t length) {
  CheckExactTerms(activations, weights);
  Int128 largest = length;
  for (const Format format : {activations, weights}) {
    largest *= IntegersOf(format).largest;
    switch (SpecOf(format).block_scale) {
      case BlockScale::kE4M3:
        largest *= int64_t{448} << 9;
        break;
      case BlockScale::kFp16:
        largest *= int64_t{65504} << 24;
        break;
      case BlockScale::kE8M0:
        throw std::invalid_argument(std::string("no exact accumulator of ") + FormatName(format) +
                                    " operands: their scales span 254 powers of two each");
      default:
        break;
    }
  }
  return BitLength(Magnitude(largest)) + 1;  // and the sign
}

Accumulator::Register Accumulator::MakeRegister(const AccumulatorSpec& spec, int block) {
  CheckAccumulator(spec);
  if (block < 1) {
    throw std::invalid_argument("accumulation in blocks of " + std::to_string(block));
  }
  switch (spec.kind) {
    case Accumulation::kExact:
      return internal::ExactRegister();
    case Accumulation::kFused:
      return internal::FusedRegister(spec);
    case Accumulation::kLanes:
      return internal::LaneRegisters(block);
    case Accumulation::kFixed:
      return internal::FixedRegister(spec);
    default:
      return internal::FloatRegister(spec);
  }
}

Accumulator::Accumulator(const AccumulatorSpec& spec, int block)
    : term_elements_(TermElements(spec, block)), register_(MakeRegister(spec, block)) {}

void Accumulator::Reset() {
  nan_ = false;
  std::visit([](auto& r) { r.Reset(); }, register_);
}

void Accumulator::Add(const ExactTerm& term, int lane) {
  if (term.nan) {
    nan_ = true;
    return;
  }
  const bool overflow = std::visit([&](auto& r) { return r.Add(term, lane); }, register_);
  overflows_ += overflow ? 1 : 0;
}

void Accumulator::AddBlock(const OperandBlock& block) {
  for (int begin = 0; begin < block.count; begin += term_elements_) {
    OperandBlock part = block;
    part.a += begin;
    part.w += begin;
    part.count = std::min(term_elements_, block.count - begin);
    Add(MakeTerm(part), begin);
  }
}

float Accumulator::Result() const {
  if (nan_) return BitsFloat(kCanonicalNan);
  return std::visit([](const auto& r) { return r.Result(); }, register_);
}

}  // namespace nibble::numerics
