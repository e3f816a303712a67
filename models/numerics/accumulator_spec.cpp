#include "models/numerics/accumulator_spec.h"

#include <array>
#include <stdexcept>

namespace nibble::numerics {
namespace {

// Indexed by the enumeration.
constexpr std::array<const char*, 8> kAccumulations = {"fp32",  "fp32-rz", "exact", "fused",
                                                       "lanes", "fp16",    "bf16",  "fixed"};
constexpr std::array<const char*, 3> kRoundings = {"rne", "rz", "floor"};

template <typename Enum, size_t n>
Enum Parse(const std::array<const char*, n>& names, const std::string& name, const char* what) {
  std::string known;
  for (size_t i = 0; i < n; ++i) {
    if (name == names[i]) return static_cast<Enum>(i);
    known += (i > 0 ? ", " : "") + std::string(names[i]);
  }
  throw std::invalid_argument(std::string("unknown ") + what + " '" + name + "'; known: " + known);
}

void CheckRange(const char* field, int value, int first, int last) {
  if (value >= first && value <= last) return;
  throw std::invalid_argument(std::string(field) + " = " + std::to_string(value) + " is not in " +
                              std::to_string(first) + ".." + std::to_string(last));
}

}  // namespace

const char* AccumulatorName(Accumulation kind) {
  return kAccumulations.at(static_cast<size_t>(kind));
}

Accumulation ParseAccumulator(const std::string& name) {
  return Parse<Accumulation>(kAccumulations, name, "accumulator");
}

const char* AddRoundingName(AddRounding rounding) {
  return kRoundings.at(static_cast<size_t>(rounding));
}

AddRounding ParseAddRounding(const std::string& name) {
  return Parse<AddRounding>(kRoundings, name, "rounding of an accumulator");
}

void CheckAccumulator(const AccumulatorSpec& spec) {
  CheckRange("fused_bits", spec.fused_bits, 1, 64);
  CheckRange("fused_group", spec.fused_group, 1, 64);
  CheckRange("pre_shift", spec.pre_shift, 0, 64);
  CheckRange("fixed_bits", spec.fixed_bits, 2, 64);
  CheckRange("fixed_lsb", spec.fixed_lsb, -64, 64);
}

}  // namespace nibble::numerics
