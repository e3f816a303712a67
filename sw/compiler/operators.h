// The operators between ONNX and a Network: one per node (a Split gives several), with constants
// attached. The passes rewrite lists of them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sw/compiler/onnx_graph.h"
#include "sw/trace/network.h"

namespace nibble::compiler {

struct Operator {
  enum class Kind : uint8_t {
    kConv,  // `layer` holds window and activation; its op tells dense or grouped from depthwise
    kFullyConnected,
    kScaleShift,  // y = x * scale + shift per channel, or of all: batch normalization, and
                  // arithmetic with a constant; gone after "fuse"
    kActivation,  // `layer.activation`
    kAdd,
    kMultiply,
    kGlobalAveragePool,
    kPool,       // `layer.op` tells which
    kConcat,     // along `axis`; after "layout" `layer.op` tells whether channels or pixels
    kSlice,      // `count` places from `first` on along `axis`; the same
    kShuffle,    // in `layer.groups`; comes from "layout"
    kReshape,    // order of elements kept; gone after "layout"
    kTranspose,  // after "layout" only those that move elements
    kMatMul,     // of two values, `layer.scale` times
    kSoftmax,    // along the last axis
    kLayerNorm,  // the same
    kPart,       // of an operator that exporters take apart (`onnx_op` tells); gone after "fuse"
  };

  Kind kind = Kind::kConv;
  std::string onnx_op, name;        // of the node
  std::vector<std::string> inputs;  // value names; of kConv and kFullyConnected the second is a
                                    // residual
  std::string output;
  trace::Layer layer;
  int channels =
      0;  // output channels of kConv, kFullyConnected, kLayerNorm; kSlice: after "layout"
  int input_channels = 0;            // of kConv; elements of the input of kFullyConnected
  std::vector<float> weights, bias;  // kConv [out][h][w][in of a group], kFullyConnected [out][in],
                                     // kLayerNorm [channels]
  std::vector<double> scale, shift;  // kScaleShift: one a channel, or one; empty: 1, 0
  std::vector<int64_t> permutation;  // kTranspose
  size_t axis = 0;                   // kConcat, kSlice; of the channels of those with weights and
                                     // of kScaleShift
  int64_t first = 0, count = 0;      // kSlice

  bool has_weights() const { return kind == Kind::kConv || kind == Kind::kFullyConnected; }
};
// "conv", "reshape" ...
const char* KindName(Operator::Kind kind);

// A network on its way from ONNX to a trace.
struct Graph {
  std::string input, output;         // value names
  std::vector<Operator> operators;   // each after those that it reads from
  std::map<std::string, Dims> dims;  // of every value, as ONNX has it: [1][channels][h][w], [1][n],
                                     // [1][tokens][channels] ...
  std::map<std::string, Constant> constants;   // operands that are no weights, as ONNX has them
  std::map<std::string, trace::Shape> shapes;  // of every value and tensor, after "layout"
  std::map<std::string, std::vector<float>> tensors;  // of constants, after "layout":
                                                      // [pixel][channel]
};

// The nodes of a folded graph, in order. Throws trace::FileError for what is not supported: "Conv
// \"features.0\": ...".
Graph LowerNodes(const OnnxGraph& graph);

// Of LowerNodes: those with weights (lower_weights.cpp).
void LowerConv(const OnnxGraph& g, const OnnxNode& n, Operator& op);
void LowerMatrix(const OnnxGraph& g, const OnnxNode& n, Operator& op);  // Gemm, MatMul
void LowerBatchNorm(const OnnxGraph& g, const OnnxNode& n, Operator& op);
// Those of transformers (lower_tokens.cpp).
void LowerSoftmax(const OnnxGraph& g, const OnnxNode& n, Operator& op);
void LowerLayerNorm(const OnnxGraph& g, const OnnxNode& n, Operator& op);
void LowerGather(const OnnxGraph& g, const OnnxNode& n, Operator& op);
void LowerPart(const OnnxGraph& g, const OnnxNode& n, Operator& op);  // Erf, Pow, Sqrt

}  // namespace nibble::compiler
