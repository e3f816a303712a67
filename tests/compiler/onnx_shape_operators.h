// What EvaluateOnnx() knows of nodes and their values, and the operators that only move elements.
#pragma once

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace nibble::test {

struct Value {
  std::vector<int64_t> dims;
  std::vector<double> data;
};

inline Value FromTensor(const onnx::TensorProto& t) {
  Value v;
  v.dims.assign(t.dims().begin(), t.dims().end());
  v.data.assign(t.float_data().begin(), t.float_data().end());
  v.data.insert(v.data.end(), t.int64_data().begin(), t.int64_data().end());
  return v;
}

class Nodes {
 public:
  Nodes(const onnx::ModelProto& model, const std::vector<double>& input) : graph_(model.graph()) {
    for (const auto& t : graph_.initializer()) values_[t.name()] = FromTensor(t);
    Value& x = values_[graph_.input(0).name()];
    for (const auto& d : graph_.input(0).type().tensor_type().shape().dim()) {
      x.dims.push_back(d.dim_value() > 0 ? d.dim_value() : 1);
    }
    x.data = input;
  }

 protected:
  const Value& In(const onnx::NodeProto& n, int i) const { return values_.at(n.input(i)); }
  static bool Has(const onnx::NodeProto& n, int i) {
    return i < n.input_size() && !n.input(i).empty();
  }
  static const onnx::AttributeProto* Find(const onnx::NodeProto& n, const std::string& name) {
    for (const auto& a : n.attribute()) {
      if (a.name() == name) return &a;
    }
    return nullptr;
  }
  static std::vector<int64_t> Ints(const onnx::NodeProto& n, const std::string& name,
                                   std::vector<int64_t> otherwise) {
    const auto* a = Find(n, name);
    return a == nullptr ? otherwise : std::vector<int64_t>(a->ints().begin(), a->ints().end());
  }
  static int64_t Int(const onnx::NodeProto& n, const std::string& name, int64_t otherwise) {
    const auto* a = Find(n, name);
    return a == nullptr ? otherwise : a->i();
  }
  static double Float(const onnx::NodeProto& n, const std::string& name, double otherwise) {
    const auto* a = Find(n, name);
    return a == nullptr ? otherwise : a->f();
  }

  static int64_t Count(const std::vector<int64_t>& dims) {
    int64_t count = 1;
    for (const int64_t d : dims) count *= d;
    return count;
  }
  // The place of an element of `v` for the index of an element of a result that it is broadcast to.
  static size_t Broadcast(const Value& v, const std::vector<int64_t>& index) {
    int64_t at = 0;
    for (size_t d = 0; d < v.dims.size(); ++d) {
      at = at * v.dims[d] + (v.dims[d] == 1 ? 0 : index[index.size() - v.dims.size() + d]);
    }
    return static_cast<size_t>(at);
  }
  // element(index) for every index of an array.
  template <typename Element>
  static Value Make(std::vector<int64_t> dims, Element element) {
    Value v{std::move(dims), {}};
    std::vector<int64_t> index(v.dims.size());
    for (int64_t i = 0; i < Count(v.dims); ++i) {
      int64_t rest = i;
      for (size_t d = v.dims.size(); d-- > 0; rest /= v.dims[d]) index[d] = rest % v.dims[d];
      v.data.push_back(element(index));
    }
    return v;
  }

  const onnx::GraphProto& graph_;
  std::map<std::string, Value> values_;
};

class ShapeOperators : public Nodes {
 public:
  using Nodes::Nodes;

 protected:
  size_t Axis(const onnx::NodeProto& n) const {
    const int64_t axis = Int(n, "axis", 0);
    return static_cast<size_t>(axis < 0 ? axis + static_cast<int64_t>(In(n, 0).dims.size()) : axis);
  }
  // Of input `i`, or of an attribute before opset 13.
  std::vector<int64_t> IntsOf(const onnx::NodeProto& n, int i, const std::string& name) const {
    if (!Has(n, i)) return Ints(n, name, {});
    return {In(n, i).data.begin(), In(n, i).data.end()};
  }

  Value Concat(const onnx::NodeProto& n) const {
    const size_t axis = Axis(n);
    std::vector<int64_t> dims = In(n, 0).dims;
    for (int i = 1; i < n.input_size(); ++i) dims[axis] += In(n, i).dims[axis];
    return Make(dims, [&](std::vector<int64_t> index) {
      int i = 0;
      while (index[axis] >= In(n, i).dims[axis]) index[axis] -= In(n, i++).dims[axis];
      return In(n, i).data[Broadcast(In(n, i), index)];
    });
  }

  static Value Part(const Value& x, size_t axis, int64_t first, int64_t count) {
    std::vector<int64_t> dims = x.dims;
    dims[axis] = count;
    return Make(dims, [&](std::vector<int64_t> index) {
      index[axis] += first;
      int64_t at = 0;  // not broadcast
      for (size_t d = 0; d < index.size(); ++d) at = at * x.dims[d] + index[d];
      return x.data[static_cast<size_t>(at)];
    });
  }
  void Split(const onnx::NodeProto& n) {
    const size_t axis = Axis(n);
    const Value x = In(n, 0);
    int64_t first = 0;
    for (int i = 0; i < n.output_size(); ++i) {
      const std::vector<int64_t> lengths = IntsOf(n, 1, "split");
      const int64_t count = lengths.empty() ? x.dims[axis] / n.output_size() : lengths[i];
      values_[n.output(i)] = Part(x, axis, first, count);
      first += count;
    }
  }
  // One axis, step 1.
  Value Slice(const onnx::NodeProto& n) const {
    const Value& x = In(n, 0);
    const auto axis = static_cast<size_t>(In(n, 3).data[0]);
    const auto place = [&](double at) {
      const int64_t length = x.dims[axis];
      if (at > 1e15) return length;  // INT64_MAX, which a double does not hold
      const auto i = static_cast<int64_t>(at);
      return std::min(i < 0 ? i + length : i, length);
    };
    const int64_t first = place(In(n, 1).data[0]);
    return Part(x, axis, first, place(In(n, 2).data[0]) - first);
  }

  Value Transpose(const onnx::NodeProto& n) const {
    const Value& x = In(n, 0);
    const auto order = Ints(n, "perm", {});
    std::vector<int64_t> dims;
    for (const int64_t d : order) dims.push_back(x.dims[d]);
    return Make(dims, [&](const std::vector<int64_t>& index) {
      std::vector<int64_t> from(index.size());
      for (size_t d = 0; d < index.size(); ++d) from[order[d]] = index[d];
      return x.data[Broadcast(x, from)];
    });
  }

  Value Gather(const onnx::NodeProto& n) const {
    const Value &x = In(n, 0), &at = In(n, 1);
    const size_t axis = Axis(n);
    std::vector<int64_t> dims(x.dims.begin(), x.dims.begin() + static_cast<int64_t>(axis));
    dims.insert(dims.end(), at.dims.begin(), at.dims.end());
    dims.insert(dims.end(), x.dims.begin() + static_cast<int64_t>(axis) + 1, x.dims.end());
    return Make(dims, [&](const std::vector<int64_t>& index) {
      std::vector<int64_t> from = index;
      int64_t place = 0;  // in the indices
      for (size_t d = 0; d < at.dims.size(); ++d) place = place * at.dims[d] + index[axis + d];
      const auto begin = from.begin() + static_cast<int64_t>(axis);
      from.erase(begin, begin + static_cast<int64_t>(at.dims.size()));
      const auto i = static_cast<int64_t>(at.data[static_cast<size_t>(place)]);
      from.insert(from.begin() + static_cast<int64_t>(axis), i < 0 ? i + x.dims[axis] : i);
      return x.data[Broadcast(x, from)];
    });
  }

  Value Reshape(const onnx::NodeProto& n) const {
    Value y = In(n, 0);
    const std::string& op = n.op_type();
    if (op == "Flatten") {
      y.dims = {y.dims[0], Count(y.dims) / y.dims[0]};
    } else if (op == "Reshape") {
      const std::vector<int64_t> from = y.dims;
      y.dims.assign(In(n, 1).data.begin(), In(n, 1).data.end());
      int64_t known = 1;
      for (size_t d = 0; d < y.dims.size(); ++d) {
        if (y.dims[d] == 0) y.dims[d] = from[d];
        if (y.dims[d] > 0) known *= y.dims[d];
      }
      for (int64_t& d : y.dims) d = d < 0 ? Count(from) / known : d;
    } else {
      std::vector<int64_t> axes = IntsOf(n, 1, "axes");
      const auto rank = static_cast<int64_t>(y.dims.size() + (op == "Unsqueeze" ? axes.size() : 0));
      for (int64_t& a : axes) a += a < 0 ? rank : 0;
      std::vector<int64_t> dims;
      size_t next = 0;
      for (int64_t d = 0; d < rank; ++d) {
        const bool named = std::find(axes.begin(), axes.end(), d) != axes.end();
        if (op == "Unsqueeze") dims.push_back(named ? 1 : y.dims[next++]);
        if (op == "Squeeze" && !named) dims.push_back(y.dims[d]);
      }
      y.dims = dims;
    }
    return y;
  }
};

}  // namespace nibble::test
