// Evaluates the small ONNX models of the tests as the ONNX specification says, N x C x H x W in
// double precision: an implementation that shares nothing with the importer.
#pragma once

#include <onnx/onnx_pb.h>

#include <vector>

namespace nibble::test {

// `input` is C x H x W; the result is the output's elements in ONNX order. Throws
// std::runtime_error for an operator that it does not know.
std::vector<double> EvaluateOnnx(const onnx::ModelProto& model, const std::vector<double>& input);

}  // namespace nibble::test
