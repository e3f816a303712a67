#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>

#include <cstdint>
#include <filesystem>
#include <fstream>

#include "sw/compiler/onnx_tensor.h"
#include "sw/trace/file.h"

namespace nibble::compiler {
namespace {

using trace::FileError;

constexpr int64_t kMinOpset = 11, kMaxOpset = 17;
constexpr int64_t kCheckerIr = 8;  // the newest IR version that ONNX 1.12 checks

onnx::ModelProto Parse(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) throw FileError("no such file");
  std::ifstream file(path, std::ios::binary);
  // Asked before the stream below, which reads ahead to the end of a small file.
  if (!file) throw FileError("cannot be read");
  google::protobuf::io::IstreamInputStream stream(&file);
  google::protobuf::io::CodedInputStream coded(&stream);
  coded.SetTotalBytesLimit(INT32_MAX);
  onnx::ModelProto model;
  if (!model.ParseFromCodedStream(&coded) || !coded.ConsumedEntireMessage() || !model.has_graph()) {
    throw FileError("is not an ONNX model");
  }
  return model;
}

int64_t CheckedOpset(const onnx::ModelProto& model) {
  for (const auto& opset : model.opset_import()) {
    if (!opset.domain().empty() && opset.domain() != "ai.onnx") continue;
    if (opset.version() >= kMinOpset && opset.version() <= kMaxOpset) return opset.version();
    throw FileError(fmt::format(
        "opset {} is not supported, only {}..{}: convert the model with onnx.version_converter",
        opset.version(), kMinOpset, kMaxOpset));
  }
  throw FileError("opset_import names no version of the ONNX operators");
}

void Check(onnx::ModelProto& model) {
  // Later versions of the file format add types and fields that no supported operator uses.
  if (model.ir_version() > kCheckerIr) model.set_ir_version(kCheckerIr);
  try {
    onnx::checker::check_model(model);
  } catch (const std::exception& e) {
    throw FileError(fmt::format("the ONNX checker refuses it: {}", e.what()));
  }
}

class Reader {
 public:
  Reader(const onnx::ModelProto& model, int64_t opset) : proto_(model.graph()), opset_(opset) {}

  OnnxGraph Read() && {
    graph_.name = proto_.name();
    for (const auto& t : proto_.initializer()) graph_.constants[t.name()] = DecodeTensor(t);
    ReadInput();
    for (int i = 0; i < proto_.node_size(); ++i) ReadNode(proto_.node(i), i);
    if (proto_.output_size() != 1) {
      throw FileError(fmt::format("has {} outputs, expected 1", proto_.output_size()));
    }
    graph_.output = Resolve(proto_.output(0).name());
    return std::move(graph_);
  }

 private:
  // The value that `name` stands for: exporters alias equal constants by Identity nodes.
  std::string Resolve(const std::string& name) const {
    const auto it = aliases_.find(name);
    return it == aliases_.end() ? name : it->second;
  }

  void ReadInput() {
    const onnx::ValueInfoProto* input = nullptr;
    for (const auto& candidate : proto_.input()) {
      if (graph_.constants.count(candidate.name()) != 0) continue;  // IR 3 lists initialisers too
      if (input != nullptr) throw FileError("has several inputs, expected 1");
      input = &candidate;
    }
    if (input == nullptr) throw FileError("has no input");
    graph_.input = input->name();
    const auto& type = input->type().tensor_type();
    const auto& dims = type.shape().dim();
    if (type.elem_type() != onnx::TensorProto::FLOAT || dims.size() != 4) {
      throw FileError(
          fmt::format("input \"{}\" must be a float tensor N x C x H x W", graph_.input));
    }
    // A named or unknown batch is 1.
    const int64_t batch = dims[0].dim_value() > 0 ? dims[0].dim_value() : 1;
    const int64_t channels = dims[1].dim_value(), height = dims[2].dim_value(),
                  width = dims[3].dim_value();
    if (batch != 1 || channels < 1 || channels > trace::kMaxChannels || height < 1 ||
        height > trace::kMaxSide || width < 1 || width > trace::kMaxSide) {
      throw FileError(
          fmt::format("input \"{}\" is {} x {} x {} x {} (0: not given), expected a "
                      "batch of 1 and known channels, height and width",
                      graph_.input, batch, channels, height, width));
    }
    graph_.input_shape = {static_cast<int>(height), static_cast<int>(width),
                          static_cast<int>(channels)};
    graph_.dims[graph_.input] = {1, channels, height, width};
  }

