// What several passes ask of an ONNX node. Everything throws trace::FileError that names the
// operator and the node.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sw/compiler/onnx_graph.h"

namespace nibble::compiler {

// "Conv \"features.0\": message".
[[noreturn]] void Fail(const std::string& op, const std::string& name, const std::string& message);
[[noreturn]] void Fail(const OnnxNode& n, const std::string& message);

const std::string& RequiredInput(const OnnxNode& n, size_t i);
const Constant& RequiredConstant(const OnnxGraph& g, const OnnxNode& n, size_t i);
// A float constant of `count` elements, whatever its dimensions.
const std::vector<float>& Floats(const OnnxGraph& g, const OnnxNode& n, size_t i, size_t count);
// The integers of a constant, or nothing where the optional input is absent.
std::optional<std::vector<int64_t>> OptionalInts(const OnnxGraph& g, const OnnxNode& n, size_t i);
// The same, of what was an attribute before opset 13.
std::optional<std::vector<int64_t>> OptionalInts(const OnnxGraph& g, const OnnxNode& n, size_t i,
                                                 const std::string& attribute);
int Bounded(const OnnxNode& n, const char* what, int64_t value, int64_t lo, int64_t hi);

// Dimensions of input `i`, constant or not; null where they are not known.
const Dims* KnownDims(const OnnxGraph& g, const OnnxNode& n, size_t i);
// The same; throws where they are not known.
const Dims& InputDims(const OnnxGraph& g, const OnnxNode& n, size_t i = 0);
int64_t Elements(const Dims& dims);
// Of axes that may count from the back (-1: the last), checked against `rank`.
int64_t Axis(const OnnxNode& n, int64_t axis, size_t rank);
std::vector<int64_t> Axes(const OnnxNode& n, std::vector<int64_t> axes, size_t rank);

// Shape of the result where `n` reshapes: Reshape (0: copied, -1: inferred), Flatten, Squeeze,
// Unsqueeze.
Dims ReshapedDims(const OnnxGraph& g, const OnnxNode& n, const Dims& in);

// What a Slice takes along one axis: places first, first + step, ..., `count` of them.
struct SliceRange {
  int64_t first = 0, step = 1, count = 0;
};
std::vector<SliceRange> SliceRanges(const OnnxGraph& g, const OnnxNode& n, const Dims& in);

// Lengths of the parts of a Split, and its axis.
struct SplitParts {
  size_t axis = 0;
  std::vector<int64_t> lengths;  // one an output
};
SplitParts PartsOf(const OnnxGraph& g, const OnnxNode& n, const Dims& in);

// The window of Conv, MaxPool and AveragePool over an input of known height and width, automatic
// padding and ceil_mode resolved into pads.
struct Window {
  int kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  bool overhangs = false;  // ceil_mode added padding
  int output_h = 0, output_w = 0;

  void Set(trace::Layer& l) const;
};
Window WindowOf(const OnnxGraph& g, const OnnxNode& n, const Dims& in);

}  // namespace nibble::compiler
