#include "tests/cli/onnx_model.h"

#include <onnx/onnx_pb.h>

#include <string>

namespace nibble::cli_test {

namespace {

void Describe(onnx::ValueInfoProto* value, const char* name) {
  value->set_name(name);
  auto* tensor = value->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(onnx::TensorProto::FLOAT);
  for (const int size : {1, 3, 8, 8}) tensor->mutable_shape()->add_dim()->set_dim_value(size);
}

}  // namespace

std::string ModelWithOperator(const std::string& op, const std::string& node) {
  onnx::ModelProto model;
  model.set_ir_version(7);
  model.add_opset_import()->set_version(13);
  auto* graph = model.mutable_graph();
  graph->set_name("test");
  Describe(graph->add_input(), "x");
  Describe(graph->add_output(), "y");
  auto* n = graph->add_node();
  n->set_op_type(op);
  n->set_name(node);
  n->add_input("x");
  n->add_output("y");
  return model.SerializeAsString();
}

std::string NumpyImages(int count, int size) {
  std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (" +
                       std::to_string(count) + ", " + std::to_string(size) + ", " +
                       std::to_string(size) + ", 3), }";
  header.resize(128 - 10 - 1, ' ');
  header += '\n';
  std::string file("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(header.size());
  file += '\0';
  file += header;
  for (uint32_t i = 0; i < static_cast<uint32_t>(count * size * size * 3); ++i)
    file += static_cast<char>(i * 37 + i / (size * size * 3) * 11);
  return file;
}

}  // namespace nibble::cli_test
