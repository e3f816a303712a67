// Puts a Network together layer by layer; shapes of outputs follow from those of inputs.
#pragma once

#include <string>

#include "sw/trace/network.h"

namespace nibble::compiler {

class NetworkBuilder {
 public:
  explicit NetworkBuilder(std::string name);

  int AddInput(const std::string& name, const trace::Shape& shape);
  // A constant with its name, shape and values or generator. Returns the tensor.
  int AddConstant(trace::Tensor tensor);
  // Appends `layer`, whose input (and residual, operands) are set, and the tensor that it writes,
  // which takes the layer's name. Convolutions, fully connected layers and slices need `channels`,
  // their number of output channels, and kPick its number of `pixels`. Returns the tensor.
  int AddLayer(trace::Layer layer, int channels = 0, int pixels = 0);

  const trace::Shape& ShapeOf(int tensor) const { return net_.tensors[tensor].shape; }

  // The output is the last layer's unless this says otherwise.
  void SetOutput(int tensor) { net_.output = tensor; }

  // The network, validated. Mean and stddev of the preprocess are
  // 0.5 everywhere (inputs in -1..1) until somebody sets others.
  trace::Network Finish(const std::string& producer) &&;

 private:
  trace::Network net_;
};

}  // namespace nibble::compiler
