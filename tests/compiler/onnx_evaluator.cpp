#include "tests/compiler/onnx_evaluator.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <string>

namespace nibble::test {
namespace {

struct Value {
  std::vector<int64_t> dims;
  std::vector<double> data;
};

Value FromTensor(const onnx::TensorProto& t) {
  Value v;
  v.dims.assign(t.dims().begin(), t.dims().end());
  v.data.assign(t.float_data().begin(), t.float_data().end());
  v.data.insert(v.data.end(), t.int64_data().begin(), t.int64_data().end());
  return v;
}

class Evaluator {
 public:
  Evaluator(const onnx::ModelProto& model, const std::vector<double>& input)
      : graph_(model.graph()) {
    for (const auto& t : graph_.initializer()) values_[t.name()] = FromTensor(t);
    Value& x = values_[graph_.input(0).name()];
    for (const auto& d : graph_.input(0).type().tensor_type().shape().dim()) {
      x.dims.push_back(d.dim_value() > 0 ? d.dim_value() : 1);
    }
    x.data = input;
  }

  std::vector<double> Run() {
    for (const auto& node : graph_.node()) {
      if (node.op_type() == "Split") {
        Split(node);
      } else {
        values_[node.output(0)] = Evaluate(node);
      }
    }
    return values_.at(graph_.output(0).name()).data;
  }

 private:
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

  Value Conv(const onnx::NodeProto& n) const {
    const Value &x = In(n, 0), &w = In(n, 1);
    const auto strides = Ints(n, "strides", {1, 1}), dilations = Ints(n, "dilations", {1, 1});
    auto pads = Ints(n, "pads", {0, 0, 0, 0});
    const int64_t group = Int(n, "group", 1), outs = w.dims[0], ins = w.dims[1];
    const auto* auto_pad = Find(n, "auto_pad");
    int64_t size[2];
    for (int d = 0; d < 2; ++d) {
      const int64_t extent = dilations[d] * (w.dims[2 + d] - 1) + 1, in = x.dims[2 + d];
      if (auto_pad != nullptr && auto_pad->s().rfind("SAME", 0) == 0) {
        size[d] = (in + strides[d] - 1) / strides[d];
        const int64_t total = std::max<int64_t>(0, (size[d] - 1) * strides[d] + extent - in);
        pads[d] = auto_pad->s() == "SAME_UPPER" ? total / 2 : total - total / 2;
      } else {
        size[d] = (in + pads[d] + pads[2 + d] - extent) / strides[d] + 1;
      }
    }
    Value y{{1, outs, size[0], size[1]}, {}};
    for (int64_t o = 0; o < outs; ++o) {
      for (int64_t oy = 0; oy < size[0]; ++oy) {
        for (int64_t ox = 0; ox < size[1]; ++ox) {
          double sum = Has(n, 2) ? In(n, 2).data[o] : 0;
          for (int64_t c = 0; c < ins; ++c) {
            for (int64_t ky = 0; ky < w.dims[2]; ++ky) {
              for (int64_t kx = 0; kx < w.dims[3]; ++kx) {
                const int64_t iy = oy * strides[0] + ky * dilations[0] - pads[0];
                const int64_t ix = ox * strides[1] + kx * dilations[1] - pads[1];
                if (iy < 0 || iy >= x.dims[2] || ix < 0 || ix >= x.dims[3]) continue;
                const int64_t channel = o / (outs / group) * ins + c;
                sum += x.data[(channel * x.dims[2] + iy) * x.dims[3] + ix] *
                       w.data[((o * ins + c) * w.dims[2] + ky) * w.dims[3] + kx];
              }
            }
          }
          y.data.push_back(sum);
        }
      }
    }
    return y;
  }

