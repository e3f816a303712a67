// Input files made by the tests.
#pragma once

#include <string>

namespace nibble::cli_test {

// A serialised ONNX model of one node `node` with operator `op`, 1x3x8x8 in and out.
std::string ModelWithOperator(const std::string& op, const std::string& node);

// A .npy file of `count` uint8 images of `size` x `size` x 3, each with a pattern of its own.
std::string NumpyImages(int count, int size);

}  // namespace nibble::cli_test
