// The choice of the accumulator of a dot product: what happens to the exact block terms on their
// way to one binary32 (shared notes: numerics, section 3, D0..D7).
#pragma once

#include <cstdint>
#include <string>

namespace nibble::numerics {

// The names are those of `datapath.accumulator`.
enum class Accumulation : uint8_t {
  kFp32,    // "fp32"     D0: acc = RNE32(acc + term)
  kFp32Rz,  // "fp32-rz"  D2: acc = RZ32(acc + term)
  kExact,   // "exact"    D1: fixed-point register that loses nothing; one RNE32 at the end
  kFused,   // "fused"    D3: groups of terms and acc aligned, truncated, added, rounded once
  kLanes,   // "lanes"    D4: a binary32 accumulator per lane, then a pairwise tree; RNE32
  kFp16,    // "fp16"     D5: acc = RNE16(acc + term * 2^-pre_shift), overflow to infinity
  kBf16,    // "bf16"     D6: the same in bfloat16
  kFixed,   // "fixed"    D7: integer register of fixed_bits bits in units of 2^fixed_lsb
};
const char* AccumulatorName(Accumulation kind);
// Throws std::invalid_argument that names `name` and lists the known names.
Accumulation ParseAccumulator(const std::string& name);

// How an adder, or the converter before it, drops bits.
enum class AddRounding : uint8_t {
  kNearestEven,  // "rne"
  kTowardZero,   // "rz": truncation of a sign and magnitude
  kDown,         // "floor": truncation of two's complement
};
const char* AddRoundingName(AddRounding rounding);
// Throws std::invalid_argument that names `name` and lists the known names.
AddRounding ParseAddRounding(const std::string& name);

struct AccumulatorSpec {
  Accumulation kind = Accumulation::kFp32;

  // kFp32, kFp32Rz. True: the term is a binary32, RNE32 of the exact one, before it is added (of
  // NVFP4 and FP4 terms nothing is lost). False: the exact sum of acc and term is rounded once.
  bool round_term = true;

  // kFused. The defaults are the public model of Blackwell's tensor core (MMA-Sim, arXiv
  // 2511.10909, mxf4nvf4); 25 and 13 bits are those of Blackwell's and Hopper's FP8.
  int fused_bits = 35;           // F: bits kept below the largest exponent, 1..64
  int fused_group = 4;           // terms of kFusedElements elements added in one step, 1..64
  bool fused_normalise = false;  // align by a term's own leading bit, not by its scales' exponents
  AddRounding fused_rounding = AddRounding::kTowardZero;  // of the step's sum to binary32

  int pre_shift = 0;  // kFp16, kBf16: terms are divided by 2^pre_shift, 0..64; the result times it

  // kFixed.
  int fixed_bits = 32;                                    // width in two's complement, 2..64
  int fixed_lsb = 0;                                      // the unit is 2^fixed_lsb, -64..64
  AddRounding fixed_rounding = AddRounding::kTowardZero;  // of a term to the unit
  bool fixed_saturate = true;                             // or wrap; both count the overflow
};

// Elements of one term of a fused step: a longer block is cut into terms that share its scales.
inline constexpr int kFusedElements = 16;

// Throws std::invalid_argument that names the field, its value and its range.
void CheckAccumulator(const AccumulatorSpec& spec);

}  // namespace nibble::numerics
