#include "tests/compiler/onnx_evaluator.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "tests/compiler/onnx_shape_operators.h"

namespace nibble::test {
namespace {

class Evaluator : public ShapeOperators {
 public:
  using ShapeOperators::ShapeOperators;

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
};

}  // namespace

std::vector<double> EvaluateOnnx(const onnx::ModelProto& model, const std::vector<double>& input) {
  return Evaluator(model, input).Run();
}

}  // namespace nibble::test
