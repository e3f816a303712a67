// Accumulators of a dot product: exact terms in ascending order in, one binary32 out.
//
// A term is the exact sum of some element products times the block scales of both operands. How
// many products depends on the accumulator (TermElements): a block, a sub-block of 16 for fused
// steps, one for accumulators per lane. All arithmetic is on integers, or on IEEE single operations
// that round to nearest even.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "models/numerics/accumulator_spec.h"
#include "models/numerics/datapath.h"
#include "models/numerics/dot.h"
#include "models/numerics/exact.h"
#include "models/numerics/multiplier_lut.h"

namespace nibble::numerics {

// sum * significand * 2^exponent, exact.
struct ExactTerm {
  int64_t sum = 0;             // of element products, as integers
  int64_t significand = 1;     // product of the scales' significands; 1 without scales
  int32_t exponent = 0;        // of the unit of sum * significand; |sum * significand| < 2^126
  int32_t scale_exponent = 0;  // of what multiplies the sum, as significands in 1..2 (subnormal
                               // below): a fused step aligns by it; 0 without scales
  bool nan = false;            // a scale or an element that is no finite number
};

// A term has at most so many elements.
inline constexpr int kMaxTermElements = 128;

// True where the products of a block of any size are added exactly, in 64 bits. Otherwise each
// product is a term of its own: products of wide elements (binary16 by binary16 or FP8, E5M2 by
// E5M2, bfloat16 by anything) go to the accumulator one by one, as in an FP32 multiply-add unit.
bool AddsBlocksExactly(Format activations, Format weights);

// Throws std::invalid_argument that says what stands against it where the accumulator does not take
// the terms of these operands: binary32 elements; terms of more than 63 bits (wide elements under
// binary16 or binary32 block scales) in registers other than kFp32, kFp32Rz and kLanes,
// which round each term to binary32 first; a register that loses nothing where the exponents span
// too much (kExact: E8M0 or binary32 scales, bfloat16 elements).
void CheckOperands(const AccumulatorSpec& spec, Format activations, Format weights);

// One block of operands in the manner of BlockTerm (dot.h): codes one by one, block scales as their
// bits, or kNoScale. kFp32 has no codes: std::invalid_argument.
struct OperandBlock {
  Format activations = Format::kNvfp4;
  const uint16_t* a = nullptr;
  int64_t a_scale = kNoScale;
  Format weights = Format::kNvfp4;
  const uint16_t* w = nullptr;
  int64_t w_scale = kNoScale;
  int count = 0;                               // up to kMaxTermElements; 1 unless AddsBlocksExactly
  Multiplier multiplier = Multiplier::kArray;  // which unit makes the products: the same bits
};
ExactTerm MakeTerm(const OperandBlock& block);

// The same where the caller has summed: `sum` in units of 2^ProductExponent, which is the product
// of the smallest elements: E2M1 counts halves, E4M3 units of 2^-9, binary16 of 2^-24, integers
// ones. Not for bfloat16.
ExactTerm MakeTerm(int64_t sum, Format activations, int64_t a_scale, Format weights,
                   int64_t w_scale);
int ProductExponent(Format activations, Format weights);
// Bits of the magnitude of the largest product in these units; for bfloat16, of the product of two
// significands.
int ProductBits(Format activations, Format weights);
// Bits of the significand of an element: 2 for E2M1, 11 for binary16, 7 for INT8. Not for binary32.
int SignificandBits(Format format);
// Bits of the significand of a block scale: 0 without or for powers of two, 4, 11 or 24.
int ScaleSignificandBits(Format format);

// Elements of one term of blocks that are added exactly, counted from the start of each block of
// `block` elements.
int TermElements(const AccumulatorSpec& spec, int block);

// Bits in two's complement of the register that adds the terms of `length` elements exactly,
// whatever they are. NVFP4: least bit 2^-20 (elements 2^-1, scales 2^-9, each twice), products up
// to (6 * 448)^2, so 56 bits for a length of 4096. Throws std::invalid_argument as CheckOperands
// does for kExact.
int ExactRegisterBits(Format activations, Format weights, int64_t length);

// The registers of each choice. Add returns true where the result did not fit; only LaneRegisters
// looks at the lane.
namespace internal {

// D0, D2, D5, D6: one floating-point register.
class FloatRegister {
 public:
  explicit FloatRegister(const AccumulatorSpec& spec);
  void Reset() { acc_ = 0.0f; }
  bool Add(const ExactTerm& term, int lane);
  float Result() const;

