#include "models/numerics/accumulate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>

#include "models/numerics/bits.h"
#include "models/numerics/elements.h"
#include "models/numerics/formats.h"

namespace nibble::numerics {
namespace {

[[noreturn]] void Refuse(const std::string& what) {
  throw std::invalid_argument("no dot products of " + what);
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
    case Element::kBf16:  // a significand; each has an exponent of its own
      return {0, 255};
    case Element::kFp32:
      break;
  }
  Refuse(std::string(FormatName(format)) + " operands");
}

bool IsBf16(Format format) { return SpecOf(format).element == Element::kBf16; }

// significand * 2^exponent; `point` is the place of the significand's leading bit where it is
// normal.
struct Scaled {
  int64_t significand = 1;
  int exponent = 0;
  int point = 0;
  bool nan = false;
};

// A binary floating-point number from its fields, without its sign.
Scaled FromFields(uint32_t bits, int mantissa_bits, int exponent_bits, int bias) {
  const int field = static_cast<int>(bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const auto mantissa = static_cast<int64_t>(bits & ((1u << mantissa_bits) - 1));
  const int64_t hidden = field > 0 ? int64_t{1} << mantissa_bits : 0;
  return {mantissa | hidden, std::max(field, 1) - bias - mantissa_bits, mantissa_bits,
          field == (1 << exponent_bits) - 1};
}

Scaled DecodeScale(BlockScale scale, uint32_t bits) {
  switch (scale) {
    case BlockScale::kNone:
      break;
    case BlockScale::kE4M3: {
      const auto byte = static_cast<uint8_t>(bits);
      const ScaleParts parts = SplitE4M3(byte);
      return {parts.significand, parts.exponent, 3, IsNanE4M3(byte)};
    }
    case BlockScale::kE8M0:
      return {1, static_cast<int>(bits) - 127, 0, bits == 0xFF};
    case BlockScale::kFp16:
      return FromFields(bits, 10, 5, 15);
    case BlockScale::kFp32:
      return FromFields(bits, 23, 8, 127);
  }
  return {};
}

bool SumFits(Format activations, Format weights) {
  if (IsBf16(activations) || IsBf16(weights)) return false;
  return ProductBits(activations, weights) + CarryBits(kMaxTermElements) <= 63;
}

// What the inner loops look up instead of working it out for every term.
struct Facts {
  static constexpr int64_t kNotFinite = INT64_MIN;

  explicit Facts(const FormatSpec& spec) {
    for (uint32_t byte = 0; BlockScaleBits(spec.format) == 8 && byte < 256; ++byte) {
      scales.push_back(DecodeScale(spec.block_scale, byte));
    }
    if (spec.element == Element::kFp32) return;
    exponent = IntegersOf(spec.format).exponent;
    for (const FormatSpec& other : AllFormats()) {
      const bool fits = other.element != Element::kFp32 && SumFits(spec.format, other.format);
      adds[static_cast<size_t>(other.format)] = fits;
    }
    if (spec.element == Element::kBf16) return;
    integers.resize(size_t{1} << ElementBits(spec.element));
    const double unit = 1 / std::ldexp(1.0, exponent);
    for (size_t code = 0; code < integers.size(); ++code) {
      const double value = DecodeElement(spec.element, static_cast<uint16_t>(code));
      const bool is_finite = std::isfinite(value);
      integers[code] = is_finite ? static_cast<int64_t>(value * unit) : kNotFinite;
      finite &= is_finite;
    }
  }

  int exponent = 0;                              // of the unit of the integers
  std::vector<int64_t> integers;                 // of all codes; empty for exponents of eight bits
  bool finite = true;                            // all of them
  std::vector<Scaled> scales;                    // of all bytes, where a scale is one
  std::array<bool, kFormatSpecs.size()> adds{};  // AddsBlocksExactly by the other operand
};

const Facts& FactsOf(Format format) {
  static const std::vector<Facts> kFacts(kFormatSpecs.begin(), kFormatSpecs.end());
  return kFacts.at(static_cast<size_t>(format));
}

// The block scale of a format.
Scaled ScaleOf(Format format, int64_t bits) {
  if (bits == kNoScale) return {};
  const Facts& facts = FactsOf(format);
  if (!facts.scales.empty()) return facts.scales[static_cast<uint8_t>(bits)];
  return DecodeScale(SpecOf(format).block_scale, static_cast<uint32_t>(bits));
}

// An element as a number with an exponent of its own.
Scaled ElementOf(Format format, uint16_t code) {
  if (IsBf16(format)) {
    Scaled x = FromFields(code, 7, 8, 127);
    if ((code & 0x8000) != 0) x.significand = -x.significand;
    return x;
  }
  const Facts& facts = FactsOf(format);
  if (facts.integers.empty()) Refuse(std::string(FormatName(format)) + " operands");
  const int64_t integer = facts.integers[code];
  if (integer == Facts::kNotFinite) return {0, 0, 0, true};
  // A significand of so many bits, of which a subnormal number leaves the topmost at 0.
  const int bits = SignificandBits(format);
  const int shift = std::max(BitLength(Magnitude(Int128{integer})) - bits, 0);
  return {integer / (int64_t{1} << shift), IntegersOf(format).exponent + shift, bits - 1, false};
}

// A term of one product: aligned by the exponents of its elements, too, as an FP8 or FP16 tensor
// core does.
ExactTerm ProductTerm(const OperandBlock& block) {
  const Scaled a = ElementOf(block.activations, *block.a), w = ElementOf(block.weights, *block.w);
  const Scaled a_scale = ScaleOf(block.activations, block.a_scale);
  const Scaled w_scale = ScaleOf(block.weights, block.w_scale);
  constexpr int kFarBelow = -100000;  // a product of nothing aligns nothing
  ExactTerm term;
  term.sum = a.significand * w.significand;
  term.significand = a_scale.significand * w_scale.significand;
  term.exponent = a.exponent + w.exponent + a_scale.exponent + w_scale.exponent;
  term.scale_exponent =
      term.sum == 0 ? kFarBelow : term.exponent + a.point + w.point + a_scale.point + w_scale.point;
  term.nan = a.nan || w.nan || a_scale.nan || w_scale.nan;
  return term;
}

void CheckExactRegister(Format format) {
  const BlockScale scale = SpecOf(format).block_scale;
  if (scale == BlockScale::kE8M0 || scale == BlockScale::kFp32 || IsBf16(format)) {
    throw std::invalid_argument(std::string("no exact accumulator of ") + FormatName(format) +
                                " operands: their exponents span 254 powers of two");
  }
}

}  // namespace

bool AddsBlocksExactly(Format activations, Format weights) {
  return FactsOf(activations).adds[static_cast<size_t>(weights)];
}

void CheckOperands(const AccumulatorSpec& spec, Format activations, Format weights) {
  const int product_bits = ProductBits(activations, weights);  // refuses binary32
  switch (spec.kind) {
    case Accumulation::kFp32:
    case Accumulation::kFp32Rz:
    case Accumulation::kLanes:
      return;
    case Accumulation::kExact:
      CheckExactRegister(activations);
      CheckExactRegister(weights);
      return;
    default:
      break;
  }
  const int sum_bits = AddsBlocksExactly(activations, weights)
                           ? product_bits + CarryBits(kMaxTermElements)
                           : SignificandBits(activations) + SignificandBits(weights);
  const int bits = sum_bits + ScaleSignificandBits(activations) + ScaleSignificandBits(weights);
  if (bits > 63) {
    Refuse(std::string(FormatName(activations)) + " activations by " + FormatName(weights) +
           " weights in an accumulator other than fp32, fp32-rz, lanes and exact: a term has " +
           std::to_string(bits) + " bits");
  }
}

int ProductExponent(Format activations, Format weights) {
  return IntegersOf(activations).exponent + IntegersOf(weights).exponent;
}

int ProductBits(Format activations, Format weights) {
  const Int128 largest = Int128{IntegersOf(activations).largest} * IntegersOf(weights).largest;
  return BitLength(Magnitude(largest));
}

int SignificandBits(Format format) {
  switch (SpecOf(format).element) {
    case Element::kE2M1:
      return 2;
    case Element::kE3M2:
    case Element::kE5M2:
    case Element::kInt4:
      return 3;
    case Element::kE2M3:
    case Element::kE4M3:
      return 4;
    case Element::kInt8:
      return 7;
    case Element::kBf16:
      return 8;
    default:
      return 11;
  }
}

int ScaleSignificandBits(Format format) {
  switch (SpecOf(format).block_scale) {
    case BlockScale::kE4M3:
      return 4;
    case BlockScale::kFp16:
      return 11;
    case BlockScale::kFp32:
      return 24;
    default:
      return 0;
  }
}

ExactTerm MakeTerm(int64_t sum, Format activations, int64_t a_scale, Format weights,
                   int64_t w_scale) {
  const Scaled a = ScaleOf(activations, a_scale), w = ScaleOf(weights, w_scale);
  ExactTerm term;
  term.sum = sum;
  term.significand = a.significand * w.significand;
  term.exponent =
      FactsOf(activations).exponent + FactsOf(weights).exponent + a.exponent + w.exponent;
  term.scale_exponent = a.exponent + a.point + w.exponent + w.point;
  term.nan = a.nan || w.nan;
  return term;
}

ExactTerm MakeTerm(const OperandBlock& block) {
  if (!AddsBlocksExactly(block.activations, block.weights)) return ProductTerm(block);
  const Facts &a_facts = FactsOf(block.activations), &w_facts = FactsOf(block.weights);
  const int64_t *a_integers = a_facts.integers.data(), *w_integers = w_facts.integers.data();
  int64_t sum = 0;
  bool finite = true;
  if (block.multiplier == Multiplier::kTable) {
    const int unit = ProductExponent(block.activations, block.weights);
    for (int i = 0; i < block.count; ++i) {
      if (w_integers[block.w[i]] == Facts::kNotFinite) {  // E2M1 activations are always finite
        finite = false;
        continue;
      }
      const auto code = static_cast<uint8_t>(block.a[i]);
      sum += MultiplyByTable(code, block.w[i], block.weights).Integer(unit);
    }
  } else if (a_facts.finite && w_facts.finite) {
    for (int i = 0; i < block.count; ++i) sum += a_integers[block.a[i]] * w_integers[block.w[i]];
  } else {
    for (int i = 0; i < block.count; ++i) {
      const int64_t a = a_integers[block.a[i]], w = w_integers[block.w[i]];
      if (a != Facts::kNotFinite && w != Facts::kNotFinite) {
        sum += a * w;
      } else {
        finite = false;
      }
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
  Int128 largest = length;
  for (const Format format : {activations, weights}) {
    CheckExactRegister(format);
    largest *= IntegersOf(format).largest;
    switch (SpecOf(format).block_scale) {
      case BlockScale::kE4M3:
        largest *= int64_t{448} << 9;
        break;
      case BlockScale::kFp16:
        largest *= int64_t{65504} << 24;
        break;
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
  const int elements = AddsBlocksExactly(block.activations, block.weights) ? term_elements_ : 1;
  if (block.count <= elements) return Add(MakeTerm(block));
  for (int begin = 0; begin < block.count; begin += elements) {
    OperandBlock part = block;
    part.a += begin;
    part.w += begin;
    part.count = std::min(elements, block.count - begin);
    Add(MakeTerm(part), begin);
  }
}

float Accumulator::Result() const {
  if (nan_) return BitsFloat(kCanonicalNan);
  // Infinity minus infinity is a NaN whose sign processors do not agree on.
  const float result = std::visit([](const auto& r) { return r.Result(); }, register_);
  return std::isnan(result) ? BitsFloat(kCanonicalNan) : result;
}

}  // namespace nibble::numerics
