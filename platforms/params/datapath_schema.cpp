// Parameters that can change result bits.
#include "platforms/params/schema_builder.h"

namespace nibble::platforms {
namespace {

// A whole number that may be negative.
int ParseSigned(const std::string& text, int lo, int hi) {
  size_t used = 0;
  int value = 0;
  try {
    value = std::stoi(text, &used);
  } catch (const std::exception&) {
    throw ValueError("not a whole number");
  }
  if (used != text.size()) throw ValueError("not a whole number");
  if (value < lo || value > hi) throw ValueError("out of range");
  return value;
}

void AddAccumulator(Builder& b) {
  using Spec = numerics::AccumulatorSpec;
  const auto whole = [&b](const char* name, const char* unit, int lo, int hi, const char* meaning,
                          int Spec::*member) {
    b.Add(name, "integer", unit, fmt::format("{}..{}", lo, hi), std::to_string(Spec().*member),
          meaning, [lo, hi, member](const std::string& text, DesignPoint& d) {
            d.datapath.accumulator.*member = ParseSigned(text, lo, hi);
            return std::to_string(d.datapath.accumulator.*member);
          });
  };
  b.Choice(
      "datapath.accumulator",
      {"fp32", "fp32-rz", "exact", "fused", "lanes", "fp16", "bf16", "fixed"}, "fp32",
      "accumulation of block terms: binary32 to nearest even or toward zero; a fixed-point "
      "register that loses nothing; aligned and truncated groups; one binary32 a lane; binary16; "
      "bfloat16; a narrow fixed-point register",
      [](DesignPoint& d, const std::string& s) {
        d.datapath.accumulator.kind = numerics::ParseAccumulator(s);
      });
  whole("accumulator.fused_bits", "bits", 1, 64, "fused: kept below the largest exponent of a step",
        &Spec::fused_bits);
  whole("accumulator.fused_group", "terms", 1, 64, "fused: terms of 16 elements that a step adds",
        &Spec::fused_group);
  whole("accumulator.pre_shift", "bits", 0, 64,
        "fp16 and bf16: terms are divided by 2 to this power", &Spec::pre_shift);
  whole("accumulator.fixed_bits", "bits", 2, 64, "fixed: width of the register", &Spec::fixed_bits);
  whole("accumulator.fixed_lsb", "", -64, 64, "fixed: the unit is 2 to this power",
        &Spec::fixed_lsb);
  b.Choice("accumulator.fixed_rounding", {"rz", "floor", "rne"}, "rz",
           "fixed: how a term drops bits", [](DesignPoint& d, const std::string& s) {
             d.datapath.accumulator.fixed_rounding = numerics::ParseAddRounding(s);
           });
  b.Choice("accumulator.fixed_overflow", {"saturate", "wrap"}, "saturate",
           "fixed: what a sum beyond the register becomes; either is counted",
           [](DesignPoint& d, const std::string& s) {
             d.datapath.accumulator.fixed_saturate = s == "saturate";
           });
}

// Formats that operands may be stored in: all but binary32.
Names OperandFormats() {
  Names names;
  for (const numerics::FormatSpec& spec : numerics::AllFormats()) {
    if (spec.format != numerics::Format::kFp32) names.emplace_back(spec.name);
  }
  return names;
}

void AddBlocks(Builder& b) {
  const std::vector<uint32_t> sizes = {8, 16, 32, 64, 128};
  b.OneOf("datapath.block", "elements", sizes, 16,
          "elements that share a block scale, of both operands, and form one exact block term; the "
          "OCP MX formats have 32",
          [](DesignPoint& d, uint32_t block) { d.datapath.SetBlock(static_cast<int>(block)); });
  const auto one = [&](const char* name, const char* meaning, int numerics::Datapath::*member) {
    b.Add(name, "name", "", "same | 8 | 16 | 32 | 64 | 128", "same", meaning,
          [member, sizes](const std::string& text, DesignPoint& d) {
            if (text == "same") return text;
            const uint32_t block = ParseWhole(text, 0, UINT32_MAX);
            if (std::find(sizes.begin(), sizes.end(), block) == sizes.end()) {
              throw ValueError("out of range");
            }
            d.datapath.*member = static_cast<int>(block);
            return std::to_string(block);
          });
  };
  one("datapath.activations.block", "the same of activations alone; a term is the smaller block",
      &numerics::Datapath::activation_block);
  one("datapath.weights.block", "the same of weights alone", &numerics::Datapath::weight_block);
}

void AddRounding(Builder& b) {
  using numerics::Rounding;
  const auto mode = [&](const char* name, const char* meaning,
                        Rounding numerics::Datapath::*member) {
    b.Choice(name, {"nearest", "zero", "stochastic"}, "nearest", meaning,
             [member](DesignPoint& d, const std::string& s) {
               using numerics::RoundingMode;
               (d.datapath.*member).mode = s == "nearest" ? RoundingMode::kNearestEven
                                           : s == "zero"  ? RoundingMode::kTowardZero
                                                          : RoundingMode::kStochastic;
             });
  };
  mode("datapath.activations.rounding",
       "how elements of activations are rounded: to nearest even, toward zero, or up with the "
       "probability of the dropped fraction",
       &numerics::Datapath::activation_rounding);
  mode("datapath.weights.rounding", "the same of weights", &numerics::Datapath::weight_rounding);
  b.Whole("datapath.seed", "", 0, UINT32_MAX, 0, "of the random numbers of stochastic rounding",
          [](DesignPoint& d, uint32_t seed) {
            d.datapath.activation_rounding.seed = d.datapath.weight_rounding.seed = seed;
          });
}

// What changes energy and area, and no bits.
void AddCompute(Builder& b) {
  b.Choice("datapath.multiplier", {"array", "lut"}, "array",
           "of elements: an array of adders, or a table of significand products with an XOR of the "
           "signs and an adder of the exponents (E2M1 by E2M1 or E4M3 elements); the same bits",
           [](DesignPoint& d, const std::string& s) {
             d.compute.multiplier =
                 s == "array" ? numerics::Multiplier::kArray : numerics::Multiplier::kTable;
           });
  b.Choice("datapath.gating", {"none", "operand", "block"}, "none",
           "energy saved on zeros: none; a multiplier with a zero operand holds its inputs; "
           "besides, a block of zero products, or under a zero scale, is not summed, scaled and "
           "accumulated",
           [](DesignPoint& d, const std::string& s) {
             d.compute.gating = s == "none"      ? accel::Gating::kNone
                                : s == "operand" ? accel::Gating::kOperand
                                                 : accel::Gating::kBlock;
           });
  b.Choice("datapath.count_zeros", {"off", "on"}, "off",
           "count zero operands, products and blocks, and toggles, without gating, too",
           [](DesignPoint& d, const std::string& s) { d.compute.count_zeros = s == "on"; });
}

}  // namespace

void AddDatapath(Builder& b) {
  b.Choice("datapath.activations", OperandFormats(), "nvfp4",
           "storage format of activations (`sim formats`); a scale per channel is one per tensor "
           "here",
           [](DesignPoint& d, const std::string& s) {
             d.datapath.activations = numerics::ParseFormat(s);
           });
  b.Choice(
      "datapath.weights", OperandFormats(), "nvfp4", "storage format of weights",
      [](DesignPoint& d, const std::string& s) { d.datapath.weights = numerics::ParseFormat(s); });
  AddBlocks(b);
  b.Choice("datapath.tensor_scale", {"static", "dynamic", "none"}, "static",
           "scale of an activation tensor whose format has one: calibrated, or from its own amax "
           "in a second pass; none: block scales alone, for weights, too",
           [](DesignPoint& d, const std::string& s) {
             using numerics::ScaleSource;
             d.datapath.tensor_scale = s == "static"    ? ScaleSource::kStatic
                                       : s == "dynamic" ? ScaleSource::kDynamic
                                                        : ScaleSource::kNone;
           });
  AddRounding(b);
  Names profiles;
  for (const numerics::ProfileSpec& spec : numerics::AllProfiles())
    profiles.emplace_back(spec.name);
  b.Choice("datapath.weights.profile", profiles, "nv",
           "quantiser of nvfp4 weights, offline: that of another library, or four-over-six",
           [](DesignPoint& d, const std::string& s) {
             d.datapath.weight_profile = numerics::ParseProfile(s);
           });
  b.Choice("datapath.weights.scale", {"tensor", "channel"}, "tensor",
           "of weights whose format has an FP32 scale for the tensor: that one, or one for each "
           "output channel, applied in the epilogue; formats with a scale per channel keep it",
           [](DesignPoint& d, const std::string& s) {
             d.datapath.weight_scale =
                 s == "tensor" ? numerics::WeightScale::kTensor : numerics::WeightScale::kChannel;
           });
  b.Choice(
      "datapath.depthwise.blocks", {"channels", "strips"}, "channels",
      "of what depthwise layers read: channels of one pixel, or strips of pixels of one channel "
      "along a row, which are quantised a strip later",
      [](DesignPoint& d, const std::string& s) {
        d.datapath.depthwise_blocks = s == "strips" ? numerics::DepthwiseBlocks::kStrips
                                                    : numerics::DepthwiseBlocks::kChannels;
      });
  AddAccumulator(b);
  AddCompute(b);
}

}  // namespace nibble::platforms
