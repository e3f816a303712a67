// The registers behind Accumulator, one choice after the other.
#include <algorithm>
#include <cassert>
#include <cfloat>
#include <cmath>
#include <stdexcept>

#include "models/numerics/accumulate.h"
#include "models/numerics/bits.h"

namespace nibble::numerics::internal {
namespace {

Exact ExactOf(const ExactTerm& term) {
  return {Int128{term.sum} * term.significand, term.exponent};
}

// RNE32 of the term.
float RoundTerm(const ExactTerm& term) {
  int64_t integer = 0;
  const bool wide = __builtin_mul_overflow(term.sum, term.significand, &integer);
  if (wide || term.exponent < -100 || term.exponent > 60) {
    return Round(ExactOf(term), kBinary32, AddRounding::kNearestEven).value;
  }
  // The conversion rounds, if anything does: the power of two neither under- nor overflows.
  return static_cast<float>(integer) * PowerOfTwo(term.exponent);
}

// True where an addition to a finite accumulator made it infinite.
bool AddNative(float term, float* acc) {
  const bool finite = std::isfinite(*acc);
  *acc += term;
  return finite && !std::isfinite(*acc);
}

// RZ32(a + b): the sum rounded to nearest, and a step back toward zero where that went beyond. The
// error of a rounded sum is a binary32 itself (Knuth's two-sum), so its sign tells.
float TruncatedSum(float a, float b) {
  const float sum = a + b;
  const float back = sum - a;
  const float error = (a - (sum - back)) + (b - back);
  const bool beyond = error != 0 && (error < 0) == (sum > 0);
  return BitsFloat(FloatBits(sum) - (beyond ? 1 : 0));
}

}  // namespace

FloatRegister::FloatRegister(const AccumulatorSpec& spec)
    : format_(spec.kind == Accumulation::kFp16   ? kBinary16
              : spec.kind == Accumulation::kBf16 ? kBfloat16
                                                 : kBinary32),
      rounding_(spec.kind == Accumulation::kFp32Rz ? AddRounding::kTowardZero
                                                   : AddRounding::kNearestEven),
      round_term_(spec.round_term &&
                  (spec.kind == Accumulation::kFp32 || spec.kind == Accumulation::kFp32Rz)),
      native_(round_term_ && spec.kind == Accumulation::kFp32),
      pre_shift_(format_.mantissa_bits < kBinary32.mantissa_bits ? spec.pre_shift : 0) {}

bool FloatRegister::Add(const ExactTerm& term, int /*lane*/) {
  if (native_) return AddNative(RoundTerm(term), &acc_);
  if (round_term_) {  // fp32-rz
    const float rounded = RoundTerm(term);
    if (std::isinf(rounded)) {
      acc_ = std::copysign(FLT_MAX, rounded);
      return true;
    }
    const float sum = TruncatedSum(acc_, rounded);
    if (std::isfinite(sum)) {
      acc_ = sum;
      return false;
    }
  }
  if (std::isinf(acc_)) return false;
  Exact addend = round_term_ ? numerics::ExactOf(RoundTerm(term)) : ExactOf(term);
  addend.exponent -= pre_shift_;
  const Rounded sum = Round(Sum(numerics::ExactOf(acc_), addend), format_, rounding_);
  acc_ = sum.value;
  return sum.overflow;
}

float FloatRegister::Result() const {
  if (pre_shift_ == 0 || std::isinf(acc_)) return acc_;
  Exact value = numerics::ExactOf(acc_);
  value.exponent += pre_shift_;
  return Round(value, kBinary32, rounding_).value;
}

bool ExactRegister::Add(const ExactTerm& term, int /*lane*/) {
  const Exact value = ExactOf(term);
  if (value.integer == 0) return false;
  if (value.exponent < kLeastExponent || FloorLog2(value) >= kMostExponent) {
    throw std::range_error("a term of the dot product does not fit the exact accumulator");
  }
  sum_ += value.integer * (Int128{1} << (value.exponent - kLeastExponent));
  return false;
}

float ExactRegister::Result() const {
  return Round({sum_, kLeastExponent}, kBinary32, AddRounding::kNearestEven).value;
}

FusedRegister::FusedRegister(const AccumulatorSpec& spec)
    : bits_(spec.fused_bits),
      group_(spec.fused_group),
      normalise_(spec.fused_normalise),
      rounding_(spec.fused_rounding) {
  terms_.reserve(static_cast<size_t>(group_));
}

void FusedRegister::Reset() {
  acc_ = 0.0f;
  terms_.clear();
}

bool FusedRegister::Add(const ExactTerm& term, int /*lane*/) {
  terms_.push_back(term);
  if (terms_.size() < static_cast<size_t>(group_)) return false;
  const Rounded sum = Step();
  terms_.clear();
  acc_ = sum.value;
  return sum.overflow;
}

int FusedRegister::AlignmentExponent(const ExactTerm& term) const {
  constexpr int kLowest = kBinary32.min_exponent;  // where nothing is aligned to it
  if (term.significand == 0) return kLowest;
  if (normalise_ && term.sum != 0) return FloorLog2(ExactOf(term));
  return term.scale_exponent;
}

Rounded FusedRegister::Step() const {
  if (std::isinf(acc_)) return {acc_, false};
  const Exact acc = numerics::ExactOf(acc_);
  int top = kBinary32.min_exponent;
  if (acc.integer != 0) top = std::max(top, FloorLog2(acc));
  for (const ExactTerm& term : terms_) top = std::max(top, AlignmentExponent(term));

  const int unit = top - bits_;
  Int128 sum = 0;
  const auto add = [&](const Exact& addend) {
    const int shift = addend.exponent - unit;
    if (shift >= 0) {
      sum += addend.integer * (Int128{1} << shift);
    } else if (shift > -127) {
      sum += addend.integer / (Int128{1} << -shift);  // division truncates toward zero
    }
  };
  add(acc);
  for (const ExactTerm& term : terms_) {
    if (term.sum != 0 && term.significand != 0) add(ExactOf(term));
  }
  return Round({sum, unit}, kBinary32, rounding_);
}

float FusedRegister::Result() const { return terms_.empty() ? acc_ : Step().value; }

void LaneRegisters::Reset() { std::fill(acc_.begin(), acc_.end(), 0.0f); }

bool LaneRegisters::Add(const ExactTerm& term, int lane) {
  assert(lane >= 0 && static_cast<size_t>(lane) < acc_.size());
  return AddNative(RoundTerm(term), &acc_[static_cast<size_t>(lane)]);
}

float LaneRegisters::Result() const {
  std::vector<float> level = acc_;
  while (level.size() > 1) {
    const size_t pairs = level.size() / 2;
    for (size_t i = 0; i < pairs; ++i) level[i] = level[2 * i] + level[2 * i + 1];
    if (level.size() % 2 != 0) level[pairs] = level.back();
    level.resize(level.size() - pairs);
  }
  return std::isnan(level[0]) ? BitsFloat(kCanonicalNan) : level[0];
}

FixedRegister::FixedRegister(const AccumulatorSpec& spec)
    : bits_(spec.fixed_bits),
      lsb_(spec.fixed_lsb),
      rounding_(spec.fixed_rounding),
      saturate_(spec.fixed_saturate) {}

bool FixedRegister::Add(const ExactTerm& term, int /*lane*/) {
  const Int128 sum = acc_ + RoundToUnit(ExactOf(term), lsb_, rounding_);
  const Int128 highest = (Int128{1} << (bits_ - 1)) - 1;
  const Int128 lowest = -highest - 1;
  if (sum >= lowest && sum <= highest) {
    acc_ = static_cast<int64_t>(sum);
    return false;
  }
  if (saturate_) {
    acc_ = static_cast<int64_t>(sum < 0 ? lowest : highest);
  } else {
    // The low bits, sign-extended.
    const int unused = 64 - bits_;
    acc_ = static_cast<int64_t>(static_cast<uint64_t>(sum) << unused) >> unused;
  }
  return true;
}

float FixedRegister::Result() const {
  return Round({acc_, lsb_}, kBinary32, AddRounding::kNearestEven).value;
}

}  // namespace nibble::numerics::internal
