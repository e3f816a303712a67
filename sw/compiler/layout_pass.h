// The state of pass "layout". Operators on maps are in layout.cpp, those on tokens in
// layout_tokens.cpp.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sw/compiler/element_order.h"
#include "sw/compiler/operators.h"

namespace nibble::compiler {

class LayoutPass {
 public:
  explicit LayoutPass(Graph& graph);
  void Run();

 private:
  // A value: the elements of tensor `base` in some order.
  struct Value {
    std::string base;
    ElementOrder order;
  };

  const trace::Shape& ShapeOf(const Value& v) const { return graph_.shapes.at(v.base); }
  // Of an input that is no constant.
  const Dims& DimsOf(const Operator& op, size_t i) const;
  bool InOrder(const Value& v) const { return v.order == ElementOrder::Identity(ShapeOf(v)); }
  // Of tokens: pixel by pixel.
  bool IsTokens(const Value& v) const { return v.order == ElementOrder::ChannelsLast(ShapeOf(v)); }
  bool IsConstant(const std::string& value) const { return graph_.constants.count(value) != 0; }
  const Value& ValueOf(const Operator& op, size_t i) const;
  // The first input that is no constant.
  size_t FirstValue(const Operator& op) const;
  // Whether value `i` is the whole map in its own shape: also as a vector, where it is one pixel.
  bool IsMap(const Operator& op, size_t i) const;

  // A new tensor, and the value that is the tensor, in the order of a map or another.
  void Place(const std::string& value, const trace::Shape& shape);
  void Place(const std::string& value, const trace::Shape& shape, const ElementOrder& order);
  // A constant as a tensor of the shape and order. Returns its name.
  std::string PlaceConstant(const std::string& value, const trace::Shape& shape,
                            const ElementOrder& order);
  // Appends the operator, its inputs by the names of their tensors.
  void Emit(Operator op, const trace::Shape& shape);
  void Emit(Operator op, const trace::Shape& shape, const ElementOrder& order);

  // layout.cpp
  void OfMaps(Operator op);
  void Reorder(const Operator& op, Value value);
  void Transpose(const Operator& op);
  void Elementwise(Operator op);
  void Broadcast(Operator op);
  void FullyConnected(Operator op);
  void FinishOutput();

  // layout_tokens.cpp. A value of several heads is one tensor, their channels side by side.
  struct Matrices {
    int64_t heads, channels;  // channels of a head
    bool transposed;          // rows are channels, and columns pixels
  };
  std::optional<Matrices> MatricesOf(const Value& value, const Dims& dims) const;
  void Concat(Operator op);
  void Stack(Operator op, size_t first);
  void Slice(Operator op);
  void LayerOfTokens(Operator op);
  void MeanOfTokens(Operator op);
  void RowFunction(const Operator& op);
  void MatMul(const Operator& op);
  // The tensor that holds channels [first, first + count) of tensor `base`: one that exists, or a
  // slice that is named as `op` is.
  std::string Channels(const std::string& base, int64_t first, int64_t count, Operator op);
  std::string Transposed(const std::string& base, Operator op);
  // `op` for one of several heads, its result under a name of its own.
  Operator ForHead(const Operator& op, const char* part, int64_t head) const;
  // The result of `op`, whose heads are `operands`.
  void Join(const Operator& op, const std::vector<std::string>& operands,
            const ElementOrder& order);

  Graph& graph_;
  std::map<std::string, Value> values_;
  // What slices and concatenations of channels among the tensors hold.
  struct Part {
    std::string base;
    int64_t first;
  };
  std::map<std::string, Part> slices_;
  std::map<std::string, std::vector<std::string>> concats_;
};

}  // namespace nibble::compiler
