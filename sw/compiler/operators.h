// The operators between ONNX and a Network: one per live node, with constants attached, still
// unfused.
#pragma once

#include <string>
#include <vector>

#include "sw/compiler/onnx_graph.h"
#include "sw/trace/network.h"

namespace nibble::compiler {

struct Operator {
  enum class Kind : uint8_t {
    kConv,  // `layer` holds window and activation; its op tells dense from depthwise
    kFullyConnected,
    kScaleShift,  // y = x * scale + shift per channel: batch normalization, and the addition of a
                  // constant
    kActivation,  // `layer.activation`
    kAdd,
    kGlobalAveragePool,
    kFlatten,  // [N][C][H][W] -> [N][C*H*W] in that order; nothing moves where the map is 1 x 1
  };
  enum class AutoPad : uint8_t { kNone, kSameUpper, kSameLower };

  Kind kind = Kind::kConv;
  std::string onnx_op, name;  // of the node
  std::string input, second,
      output;  // value names; `second`: other operand of kAdd, or fused residual
  trace::Layer layer;
  AutoPad auto_pad = AutoPad::kNone;
  int channels = 0;  // output channels of kConv and kFullyConnected
  int input_channels =
      0;  // channels of the input of kConv; its elements for kFullyConnected and kFlatten (0: any)
  std::vector<float> weights, bias;  // kConv [out][h][w][in], kFullyConnected [out][in]
  std::vector<double> scale, shift;  // kScaleShift; empty scale: all 1

  bool has_weights() const { return kind == Kind::kConv || kind == Kind::kFullyConnected; }
};

// Throws trace::FileError naming the operator and node: "Conv \"features.0\": group is 2, ...".
[[noreturn]] void Fail(const std::string& op, const std::string& name, const std::string& message);

// The nodes that the output depends on, in order. Throws trace::FileError for what is not
// supported.
std::vector<Operator> LowerNodes(const OnnxGraph& graph);

}  // namespace nibble::compiler
