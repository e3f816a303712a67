#include "fuzz/model_mutator.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <array>
#include <random>
#include <string>
#include <vector>

namespace nibble::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Sizes, counts, axes and bounds that tell.
constexpr std::array<int64_t, 16> kIntegers = {
    0, 1, 2, 3, 4, 5, 7, 16, -1, -2, 255, 256, 65535, int64_t{1} << 31, INT64_MAX, INT64_MIN};
constexpr std::array<float, 10> kFloats = {0, -0.0f, 1, 6, -1, 0.5f, 1e38f, 1e-40f, INFINITY, NAN};
constexpr std::array<const char*, 46> kOperators = {"Conv",
                                                    "Gemm",
                                                    "MatMul",
                                                    "Add",
                                                    "Mul",
                                                    "Sub",
                                                    "Div",
                                                    "Concat",
                                                    "Slice",
                                                    "Split",
                                                    "Reshape",
                                                    "Transpose",
                                                    "MaxPool",
                                                    "AveragePool",
                                                    "GlobalAveragePool",
                                                    "ReduceMean",
                                                    "Relu",
                                                    "Clip",
                                                    "HardSigmoid",
                                                    "HardSwish",
                                                    "Sigmoid",
                                                    "Erf",
                                                    "Softmax",
                                                    "LayerNormalization",
                                                    "Flatten",
                                                    "Identity",
                                                    "Constant",
                                                    "BatchNormalization",
                                                    "Shape",
                                                    "Gather",
                                                    "Unsqueeze",
                                                    "Squeeze",
                                                    "Cast",
                                                    "Pow",
                                                    "Sqrt",
                                                    "Dropout",
                                                    "Pad",
                                                    "Exp",
                                                    "Tanh",
                                                    "Min",
                                                    "Max",
                                                    "Floor",
                                                    "ConstantOfShape",
                                                    "Expand",
                                                    "Equal",
                                                    "Where"};

class Mutator {
 public:
  explicit Mutator(uint32_t seed) : random_(seed) {}

  void Run(onnx::ModelProto& model) {
    Collect(*model.mutable_graph());
    if (sites_.empty()) return;
    const Site site = sites_[Below(sites_.size())];
    if (site.field->is_repeated()) {
      ChangeRepeated(site);
    } else {
      ChangeSingle(*site.message, *site.field);
    }
  }

 private:
  struct Site {
    Message* message;
    const FieldDescriptor* field;
  };

  size_t Below(size_t n) { return random_() % n; }

  // Every field that is set. Strings are names and operators, which tie the graph together.
  void Collect(Message& message) {
    const Reflection& r = *message.GetReflection();
    std::vector<const FieldDescriptor*> fields;
    r.ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      sites_.push_back({&message, field});
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING && !field->is_repeated()) {
        strings_.push_back(r.GetString(message, field));
      }
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
      if (!field->is_repeated()) {
        Collect(*r.MutableMessage(&message, field));
        continue;
      }
      for (int i = 0; i < r.FieldSize(message, field); ++i) {
        Collect(*r.MutableRepeatedMessage(&message, field, i));
      }
    }
  }

  int64_t Integer(int64_t old) {
    if (Below(3) == 0) return static_cast<int64_t>(static_cast<uint64_t>(old) + 1 - 2 * Below(2));
    return kIntegers[Below(kIntegers.size())];
  }
  std::string Text() {
    if (Below(3) == 0 || strings_.empty()) return kOperators[Below(kOperators.size())];
    return strings_[Below(strings_.size())];
  }

  void ChangeSingle(Message& m, const FieldDescriptor& f) {
    const Reflection& r = *m.GetReflection();
    if (Below(8) == 0) return r.ClearField(&m, &f);
    switch (f.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return r.SetInt32(&m, &f, static_cast<int32_t>(Integer(r.GetInt32(m, &f))));
      case FieldDescriptor::CPPTYPE_INT64:
        return r.SetInt64(&m, &f, Integer(r.GetInt64(m, &f)));
      case FieldDescriptor::CPPTYPE_UINT64:
        return r.SetUInt64(&m, &f, static_cast<uint64_t>(Integer(1)));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return r.SetFloat(&m, &f, kFloats[Below(kFloats.size())]);
      case FieldDescriptor::CPPTYPE_ENUM:
        return r.SetEnumValue(
            &m, &f,
            f.enum_type()->value(static_cast<int>(Below(f.enum_type()->value_count())))->number());
      case FieldDescriptor::CPPTYPE_STRING:
        return r.SetString(&m, &f, Text());
      default:
        return;  // a message: its own fields are sites
    }
  }

  void ChangeRepeated(const Site& site) {
    Message& m = *site.message;
    const FieldDescriptor& f = *site.field;
    const Reflection& r = *m.GetReflection();
    const int size = r.FieldSize(m, &f), last = size - 1;
    const int at = static_cast<int>(Below(static_cast<size_t>(size)));
    switch (Below(4)) {
      case 0:
        r.SwapElements(&m, &f, at, last);
        return r.RemoveLast(&m, &f);
      case 1:
        return r.SwapElements(&m, &f, at, static_cast<int>(Below(static_cast<size_t>(size))));
      default:
        break;
    }
    switch (f.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return r.SetRepeatedInt32(&m, &f, at,
                                  static_cast<int32_t>(Integer(r.GetRepeatedInt32(m, &f, at))));
      case FieldDescriptor::CPPTYPE_INT64:
        if (Below(3) == 0) return r.AddInt64(&m, &f, Integer(1));
        return r.SetRepeatedInt64(&m, &f, at, Integer(r.GetRepeatedInt64(m, &f, at)));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return r.SetRepeatedFloat(&m, &f, at, kFloats[Below(kFloats.size())]);
      case FieldDescriptor::CPPTYPE_STRING:
        if (Below(3) == 0) return r.AddString(&m, &f, Text());
        return r.SetRepeatedString(&m, &f, at, Text());
      case FieldDescriptor::CPPTYPE_MESSAGE:
        // Twice the same: nodes and attributes.
        return r.AddMessage(&m, &f)->CopyFrom(r.GetRepeatedMessage(m, &f, at));
      default:
        return;
    }
  }

  std::minstd_rand random_;
  std::vector<Site> sites_;
  std::vector<std::string> strings_;
};

}  // namespace

void Mutate(onnx::ModelProto& model, uint32_t seed) { Mutator(seed).Run(model); }

}  // namespace nibble::fuzz
