// Makes small ONNX models with the protobuf API.
#pragma once

#include <onnx/onnx_pb.h>

#include <fstream>
#include <initializer_list>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace nibble::test {

class OnnxModel {
 public:
  explicit OnnxModel(std::vector<int64_t> input = {1, 3, 6, 5}, int64_t opset = 13) {
    model.set_ir_version(8);
    model.add_opset_import()->set_version(opset);
    model.mutable_graph()->set_name("test");
    AddValue(model.mutable_graph()->add_input(), "x", input);
  }

  using Attributes = std::initializer_list<std::pair<const char*, std::vector<int64_t>>>;

  // One entry makes an INT attribute, several an INTS one; keys that end with '*' are always INTS.
  onnx::NodeProto& Node(const std::string& op, const std::vector<std::string>& inputs,
                        const std::string& output, Attributes attributes = {}) {
    onnx::NodeProto& node = *model.mutable_graph()->add_node();
    node.set_op_type(op);
    node.set_name(output + "_node");
    for (const std::string& input : inputs) node.add_input(input);
    node.add_output(output);
    for (const auto& [key, values] : attributes) {
      onnx::AttributeProto& a = *node.add_attribute();
      std::string name = key;
      if (values.size() == 1 && name.back() != '*') {
        a.set_type(onnx::AttributeProto::INT);
        a.set_i(values[0]);
      } else {
        a.set_type(onnx::AttributeProto::INTS);
        for (const int64_t v : values) a.add_ints(v);
        if (name.back() == '*') name.pop_back();
      }
      a.set_name(name);
    }
    return node;
  }

  // Random numbers in -1..1, or `values` where there are some.
  onnx::TensorProto& Floats(const std::string& name, const std::vector<int64_t>& dims,
                            const std::vector<float>& values = {}) {
    onnx::TensorProto& t = *model.mutable_graph()->add_initializer();
    FillFloats(t, dims, values);
    t.set_name(name);
    return t;
  }
  void FillFloats(onnx::TensorProto& t, const std::vector<int64_t>& dims,
                  const std::vector<float>& values) {
    t.set_data_type(onnx::TensorProto::FLOAT);
    int64_t count = 1;
    for (const int64_t d : dims) {
      t.add_dims(d);
      count *= d;
    }
    for (int64_t i = 0; i < count; ++i) {
      const float random = static_cast<float>(static_cast<int>(random_() % 2001) - 1000) / 1000.0f;
      t.add_float_data(values.empty() ? random : values[static_cast<size_t>(i)]);
    }
  }
  void Ints(const std::string& name, const std::vector<int64_t>& values) {
    onnx::TensorProto& t = *model.mutable_graph()->add_initializer();
    t.set_name(name);
    t.set_data_type(onnx::TensorProto::INT64);
    t.add_dims(static_cast<int64_t>(values.size()));
    for (const int64_t v : values) t.add_int64_data(v);
  }
  // A scalar integer.
  void Int(const std::string& name, int64_t value) {
    Ints(name, {value});
    model.mutable_graph()->mutable_initializer()->rbegin()->clear_dims();
  }
  void FloatAttribute(onnx::NodeProto& node, const std::string& name, float value) {
    onnx::AttributeProto& a = *node.add_attribute();
    a.set_name(name);
    a.set_type(onnx::AttributeProto::FLOAT);
    a.set_f(value);
  }
  // A scalar as a Constant node, as PyTorch writes the bounds of Clip.
  void ConstantNode(const std::string& output, float value) {
    onnx::NodeProto& node = Node("Constant", {}, output);
    onnx::AttributeProto& a = *node.add_attribute();
    a.set_name("value");
    a.set_type(onnx::AttributeProto::TENSOR);
    FillFloats(*a.mutable_t(), {}, {value});
  }

  void Output(const std::string& name, int rank) {
    AddValue(model.mutable_graph()->add_output(), name, std::vector<int64_t>(rank, -1));
  }

  void Save(const std::string& path) const {
    std::ofstream out(path, std::ios::binary);
    model.SerializeToOstream(&out);
  }

  onnx::ModelProto model;

 private:
  static void AddValue(onnx::ValueInfoProto* value, const std::string& name,
                       const std::vector<int64_t>& dims) {
    value->set_name(name);
    auto* type = value->mutable_type()->mutable_tensor_type();
    type->set_elem_type(onnx::TensorProto::FLOAT);
    for (const int64_t d : dims) {
      auto* dim = type->mutable_shape()->add_dim();
      d < 0 ? dim->set_dim_param("N") : dim->set_dim_value(d);
    }
  }

  std::mt19937 random_{7};
};

}  // namespace nibble::test
