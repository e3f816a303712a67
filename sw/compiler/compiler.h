// ONNX and built-in networks -> Network; calibration.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sw/compiler/ranges.h"
#include "sw/trace/network.h"

namespace nibble::compiler {

// Throws trace::FileError for an unreadable model, and for an operator that is not supported
// (naming the operator, the node and the list of what is supported). opset 11..17. Ranges (amax)
// are left at 0. `listener` is told of each pass, in order ("fold", "fuse", "layout", "liveness"),
// and what it left, a line an operator.
using PassListener = std::function<void(const std::string& pass, const std::string& listing)>;
trace::Network ImportOnnx(const std::string& path, const PassListener& listener = {});

// Built-in networks with synthetic weights, by the names of BuiltInNetworks, of which `resolution`
// is the input's height and width, and by kGemvPattern, one fully connected layer. Ranges are
// left at 0. Throws std::invalid_argument for an unknown name and a resolution outside the bounds.
inline constexpr int kMinResolution = 32, kMaxResolution = 2048;  // pixels
inline constexpr char kGemvPattern[] = "gemv:ROWSxCOLUMNS";
trace::Network BuildNetwork(const std::string& name, int resolution = 224);
std::vector<std::string> BuiltInNetworks();

// Generated input number `index` for a network's input shape (integer generator, same bits
// everywhere), in -1..1: 8 x 8 patches of random colour under a grain of a third of their
// amplitude.
std::vector<float> GeneratedInput(const trace::Network& net, uint64_t index);

// Sets each tensor's amax to the range that `choice` makes of the magnitudes that the FP32 golden
// executor sees over `inputs`. progress(done, total) is called after each input. `net.calibration`
// is the caller's to set.
void Calibrate(trace::Network& net, const std::vector<std::vector<float>>& inputs,
               const std::function<void(int done, int total)>& progress = {},
               const RangeChoice& choice = {});

// Records the shares of zeros (trace::Tensor::zeros, trace::Layer::zeros) that the golden executor
// sees for one input of a calibrated network.
void RecordZeros(trace::Network& net, const std::vector<float>& input);

}  // namespace nibble::compiler
