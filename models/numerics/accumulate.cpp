#include "models/numerics/accumulate.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "models/numerics/bits.h"
#include "models/numerics/formats.h"

namespace nibble::numerics {
namespace {

// An operand format as integers in units of 2^exponent.
struct Integers {
  int exponent;
  int64_t largest;  // magnitude
};

Integers IntegersOf(Format format) {
  switch (format) {
    case Format::kNvfp4:
    case Format::kFp4:
      return {-1, 12};
    case Format::kFp8:
      return {-9, int64_t{14} << 14};  // 448
    case Format::kFp16:
      return {-24, int64_t{0x7FF} << 29};  // 65504
    default:
      throw std::invalid_argument(std::string("no exact terms of ") + FormatName(format) +
                                  " operands");
  }
}

struct Integer {
  int64_t value;
  bool finite;
};

Integer IntegerOf(Format format, uint16_t code) {
  switch (format) {
    case Format::kFp8: {
      const ScaleParts parts = SplitE4M3(static_cast<uint8_t>(code));
      const int64_t magnitude = static_cast<int64_t>(parts.significand) << (parts.exponent + 9);
      return {(code & 0x80) != 0 ? -magnitude : magnitude, !IsNanE4M3(static_cast<uint8_t>(code))};
    }
    case Format::kFp16: {
      const int field = (code >> 10) & 31;
      const int64_t fraction = code & 0x3FF;
      const int64_t magnitude = field > 0 ? (fraction | 0x400) << (field - 1) : fraction;
      return {(code & 0x8000) != 0 ? -magnitude : magnitude, field != 31};
    }
    default:
      return {TwiceE2M1(static_cast<uint8_t>(code)), true};
  }
}

}  // namespace

int ProductExponent(Format activations, Format weights) {
  return IntegersOf(activations).exponent + IntegersOf(weights).exponent;
}

ExactTerm MakeTerm(int64_t sum, int element_exponent, int a_scale, int w_scale) {
  ExactTerm term;
  term.sum = sum;
  term.exponent = element_exponent;
  for (const int scale : {a_scale, w_scale}) {
    if (scale == kNoScale) continue;
    const auto byte = static_cast<uint8_t>(scale);
    term.nan |= IsNanE4M3(byte);
    const ScaleParts parts = SplitE4M3(byte);
    term.significand *= parts.significand;
    term.exponent += parts.exponent;
    term.scale_exponent += parts.exponent + 3;  // four bits of significand before the point
  }
  return term;
}

ExactTerm MakeTerm(const OperandBlock& block) {
  int64_t sum = 0;
  bool finite = true;
  for (int i = 0; i < block.count; ++i) {
    const Integer a = IntegerOf(block.activations, block.a[i]);
    const Integer w = IntegerOf(block.weights, block.w[i]);
    finite = finite && a.finite && w.finite;
    sum += a.value * w.value;
  }
  ExactTerm term = MakeTerm(sum, ProductExponent(block.activations, block.weights), block.a_scale,
                            block.w_scale);
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
  Int128 largest = length;
  for (const Format format : {activations, weights}) {
    largest *= IntegersOf(format).largest;
    if (HasBlockScale(format)) largest *= IntegersOf(Format::kFp8).largest;  // units of 2^-9
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
