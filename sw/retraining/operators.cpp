#include "sw/retraining/operators.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <cstring>

#include "sw/retraining/depthwise.h"
#include "sw/retraining/epilogue.h"

namespace nibble::retraining {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;
using Optional = c10::optional<Tensor>;
Optional IfDefined(const Tensor& x) { return x.defined() ? Optional(x) : Optional(); }

struct FinishFunction : torch::autograd::Function<FinishFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x_in, const Optional& bias_in,
                        const Optional& residual_in, const Optional& range_in,
                        const Epilogue* epilogue) {
    const Tensor x = x_in.contiguous();
    const Tensor bias = bias_in ? bias_in->contiguous() : Tensor();
    const Tensor residual = residual_in ? residual_in->contiguous() : Tensor();
    const Tensor range = range_in ? *range_in : Tensor();
    const auto images = static_cast<size_t>(x.size(0));
    const auto channels = static_cast<size_t>(x.size(3));
    const auto elements = static_cast<size_t>(x.numel()) / images;
    const bool wanted = x_in.requires_grad() || (bias_in && bias_in->requires_grad()) ||
                        (residual_in && residual_in->requires_grad());
    const bool clip = IsClip(epilogue->activation);
    const bool steps = wanted && range.defined() && epilogue->stored->range_sets_step();
    Tensor y = at::empty_like(x);
    Tensor flags = at::empty(x.sizes(), at::kByte);
    Tensor derivative = clip || !wanted ? Tensor() : at::empty_like(x);
    Tensor error = steps ? at::empty_like(x) : Tensor();
    std::vector<uint8_t> live(elements);
    size_t saturated = 0;
    for (size_t n = 0; n < images; ++n) {
      const size_t at = n * elements;
      float* out = y.data_ptr<float>() + at;
      uint8_t* flag = flags.data_ptr<uint8_t>() + at;
      RunEpilogue(epilogue->activation,
                  {x.data_ptr<float>() + at, bias.defined() ? bias.data_ptr<float>() : nullptr,
                   residual.defined() ? residual.data_ptr<float>() + at : nullptr,
                   elements / channels, channels},
                  out, wanted ? flag : nullptr,
                  derivative.defined() ? derivative.data_ptr<float>() + at : nullptr);
      if (epilogue->stored == nullptr) continue;
      float* before = steps ? error.data_ptr<float>() + at : nullptr;
      if (steps) std::copy(out, out + elements, before);
      saturated += epilogue->stored->Quantise(out, out, live.data());
      for (size_t i = 0; wanted && i < elements; ++i) flag[i] |= live[i];
      for (size_t i = 0; steps && i < elements; ++i) before[i] = out[i] - before[i];
    }
    ctx->saved_data["clip"] = clip;
    ctx->saved_data["slope_one"] = epilogue->activation.kind == trace::Activation::Kind::kNone;
    ctx->saved_data["all_live"] = saturated == 0;
    ctx->saved_data["bias"] = bias.defined();
    ctx->saved_data["residual"] = residual.defined();
    const bool keep_y = range.defined() && saturated > 0;
    ctx->save_for_backward({flags, derivative, keep_y ? y : Tensor(), error, range});
    return y;
  }

  static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &flags = saved[0], &derivative = saved[1], &y = saved[2], &error = saved[3],
                 &range = saved[4];
    const Tensor grad = grads[0].contiguous();
    const auto count = static_cast<size_t>(grad.numel());
    const uint8_t* flag = flags.data_ptr<uint8_t>();
    const auto keep = [&](const Tensor& x, uint8_t bit) {
      Tensor kept = at::empty_like(x);
      KeepWhere(flag, bit, x.data_ptr<float>(), count, kept.data_ptr<float>());
      return kept;
    };

    Tensor of_range;
    if (range.defined()) {
      const auto sum = [&](const Tensor& x, bool live) {
        return x.defined()
                   ? SumWhere(flag, live, grad.data_ptr<float>(), x.data_ptr<float>(), count)
                   : 0.0;
      };
      const double amax = range.item<double>();
      of_range =
          at::full({1}, amax > 0 ? (sum(y, false) + sum(error, true)) / amax : 0.0, grad.options());
    }
    const Tensor live = ctx->saved_data["all_live"].toBool() ? grad : keep(grad, kLive);
    Tensor of_x = live;
    if (!ctx->saved_data["clip"].toBool()) {
      of_x = live * derivative;
    } else if (!ctx->saved_data["slope_one"].toBool()) {
      of_x = keep(live, kSlope);
    }
    const Tensor of_bias =
        ctx->saved_data["bias"].toBool() ? of_x.view({-1, of_x.size(3)}).sum(0) : Tensor();
    const Tensor of_residual = ctx->saved_data["residual"].toBool() ? live : Tensor();
    return {of_x, of_bias, of_residual, of_range, Tensor()};
  }
};

