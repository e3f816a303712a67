// Tensors of an ONNX file, inside it or in external data files.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>

#include "sw/compiler/onnx_graph.h"

namespace nibble::compiler {

// Moves external data into the tensor itself. `directory` is that of the model; a location must be
// a relative path that stays inside it, and offset and length must lie in the file.
void InlineExternalData(onnx::TensorProto& tensor, const std::string& directory);

// Throws trace::FileError naming the tensor for types other than those of Constant, and for data
// that do not fit the dimensions.
Constant DecodeTensor(const onnx::TensorProto& tensor);

}  // namespace nibble::compiler
