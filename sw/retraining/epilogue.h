// What follows the sums of a layer, image by image, and its gradients.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sw/trace/network.h"

namespace nibble::retraining {

// What a gradient has to know of an element.
inline constexpr uint8_t kLive = 1;   // it follows what was stored: it is not saturated
inline constexpr uint8_t kSlope = 2;  // the activation function has slope 1 there, and not 0

// Whether the slope is 0 or 1 everywhere.
bool IsClip(const trace::Activation& activation);

// y = activation(x + bias) + residual over [pixels][channels], as golden::Activate has it.
struct EpilogueOperands {
  const float* x = nullptr;
  const float* bias = nullptr;      // one a channel, or null
  const float* residual = nullptr;  // as x, or null
  size_t pixels = 0, channels = 0;
};
// Sets kSlope in `flags` where it holds and all else to 0; null: not wanted. `derivative`, of
// functions that are no clip, likewise: that of the exact function, which the datapath's tables
// follow.
void RunEpilogue(const trace::Activation& activation, const EpilogueOperands& operands, float* y,
                 uint8_t* flags, float* derivative);

// y = x where `flags` has `bit`, otherwise 0.
void KeepWhere(const uint8_t* flags, uint8_t bit, const float* x, size_t count, float* y);

// The sum of g * x over the elements with (`live`) or without kLive.
double SumWhere(const uint8_t* flags, bool live, const float* g, const float* x, size_t count);

}  // namespace nibble::retraining
