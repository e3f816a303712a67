// The reference executor: a network in FP32, or under a datapath. No SystemC, no tiling; obvious,
// not clever. What the platforms must equal bit for bit.
#pragma once

#include <vector>

#include "models/numerics/activation_store.h"
#include "models/numerics/datapath.h"
#include "sw/golden/datapaths.h"
#include "sw/trace/network.h"

namespace nibble::golden {

// FP32 semantics: acc = +0; for each (kernel row, kernel column, input channel) ascending:
// acc = RNE32(acc + RNE32(x * w)) (taps outside the image are skipped); then + bias; activation; +
// residual. Average pool: sum over pixels ascending in FP32, then one FP32 division by the pixel
// count. `input` is NHWC [height][width][channels]. Returns every tensor, indexed as in
// net.tensors.
std::vector<std::vector<float>> RunFp32(const trace::Network& net, const std::vector<float>& input);

// Under datapaths: dot products as in models/numerics/dot.h over the stored (quantised) input,
// then y = acc * (s_dec * channel_scale); + bias; activation; + dequantised residual; stored in the
// activations' format. Average pool and kAdd work in FP32 on dequantised values. The network's
// output is stored as FP32, unquantised. Each tensor is stored as the machine stores it.
struct Execution {
  std::vector<numerics::StoredActivations> tensors;  // indexed as in net.tensors
};
Execution Run(const trace::Network& net, const Datapaths& datapaths,
              const std::vector<float>& input);
inline Execution Run(const trace::Network& net, const numerics::Datapath& datapath,
                     const std::vector<float>& input) {
  return Run(net, Datapaths(net, datapath), input);
}

// Activation function in FP32: x < lo gives lo, else x > hi gives hi, else x (relu: lo 0, no hi).
// NaN and -0 pass a clip at 0.
float Activate(const trace::Activation& activation, float x);

// The scale of a tensor of the network, as the datapath has it: static from the calibrated amax, or
// from the values of `x`.
numerics::TensorScale ScaleOf(const trace::Network& net, int tensor, const Datapaths& datapaths,
                              const std::vector<float>& x);

// Throws std::invalid_argument where `input` has not the number of elements that the network takes.
void CheckInput(const trace::Network& net, const std::vector<float>& input);

}  // namespace nibble::golden
