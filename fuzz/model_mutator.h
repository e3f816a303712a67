// Mutations of ONNX models that stay well-formed protobuf: bytes changed at random are refused by
// its parser before the front end sees them.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>

namespace nibble::fuzz {

// One change to a field, an element or a message somewhere in the model, chosen by `seed`.
void Mutate(onnx::ModelProto& model, uint32_t seed);

}  // namespace nibble::fuzz