  Value BatchNorm(const onnx::NodeProto& n) const {
    Value y = In(n, 0);
    const auto plane = static_cast<size_t>(y.dims[2] * y.dims[3]);
    const double epsilon = Float(n, "epsilon", 1e-5);
    for (size_t i = 0; i < y.data.size(); ++i) {
      const size_t c = i / plane;
      y.data[i] = In(n, 1).data[c] * (y.data[i] - In(n, 3).data[c]) /
                      std::sqrt(In(n, 4).data[c] + epsilon) +
                  In(n, 2).data[c];
    }
    return y;
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

  // Gemm of a vector or of rows.
  Value Gemm(const onnx::NodeProto& n) const {
    const Value &x = In(n, 0), &w = In(n, 1);
    const bool transposed = Int(n, "transB", 0) != 0;
    const int64_t outs = w.dims[transposed ? 0 : 1], ins = w.dims[transposed ? 1 : 0];
    return Make({x.dims[0], outs}, [&](const std::vector<int64_t>& index) {
      const int64_t o = index[1];
      double sum = 0;
      for (int64_t i = 0; i < ins; ++i) {
        sum += x.data[index[0] * ins + i] * w.data[transposed ? o * ins + i : i * outs + o];
      }
      sum *= Float(n, "alpha", 1);
      if (!Has(n, 2)) return sum;
      const auto& c = In(n, 2).data;
      return sum + Float(n, "beta", 1) * c[c.size() == 1 ? 0 : o];
    });
  }

  // Matrices in the last two axes, the others broadcast.
  Value MatMul(const onnx::NodeProto& n) const {
    const Value &a = In(n, 0), &b = In(n, 1);
    std::vector<int64_t> dims(std::max(a.dims.size(), b.dims.size()), 1);
    for (const Value* v : {&a, &b}) {
      for (size_t d = 0; d + 2 < v->dims.size(); ++d) {
        int64_t& to = dims[dims.size() - v->dims.size() + d];
        to = std::max(to, v->dims[d]);
      }
    }
    const size_t row = dims.size() - 2, column = dims.size() - 1;
    dims[row] = a.dims[a.dims.size() - 2];
    dims[column] = b.dims.back();
    return Make(dims, [&](const std::vector<int64_t>& index) {
      std::vector<int64_t> left = index, right = index;
      double sum = 0;
      for (int64_t k = 0; k < a.dims.back(); ++k) {
        left[column] = right[row] = k;
        sum += a.data[Broadcast(a, left)] * b.data[Broadcast(b, right)];
      }
      return sum;
    });
  }

  // Along the last axis.
  Value Softmax(const onnx::NodeProto& n) const {
    Value y = In(n, 0);
    const auto length = static_cast<size_t>(y.dims.back());
    for (size_t row = 0; row < y.data.size(); row += length) {
      double sum = 0;
      for (size_t i = row; i < row + length; ++i) sum += y.data[i] = std::exp(y.data[i]);
      for (size_t i = row; i < row + length; ++i) y.data[i] /= sum;
    }
    return y;
  }
  Value LayerNorm(const onnx::NodeProto& n) const {
    Value y = In(n, 0);
    const auto length = static_cast<size_t>(y.dims.back());
    for (size_t row = 0; row < y.data.size(); row += length) {
      double mean = 0, square = 0;
      for (size_t i = row; i < row + length; ++i) mean += y.data[i] / static_cast<double>(length);
      for (size_t i = row; i < row + length; ++i) {
        square += (y.data[i] - mean) * (y.data[i] - mean) / static_cast<double>(length);
      }
      for (size_t i = row; i < row + length; ++i) {
        y.data[i] = (y.data[i] - mean) / std::sqrt(square + Float(n, "epsilon", 1e-5)) *
                        In(n, 1).data[i - row] +
                    (Has(n, 2) ? In(n, 2).data[i - row] : 0);
      }
    }
    return y;
  }

  Value Arithmetic(const onnx::NodeProto& n) const {
    const Value &a = In(n, 0), &b = In(n, 1);
    std::vector<int64_t> dims(std::max(a.dims.size(), b.dims.size()), 1);
    for (const Value* v : {&a, &b}) {
      for (size_t d = 0; d < v->dims.size(); ++d) {
        int64_t& to = dims[dims.size() - v->dims.size() + d];
        to = std::max(to, v->dims[d]);
      }
    }
    return Make(dims, [&](const std::vector<int64_t>& index) {
      const double x = a.data[Broadcast(a, index)], y = b.data[Broadcast(b, index)];
      if (n.op_type() == "Add") return x + y;
      if (n.op_type() == "Sub") return x - y;
      if (n.op_type() == "Pow") return std::pow(x, y);
      if (n.op_type() == "Equal") return x == y ? 1.0 : 0.0;
      return n.op_type() == "Mul" ? x * y : x / y;
    });
  }

  // Expand, and Where, all inputs of which have the same dimensions.
  Value Broadcasting(const onnx::NodeProto& n) const {
    if (n.op_type() == "Where") {
      Value y = In(n, 1);
      for (size_t i = 0; i < y.data.size(); ++i) {
        if (In(n, 0).data[i] == 0) y.data[i] = In(n, 2).data[i];
      }
      return y;
    }
    const Value& x = In(n, 0);
    std::vector<int64_t> dims(In(n, 1).data.begin(), In(n, 1).data.end());
    for (size_t d = 0; d < x.dims.size(); ++d) {
      int64_t& to = dims[dims.size() - x.dims.size() + d];
      to = std::max(to, x.dims[d]);
    }
    return Make(dims,
                [&](const std::vector<int64_t>& index) { return x.data[Broadcast(x, index)]; });
  }

  Value WindowPool(const onnx::NodeProto& n) const {
    const Value& x = In(n, 0);
    const auto kernel = Ints(n, "kernel_shape", {}), strides = Ints(n, "strides", {1, 1});
    const auto pads = Ints(n, "pads", {0, 0, 0, 0});
    const bool mean = n.op_type() == "AveragePool", all = Int(n, "count_include_pad", 0) != 0;
    int64_t size[2];
    for (int d = 0; d < 2; ++d) {
      const int64_t room = x.dims[2 + d] + pads[d] + pads[2 + d] - kernel[d];
      size[d] = (room + (Int(n, "ceil_mode", 0) != 0 ? strides[d] - 1 : 0)) / strides[d] + 1;
    }
    return Make({1, x.dims[1], size[0], size[1]}, [&](const std::vector<int64_t>& i) {
      double sum = 0, largest = -1e30, taps = 0;
      for (int64_t ky = 0; ky < kernel[0]; ++ky) {
        for (int64_t kx = 0; kx < kernel[1]; ++kx) {
          const int64_t iy = i[2] * strides[0] + ky - pads[0],
                        ix = i[3] * strides[1] + kx - pads[1];
          if (iy < 0 || iy >= x.dims[2] || ix < 0 || ix >= x.dims[3]) continue;
          const double v = x.data[(i[1] * x.dims[2] + iy) * x.dims[3] + ix];
          sum += v;
          largest = std::max(largest, v);
          ++taps;
        }
      }
      return mean ? sum / (all ? static_cast<double>(kernel[0] * kernel[1]) : taps) : largest;
    });
  }

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

  Value Pool(const onnx::NodeProto& n) const {
    const Value& x = In(n, 0);
    const auto plane = static_cast<size_t>(x.dims[2] * x.dims[3]);
    Value y{{1, x.dims[1]}, std::vector<double>(x.data.size() / plane)};
    if (Int(n, "keepdims", 1) != 0) y.dims = {1, x.dims[1], 1, 1};
    for (size_t i = 0; i < x.data.size(); ++i) {
      y.data[i / plane] += x.data[i] / static_cast<double>(plane);
    }
    return y;
  }

  // Along one axis of the last two.
  Value Mean(const onnx::NodeProto& n) const {
    const Value& x = In(n, 0);
    const auto axes = Ints(n, "axes", {});
    if (axes.size() != 1) return Pool(n);
    const auto rank = static_cast<int64_t>(x.dims.size());
    const auto axis = static_cast<size_t>(axes[0] < 0 ? axes[0] + rank : axes[0]);
    const int64_t length = x.dims[axis];
    std::vector<int64_t> dims = x.dims;
    dims[axis] = 1;
    Value y = Make(dims, [&](std::vector<int64_t> index) {
      double sum = 0;
      for (index[axis] = 0; index[axis] < length; ++index[axis]) {
        sum += x.data[Broadcast(x, index)] / static_cast<double>(length);
      }
      return sum;
    });
    if (Int(n, "keepdims", 1) == 0) y.dims.erase(y.dims.begin() + static_cast<int64_t>(axis));
    return y;
  }

  Value Evaluate(const onnx::NodeProto& n) const {
    const std::string& op = n.op_type();
    if (op == "Constant") return FromTensor(n.attribute(0).t());
    if (op == "Conv") return Conv(n);
    if (op == "BatchNormalization") return BatchNorm(n);
    if (op == "Gemm") return Gemm(n);
    if (op == "MatMul") return MatMul(n);
    if (op == "Softmax") return Softmax(n);
    if (op == "LayerNormalization") return LayerNorm(n);
    if (op == "Add" || op == "Sub" || op == "Mul" || op == "Div" || op == "Pow" || op == "Equal") {
      return Arithmetic(n);
    }
    if (op == "Where" || op == "Expand") return Broadcasting(n);
    if (op == "ConstantOfShape") {
      const Value shape = In(n, 0);
      return Make({shape.data.begin(), shape.data.end()}, [&](const std::vector<int64_t>&) {
        return FromTensor(n.attribute(0).t()).data[0];
      });
    }
    if (op == "GlobalAveragePool") return Pool(n);
    if (op == "ReduceMean") return Mean(n);
    if (op == "MaxPool" || op == "AveragePool") return WindowPool(n);
    if (op == "Concat") return Concat(n);
    if (op == "Slice") return Slice(n);
    if (op == "Transpose") return Transpose(n);
    if (op == "Gather") return Gather(n);
    if (op == "Flatten" || op == "Reshape" || op == "Squeeze" || op == "Unsqueeze") {
      return Reshape(n);
    }
    if (op == "Shape") {
      const std::vector<int64_t>& dims = In(n, 0).dims;
      return {{static_cast<int64_t>(dims.size())}, {dims.begin(), dims.end()}};
    }
    Value y = In(n, 0);
    if (op == "Identity" || op == "Dropout" || op == "Cast") return y;
    for (double& v : y.data) v = Activation(n, v);
    return y;
  }

  double Activation(const onnx::NodeProto& n, double v) const {
    const std::string& op = n.op_type();
    const auto clamp = [](double x) { return std::min(std::max(x, 0.0), 1.0); };
    if (op == "Erf") return std::erf(v);
    if (op == "Sqrt") return std::sqrt(v);
    if (op == "Relu") return std::max(v, 0.0);
    if (op == "Sigmoid") return 1 / (1 + std::exp(-v));
    if (op == "HardSigmoid") return clamp(Float(n, "alpha", 0.2) * v + Float(n, "beta", 0.5));
    if (op == "HardSwish") return v * clamp(v / 6 + 0.5);
    if (op != "Clip") throw std::runtime_error("cannot evaluate " + op);
    if (Has(n, 1)) v = std::max(v, In(n, 1).data[0]);
    return Has(n, 2) ? std::min(v, In(n, 2).data[0]) : v;
  }

  const onnx::GraphProto& graph_;
  std::map<std::string, Value> values_;
};

}  // namespace

std::vector<double> EvaluateOnnx(const onnx::ModelProto& model, const std::vector<double>& input) {
  return Evaluator(model, input).Run();
}

}  // namespace nibble::test
