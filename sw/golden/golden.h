// The reference executor: a network in FP32, or under a datapath. No SystemC, no tiling; obvious,
// not clever. What the platforms must equal bit for bit.
#pragma once

#include <vector>

#include "models/numerics/activation_store.h"
#include "models/numerics/datapath.h"
#include "sw/golden/datapaths.h"
#include "sw/trace/network.h"

namespace nibble::golden {

// FP32 semantics: acc = +0; for each (kernel row, kernel column, input channel of the group)
// ascending: acc = RNE32(acc + RNE32(x * w)) (taps outside the image are skipped); then + bias;
// activation (ActivateExactly); + residual. `input` is NHWC [height][width][channels]. Returns
// every tensor, indexed as in net.tensors. Operators without weights, each step one FP32 operation:
//   add, multiply    activation(a + b), activation(a * b); a factor of one pixel applies to all
//   activate         activation(x)
//   avgpool          sum over pixels ascending from +0, then one division by their number
//   windowpool       sum over the taps inside the image, kernel row and column ascending, from +0;
//                    one division by their number, or by all taps with count_padding
//   maxpool          m = the first tap inside the image; of each further one, m = x > m ? x : m
//   concat, slice, shuffle, transpose, stack, pick   values as they are
//   softmax, layernorm   exactly, rounded once (models/numerics/row_functions.h)
// matmul is a dot product as above without bias, times `scale`.
std::vector<std::vector<float>> RunFp32(const trace::Network& net, const std::vector<float>& input);
// The tensors that are there before the first layer, the input and constants; the others empty.
// Throws as RunFp32.
std::vector<std::vector<float>> GivenTensors(const trace::Network& net,
                                             const std::vector<float>& input);
// What one layer writes, given the tensors that it reads.
std::vector<float> RunLayerFp32(const trace::Network& net, const trace::Layer& l,
                                const std::vector<std::vector<float>>& tensors);

// Under datapaths: dot products as in models/numerics/dot.h over the stored (quantised) input,
// then y = acc * (s_dec * channel_scale); + bias; activation (Activate); + dequantised residual;
// stored in the activations' format. In a grouped convolution a block term ends wherever a block of
// the activations or of the group's weights does. In a matmul the second operand's pixels, as they
// are stored, take the place of the weights: y = acc * (s_dec * (s_dec of the second * scale)), and
// nothing follows. Operators without weights work in FP32, as above,
// on dequantised values; concat and slice not at all where the result is a view (datapaths.h). The
// network's output is stored as FP32, unquantised. Each tensor is stored as the machine stores it.
struct Execution {
  // Indexed as in net.tensors; a view holds the channels of its root.
  std::vector<numerics::StoredActivations> tensors;
};
Execution Run(const trace::Network& net, const Datapaths& datapaths,
              const std::vector<float>& input);
inline Execution Run(const trace::Network& net, const numerics::Datapath& datapath,
                     const std::vector<float>& input) {
  return Run(net, Datapaths(net, datapath), input);
}

// What layer `l` under `datapath` computes in FP32 from the stored tensors that it reads, before
// the result is stored. `tensors` as in Execution; those that it does not read may be empty.
std::vector<float> RunLayer(const trace::Network& net, const trace::Layer& l,
                            const numerics::Datapath& datapath,
                            const std::vector<numerics::StoredActivations>& tensors);

// Activation function in FP32: x < lo gives lo, else x > hi gives hi, else x (relu: lo 0, no hi).
// NaN and -0 pass a clip at 0. Others as the datapath has them (models/numerics/functions.h).
float Activate(const trace::Activation& activation, float x);
// The same, but with ExactSigmoid and ExactNormal in place of the tables.
float ActivateExactly(const trace::Activation& activation, float x);

// The scale of a tensor of the network that is no view, as the datapath has it: static from the
// calibrated amax, or from the values of `x`.
numerics::TensorScale ScaleOf(const trace::Network& net, int tensor, const Datapaths& datapaths,
                              const std::vector<float>& x);

// Throws std::invalid_argument where `input` has not the number of elements that the network takes.
void CheckInput(const trace::Network& net, const std::vector<float>& input);

}  // namespace nibble::golden