  void ReadNode(const onnx::NodeProto& proto, int index) {
    OnnxNode node;
    const bool own = proto.domain().empty() || proto.domain() == "ai.onnx";
    node.op = own ? proto.op_type() : proto.domain() + "." + proto.op_type();
    node.name = proto.name().empty() ? fmt::format("{}_{}", node.op, index) : proto.name();
    for (const std::string& name : proto.input()) node.inputs.push_back(Resolve(name));
    node.outputs.assign(proto.output().begin(), proto.output().end());
    if (node.outputs.empty()) node.outputs.emplace_back();
    const std::string& output = node.outputs[0];
    if (node.op == "Identity") {
      aliases_[output] = node.inputs[0];
    } else if (node.op == "Dropout") {
      const Constant* training = node.HasInput(2) ? graph_.Find(node.inputs[2]) : nullptr;
      if (node.HasInput(2) && (training == nullptr || training->ints != std::vector<int64_t>{0})) {
        throw FileError(fmt::format("Dropout \"{}\": training_mode must be false", node.name));
      }
      aliases_[output] = node.inputs[0];
    } else if (node.op == "Constant") {
      graph_.constants[output] = ReadConstant(node, proto);
    } else {
      for (const auto& a : proto.attribute()) {
        Attribute& attribute = node.attributes[a.name()];
        attribute = {a.i(), a.f(), a.s(), {a.ints().begin(), a.ints().end()}, {}};
        if (a.has_t()) attribute.tensor = DecodeTensor(a.t());
      }
      // The default was 1 first, and all axes from there on, which is the same for the last.
      if (opset_ < 13 && node.op == "Softmax")
        node.attributes.try_emplace("axis", Attribute{1, 0, "", {}, {}});
      graph_.nodes.push_back(std::move(node));
    }
  }

  static Constant ReadConstant(const OnnxNode& node, const onnx::NodeProto& proto) {
    for (const auto& a : proto.attribute()) {
      Constant c;
      if (a.name() == "value") return DecodeTensor(a.t());
      if (a.name() == "value_float") {
        c.floats = {a.f()};
        return c;
      }
      if (a.name() == "value_floats") {
        c.floats.assign(a.floats().begin(), a.floats().end());
        c.dims = {a.floats_size()};
        return c;
      }
      c.is_float = false;
      if (a.name() == "value_int") {
        c.ints = {a.i()};
        return c;
      }
      if (a.name() == "value_ints") {
        c.ints.assign(a.ints().begin(), a.ints().end());
        c.dims = {a.ints_size()};
        return c;
      }
    }
    throw FileError(fmt::format("Constant \"{}\": holds neither numbers nor a tensor", node.name));
  }

  const onnx::GraphProto& proto_;
  const int64_t opset_;
  OnnxGraph graph_;
  std::map<std::string, std::string> aliases_;
};

}  // namespace

OnnxGraph ReadOnnx(const std::string& path) {
  onnx::ModelProto model = Parse(path);
  const int64_t opset = CheckedOpset(model);
  const std::string directory = std::filesystem::path(path).parent_path().string();
  for (auto& t : *model.mutable_graph()->mutable_initializer()) InlineExternalData(t, directory);
  for (auto& node : *model.mutable_graph()->mutable_node()) {
    for (auto& a : *node.mutable_attribute()) {
      if (a.has_t()) InlineExternalData(*a.mutable_t(), directory);
    }
  }
  Check(model);
  return Reader(model, opset).Read();
}

}  // namespace nibble::compiler
