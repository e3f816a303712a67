// The weights of a layer as a datapath takes them: the one place where they are quantised, for the
// golden executor and for lowering alike.
#pragma once

#include <vector>

#include "models/numerics/activation_store.h"
#include "models/numerics/datapath.h"
#include "models/numerics/quantize.h"
#include "sw/trace/network.h"

namespace nibble::golden {

// Whether the codes that a layer was imported with are its weights under `datapath`, bit for bit:
// NVFP4 of the same block, no other quantiser or rounding asked for, and a tensor scale: not one
// for each output channel, and none at all only where theirs is 1. Otherwise, and without such
// codes, the values are quantised.
bool TakesImportedCodes(const trace::Layer& layer, const numerics::Datapath& datapath);

// A stored tensor, unpacked: [pixels][channels], and the bits of its block scales,
// [pixels][blocks].
struct Activations {
  explicit Activations(const numerics::StoredActivations& stored);

  numerics::ActivationLayout layout;
  numerics::TensorScale scale;
  std::vector<uint16_t> codes;
  std::vector<uint32_t> scales;
};

// A stored tensor as the second operand of a kMatMul: its pixels are the output channels, and the
// factor of each is RNE32(s_dec * scale).
numerics::QuantizedWeights WeightsOf(const numerics::StoredActivations& stored, float scale);

// Of a layer that has weights.
numerics::QuantizedWeights QuantizeLayer(const trace::Network& net, const trace::Layer& layer,
                                         const numerics::Datapath& datapath);

// Their values, [rows][segments][segment]: element times RNE32(block scale * channel scale).
std::vector<float> ValuesOf(const numerics::QuantizedWeights& weights);

}  // namespace nibble::golden