struct DepthwiseFunction : torch::autograd::Function<DepthwiseFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x_in, const Tensor& weights,
                        const DepthwiseShape& shape_in) {
    const Tensor x = x_in.contiguous();
    const Tensor taps = weights.t().contiguous();  // [tap][channel]
    auto shape = shape_in;
    shape.images = static_cast<int>(x.size(0));
    Tensor y =
        at::empty({x.size(0), shape.out_height, shape.out_width, shape.channels}, x.options());
    DepthwiseForward(shape, x.data_ptr<float>(), taps.data_ptr<float>(), y.data_ptr<float>());
    ctx->save_for_backward({x, taps});
    ctx->saved_data["shape"] = std::string(reinterpret_cast<const char*>(&shape), sizeof shape);
    return y;
  }

  static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
    const auto saved = ctx->get_saved_variables();
    DepthwiseShape shape;
    const std::string bytes = ctx->saved_data["shape"].toStringRef();
    std::memcpy(&shape, bytes.data(), sizeof shape);
    const Tensor g = grads[0].contiguous();
    Tensor of_x = at::zeros_like(saved[0]), of_taps = at::zeros_like(saved[1]);
    DepthwiseBackward(shape, saved[0].data_ptr<float>(), saved[1].data_ptr<float>(),
                      g.data_ptr<float>(), of_x.data_ptr<float>(), of_taps.data_ptr<float>());
    return {of_x, of_taps.t(), Tensor()};
  }
};

// NCHW in name, NHWC in memory, and back.
Tensor ChannelsFirst(const Tensor& x) { return x.permute({0, 3, 1, 2}); }
Tensor ChannelsLast(const Tensor& x) { return x.permute({0, 2, 3, 1}).contiguous(); }

Tensor Padded(const trace::Layer& l, const Tensor& x, float value) {
  if (l.pad_top == 0 && l.pad_left == 0 && l.pad_bottom == 0 && l.pad_right == 0) return x;
  return at::constant_pad_nd(x, {0, 0, l.pad_left, l.pad_right, l.pad_top, l.pad_bottom}, value);
}

}  // namespace

Tensor Finish(const Tensor& x, const Tensor& bias, const Tensor& residual, const Tensor& range,
              const Epilogue& epilogue) {
  const bool has_range = epilogue.stored && epilogue.stored->has_range();
  return FinishFunction::apply(x, IfDefined(bias), IfDefined(residual),
                               has_range ? IfDefined(range) : Optional(), &epilogue);
}

Tensor Products(const trace::Layer& l, const Tensor& x, const Tensor& weights) {
  if (l.op == trace::Op::kDepthwiseConv) {
    DepthwiseShape shape;
    shape.height = static_cast<int>(x.size(1));
    shape.width = static_cast<int>(x.size(2));
    shape.channels = static_cast<int>(x.size(3));
    shape.out_height = trace::ConvOutputLength(shape.height, l.kernel_h, l.stride_h, l.dilation_h,
                                               l.pad_top, l.pad_bottom);
    shape.out_width = trace::ConvOutputLength(shape.width, l.kernel_w, l.stride_w, l.dilation_w,
                                              l.pad_left, l.pad_right);
    shape.kernel_h = l.kernel_h;
    shape.kernel_w = l.kernel_w;
    shape.stride_h = l.stride_h;
    shape.stride_w = l.stride_w;
    shape.dilation_h = l.dilation_h;
    shape.dilation_w = l.dilation_w;
    shape.pad_top = l.pad_top;
    shape.pad_left = l.pad_left;
    return DepthwiseFunction::apply(x, weights, shape);
  }
  const bool pointwise = l.kernel_h == 1 && l.kernel_w == 1 && l.stride_h == 1 && l.stride_w == 1 &&
                         l.groups == 1 && l.pad_top == 0 && l.pad_left == 0 && l.pad_bottom == 0 &&
                         l.pad_right == 0;
  if (pointwise) {
    const int64_t in = x.size(3), out = weights.size(0);
    const Tensor rows = x.contiguous().view({-1, in});
    return rows.mm(weights.view({out, in}).t()).view({x.size(0), x.size(1), x.size(2), out});
  }
  const std::vector<int64_t> stride = {l.stride_h, l.stride_w}, no_padding = {0, 0},
                             dilation = {l.dilation_h, l.dilation_w};
  return ChannelsLast(at::conv2d(ChannelsFirst(Padded(l, x, 0.0f)), weights.permute({0, 3, 1, 2}),
                                 {}, stride, no_padding, dilation, l.groups));
}

Tensor MaxPool(const trace::Layer& l, const Tensor& x) {
  const Tensor padded = Padded(l, x, -INFINITY);
  return ChannelsLast(at::max_pool2d(ChannelsFirst(padded), {l.kernel_h, l.kernel_w},
                                     {l.stride_h, l.stride_w}, 0, {l.dilation_h, l.dilation_w}));
}

Tensor AveragePool(const trace::Layer& l, const Tensor& x) {
  const auto sums = [&](const Tensor& of) {
    return at::avg_pool2d(ChannelsFirst(Padded(l, of, 0.0f)), {l.kernel_h, l.kernel_w},
                          {l.stride_h, l.stride_w}, 0, false, true, 1);
  };
  const Tensor y = sums(x);
  if (l.count_padding) return ChannelsLast(y / (l.kernel_h * l.kernel_w));
  const Tensor places = sums(at::ones({1, x.size(1), x.size(2), 1}, x.options()));
  return ChannelsLast(y / places);
}

}  // namespace nibble::retraining
