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
    for (const auto& node : graph_.node()) values_[node.output(0)] = Evaluate(node);
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

  Value Matrix(const onnx::NodeProto& n) const {
    const Value &x = In(n, 0), &w = In(n, 1);
    const bool transposed = Int(n, "transB", 0) != 0;
    const int64_t outs = w.dims[transposed ? 0 : 1], ins = w.dims[transposed ? 1 : 0];
    Value y{{1, outs}, {}};
    for (int64_t o = 0; o < outs; ++o) {
      double sum = 0;
      for (int64_t i = 0; i < ins; ++i) {
        sum += x.data[i] * w.data[transposed ? o * ins + i : i * outs + o];
      }
      sum *= Float(n, "alpha", 1);
      if (Has(n, 2)) {
        const auto& c = In(n, 2).data;
        sum += Float(n, "beta", 1) * c[c.size() == 1 ? 0 : o];
      }
      y.data.push_back(sum);
    }
    return y;
  }

  // Equal shapes, or one value per channel on one side.
  Value Add(const onnx::NodeProto& n) const {
    const bool swapped = In(n, 0).data.size() < In(n, 1).data.size();
    Value y = In(n, swapped ? 1 : 0);
    const Value& b = In(n, swapped ? 0 : 1);
    const size_t repeat = y.data.size() / b.data.size();
    for (size_t i = 0; i < y.data.size(); ++i) y.data[i] += b.data[i / repeat];
    return y;
  }

  Value Pool(const onnx::NodeProto& n) const {
    const Value& x = In(n, 0);
    const auto plane = static_cast<size_t>(x.dims[2] * x.dims[3]);
    Value y{{1, x.dims[1], 1, 1}, std::vector<double>(x.data.size() / plane)};
    for (size_t i = 0; i < x.data.size(); ++i) {
      y.data[i / plane] += x.data[i] / static_cast<double>(plane);
    }
    return y;
  }

  Value Evaluate(const onnx::NodeProto& n) const {
    const std::string& op = n.op_type();
    if (op == "Constant") return FromTensor(n.attribute(0).t());
    if (op == "Conv") return Conv(n);
    if (op == "BatchNormalization") return BatchNorm(n);
    if (op == "Gemm" || op == "MatMul") return Matrix(n);
    if (op == "Add") return Add(n);
    if (op == "GlobalAveragePool" || op == "ReduceMean") return Pool(n);
    if (op == "Identity" || op == "Dropout" || op == "Flatten" || op == "Reshape" ||
        op == "Squeeze") {
      return In(n, 0);
    }
    if (op != "Relu" && op != "Clip") throw std::runtime_error("cannot evaluate " + op);
    Value y = In(n, 0);
    for (double& v : y.data) {
      if (op == "Relu") v = std::max(v, 0.0);
      if (op == "Clip" && Has(n, 1)) v = std::max(v, In(n, 1).data[0]);
      if (op == "Clip" && Has(n, 2)) v = std::min(v, In(n, 2).data[0]);
    }
    return y;
  }

  const onnx::GraphProto& graph_;
  std::map<std::string, Value> values_;
};

}  // namespace

std::vector<double> EvaluateOnnx(const onnx::ModelProto& model, const std::vector<double>& input) {
  return Evaluator(model, input).Run();
}

}  // namespace nibble::test
