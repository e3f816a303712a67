// The choices of a design point that can change result bits.
#pragma once

#include <cstdint>

#include "models/numerics/accumulator_spec.h"
#include "models/numerics/format_spec.h"

namespace nibble::numerics {

enum class ScaleSource : uint8_t {
  kStatic,   // tensor scale from the calibrated amax that the trace records
  kDynamic,  // tensor scale from the amax of the tensor just computed: needs a second pass
  kNone,     // no tensor scale, for weights neither: block scales alone ("one-level" NVFP4)
};

struct Datapath {
  Format activations = Format::kNvfp4;
  Format weights = Format::kNvfp4;
  int block =
      16;  // elements that share a block scale and form one exact block term: 8, 16, 32, 64, 128
  ScaleSource tensor_scale = ScaleSource::kStatic;
  AccumulatorSpec accumulator{};
};

}  // namespace nibble::numerics
