// An ONNX graph without protobuf: what the reader hands to the passes. Identity, Dropout and
// Constant nodes are gone, and every constant is decoded.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sw/trace/network.h"

namespace nibble::compiler {

using Dims = std::vector<int64_t>;

struct Constant {
  Dims dims;
  std::vector<float> floats;  // FLOAT, FLOAT16 and DOUBLE tensors
  std::vector<int64_t> ints;  // INT64, INT32 and BOOL tensors
  bool is_float = true;

  size_t elements() const { return is_float ? floats.size() : ints.size(); }
};

struct Attribute {
  int64_t i = 0;
  float f = 0;
  std::string s;
  std::vector<int64_t> ints;
  std::optional<Constant> tensor;
};

struct OnnxNode {
  std::string name;                 // never empty: "Conv_12" where the file gives none
  std::string op;                   // "Conv"; with its domain in front where that is not ONNX's own
  std::vector<std::string> inputs;  // value names; "" for an absent optional input
  std::vector<std::string> outputs;  // at least one; "" for an absent optional one
  std::map<std::string, Attribute> attributes;

  int64_t Int(const std::string& key, int64_t otherwise) const {
    const auto it = attributes.find(key);
    return it == attributes.end() ? otherwise : it->second.i;
  }
  float Float(const std::string& key, float otherwise) const {
    const auto it = attributes.find(key);
    return it == attributes.end() ? otherwise : it->second.f;
  }
  std::string String(const std::string& key, const std::string& otherwise) const {
    const auto it = attributes.find(key);
    return it == attributes.end() ? otherwise : it->second.s;
  }
  std::vector<int64_t> Ints(const std::string& key, const std::vector<int64_t>& otherwise) const {
    const auto it = attributes.find(key);
    return it == attributes.end() ? otherwise : it->second.ints;
  }
  bool HasInput(size_t i) const { return i < inputs.size() && !inputs[i].empty(); }
};

struct OnnxGraph {
  std::string name;
  std::string input, output;  // value names
  trace::Shape input_shape;
  std::vector<OnnxNode> nodes;  // each after those that it reads from
  std::map<std::string, Constant> constants;
  std::map<std::string, Dims> dims;  // of values that are no constants, as far as they are known

  const Constant* Find(const std::string& value) const {
    const auto it = constants.find(value);
    return it == constants.end() ? nullptr : &it->second;
  }
};

// Throws trace::FileError without the path, which the caller adds.
OnnxGraph ReadOnnx(const std::string& path);

}  // namespace nibble::compiler
