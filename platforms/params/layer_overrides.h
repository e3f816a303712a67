// Settings for some of a network's layers: `layers.PATTERN.FIELD = VALUE`.
#pragma once

#include "platforms/design_point.h"
#include "platforms/params/preset.h"

namespace nibble::platforms {

inline constexpr char kLayersPrefix[] = "layers.";

// FIELD is activations, weights, block, activations.block or weights.block, with the values of
// `datapath.FIELD`. Throws ParameterError that names key, value and what is expected.
numerics::LayerOverride ParseLayerOverride(const Setting& setting);
// As `sim params` and every run show it.
Parameter DescribeLayerOverride(const Setting& setting);

}  // namespace nibble::platforms
