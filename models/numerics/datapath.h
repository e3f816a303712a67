// The choices of a design point that can change result bits.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "models/numerics/accumulator_spec.h"
#include "models/numerics/format_spec.h"
#include "models/numerics/profile_spec.h"
#include "models/numerics/rounding.h"

namespace nibble::numerics {

enum class ScaleSource : uint8_t {
  kStatic,   // tensor scale from the calibrated amax that the trace records
  kDynamic,  // tensor scale from the amax of the tensor just computed: needs a second pass
  kNone,     // no tensor scale, for weights neither: block scales alone ("one-level" NVFP4)
};

// What an FP32 scale of weights is for, in a format that has one for the tensor.
enum class WeightScale : uint8_t {
  kTensor,   // as the format has it
  kChannel,  // each output channel: the epilogue multiplies by it, as it does by the tensor's
};

// What the blocks of a tensor hold that depthwise layers read, which multiply each channel by
// weights of its own.
enum class DepthwiseBlocks : uint8_t {
  kChannels,  // channels of one pixel, as everywhere
  kStrips,    // pixels of one channel along a row, so that channels do not share a range
};

struct Datapath {
  Format activations = Format::kNvfp4;
  Format weights = Format::kNvfp4;
  // Elements that share a block scale: 8, 16, 32, 64, 128.
  int activation_block = 16;
  int weight_block = 16;
  ScaleSource tensor_scale = ScaleSource::kStatic;
  // Of elements; scales are always rounded to nearest even. The random numbers of each tensor are a
  // stream of their own (StreamOf).
  Rounding activation_rounding{};
  Rounding weight_rounding{};
  Profile weight_profile = Profile::kNv;  // how NVFP4 weights are quantised, offline
  WeightScale weight_scale = WeightScale::kTensor;
  DepthwiseBlocks depthwise_blocks = DepthwiseBlocks::kChannels;
  AccumulatorSpec accumulator{};

  void SetBlock(int block) { activation_block = weight_block = block; }
  // Elements of one block term: those that share both scales.
  int term_block() const { return std::min(activation_block, weight_block); }
  // What the FP32 scale of the weights is for, if they have one.
  OuterScale weight_outer() const {
    const OuterScale outer = SpecOf(weights).outer;
    if (outer != OuterScale::kTensor) return outer;
    if (tensor_scale == ScaleSource::kNone) return OuterScale::kNone;
    return weight_scale == WeightScale::kChannel ? OuterScale::kChannel : outer;
  }
};

// What a design point changes for some of a network's layers.
struct LayerOverride {
  std::string pattern;  // "first", "last", an operator ("depthwise", "pointwise", ...) or a name,
                        // in which * and ? stand for any
  std::optional<Format> activations, weights;
  std::optional<int> activation_block, weight_block;
  std::optional<WeightScale> weight_scale;
  std::optional<DepthwiseBlocks> depthwise_blocks{};
};

}  // namespace nibble::numerics