 private:
  FloatFormat format_;
  AddRounding rounding_;
  bool round_term_;
  bool native_;  // the machine's own addition does it
  int pre_shift_;
  float acc_ = 0.0f;
};

// D1. 128 bits, the least 2^-48, that of the product of two FP16 scales of integers. A product of
// E2M1 under E4M3 scales ends at 2^-20, with E4M3 weights at 2^-19, with binary16 weights at 2^-34.
// The largest terms, of INT8 under FP16 scales, are below 2^54, those of E2M1 below 2^35. So
// nothing is lost, and 2^19 terms of any size cannot overflow. Formats with E8M0 scales may not
// fit.
class ExactRegister {
 public:
  static constexpr int kLeastExponent = -48;
  static constexpr int kMostExponent = 60;
  void Reset() { sum_ = 0; }
  // Throws std::range_error for a term that has bits below 2^-48, or is 2^60 or more.
  bool Add(const ExactTerm& term, int lane);
  float Result() const;

 private:
  Int128 sum_ = 0;
};

// D3. A step adds acc and the terms of a group: each is truncated toward zero to fused_bits bits
// below the largest exponent among them, they are added exactly, and the sum is rounded to acc.
class FusedRegister {
 public:
  explicit FusedRegister(const AccumulatorSpec& spec);
  void Reset();
  bool Add(const ExactTerm& term, int lane);
  float Result() const;  // terms that fill no group are a step

 private:
  Rounded Step() const;
  int AlignmentExponent(const ExactTerm& term) const;

  int bits_, group_;
  bool normalise_;
  AddRounding rounding_;
  float acc_ = 0.0f;
  std::vector<ExactTerm> terms_;
};

// D4. Lane i adds element i of every block; then pairs (0, 1), (2, 3), ... until one is left, an
// odd last one passing on.
class LaneRegisters {
 public:
  explicit LaneRegisters(int lanes) : acc_(static_cast<size_t>(lanes), 0.0f) {}
  void Reset();
  bool Add(const ExactTerm& term, int lane);
  float Result() const;

 private:
  std::vector<float> acc_;
};

// D7.
class FixedRegister {
 public:
  explicit FixedRegister(const AccumulatorSpec& spec);
  void Reset() { acc_ = 0; }
  bool Add(const ExactTerm& term, int lane);
  float Result() const;

 private:
  int bits_, lsb_;
  AddRounding rounding_;
  bool saturate_;
  int64_t acc_ = 0;
};

}  // namespace internal

// The accumulator of one output at a time.
class Accumulator {
 public:
  // `block`: elements of a block, which is the number of lanes of kLanes; not used otherwise.
  // Throws std::invalid_argument as CheckAccumulator does, or for a block below 1.
  Accumulator(const AccumulatorSpec& spec, int block);

  // Back to +0, for the next output. The count of overflows stays.
  void Reset();
  // The next term; `lane` is its place in its block for kLanes, 0 otherwise.
  void Add(const ExactTerm& term, int lane = 0);
  // The terms of a block in ascending order.
  void AddBlock(const OperandBlock& block);
  // The accumulator as binary32, before the tensor scales. A NaN term makes it the canonical NaN.
  float Result() const;

  // Additions whose result did not fit, since construction: a floating-point accumulator that
  // became infinite (or, truncating, stopped at the largest finite number), a fixed-point one that
  // saturated or wrapped.
  uint64_t overflows() const { return overflows_; }

 private:
  using Register =
      std::variant<internal::FloatRegister, internal::ExactRegister, internal::FusedRegister,
                   internal::LaneRegisters, internal::FixedRegister>;
  static Register MakeRegister(const AccumulatorSpec& spec, int block);

  int term_elements_;
  Register register_;
  bool nan_ = false;
  uint64_t overflows_ = 0;
};

}  // namespace nibble::numerics
