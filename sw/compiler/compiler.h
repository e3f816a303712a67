// ONNX and built-in networks -> Network; calibration.
#pragma once

#include <string>
#include <vector>

#include "sw/trace/network.h"

namespace nibble::compiler {

// Throws trace::FileError for an unreadable model, and for an operator that is not supported (naming the operator,
// the node and the list of what is supported). opset 13..17. Ranges (amax) are left at 0.
trace::Network ImportOnnx(const std::string& path);

// Built-in networks with synthetic weights: "mobilenet_v2". `resolution` is the input's height and width.
// Ranges are left at 0.
trace::Network BuildNetwork(const std::string& name, int resolution = 224);
std::vector<std::string> BuiltInNetworks();

// `count` generated inputs (integer generator, same bits everywhere) for a network's input shape, values in -1..1.
std::vector<float> GeneratedInput(const trace::Network& net, uint64_t index);

// Sets each tensor's amax to the largest magnitude that the FP32 golden executor sees over `inputs`.
// progress(done, total) is called after each input.
void Calibrate(trace::Network& net, const std::vector<std::vector<float>>& inputs,
               void (*progress)(int done, int total) = nullptr);

}  // namespace nibble::compiler
