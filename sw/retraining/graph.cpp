#include "sw/retraining/graph.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "sw/golden/golden.h"
#include "sw/trace/file.h"

namespace nibble::retraining {
namespace {

using torch::Tensor;
using trace::Op;

size_t Index(int i) { return static_cast<size_t>(i); }

std::vector<int64_t> Sizes(int64_t images, const trace::Shape& shape) {
  return {images, shape.height, shape.width, shape.channels};
}

Tensor Wrapped(const std::vector<float>& values, at::IntArrayRef sizes) {
  return at::from_blob(const_cast<float*>(values.data()), sizes, at::kFloat);
}

void Check(const trace::Network& net) {
  for (const trace::Layer& l : net.layers) {
    if (l.op == Op::kAveragePool && (l.dilation_h != 1 || l.dilation_w != 1)) {
      throw trace::FileError("layer \"" + l.name + "\": retraining has no dilated average pooling");
    }
  }
}

}  // namespace

Graph::Graph(const trace::Network& net, const golden::Datapaths* datapaths)
    : net_(net),
      written_(net.layers.size()),
      stored_(net.tensors.size()),
      epilogues_(net.tensors.size()),
      last_reader_(net.tensors.size(), 0) {
  Check(net);
  const auto store = [&](int tensor, const std::vector<golden::ChannelRange>& ranges) {
    if (datapaths == nullptr) return;
    for (const golden::ChannelRange& range : ranges) {
      stored_[Index(tensor)].emplace_back(net, *datapaths, tensor, range);
    }
  };
  for (size_t t = 0; t < net.tensors.size(); ++t) {
    if (static_cast<int>(t) != net.input && !net.tensors[t].constant) continue;
    store(static_cast<int>(t), {{0, net.tensors[t].shape.channels}});
  }
  for (size_t i = 0; i < net.layers.size(); ++i) {
    const trace::Layer& l = net.layers[i];
    written_[i] =
        datapaths
            ? golden::WrittenChannels(net, *datapaths, l)
            : std::vector<golden::ChannelRange>{{0, net.tensors[Index(l.output)].shape.channels}};
    store(l.output, written_[i]);
    epilogues_[Index(l.output)].activation = l.activation;
    for (const int t : trace::TensorsRead(l)) last_reader_[Index(t)] = i;
  }
  for (size_t t = 0; t < net.tensors.size(); ++t) {
    if (stored_[t].size() == 1 && !stored_[t][0].exact()) epilogues_[t].stored = &stored_[t][0];
  }
  last_reader_[Index(net.output)] = net.layers.size();
}

GraphParameters Graph::Wrap(const std::vector<std::vector<float>>& weights,
                            const std::vector<std::vector<float>>& biases) const {
  GraphParameters p;
  p.weights.resize(net_.layers.size());
  p.biases.resize(net_.layers.size());
  p.ranges.resize(net_.tensors.size());
  for (size_t i = 0; i < net_.layers.size(); ++i) {
    const trace::Layer& l = net_.layers[i];
    if (!l.has_parameters()) continue;
    const int64_t out = static_cast<int64_t>(biases[i].size());
    const int64_t each = static_cast<int64_t>(weights[i].size()) / out;
    if (l.op == Op::kConv) {
      p.weights[i] =
          Wrapped(weights[i], {out, l.kernel_h, l.kernel_w, each / l.kernel_h / l.kernel_w});
    } else if (l.op == Op::kLayerNorm) {
      p.weights[i] = Wrapped(weights[i], {out});
    } else {
      p.weights[i] = Wrapped(weights[i], {out, each});
    }
    p.biases[i] = Wrapped(biases[i], {out});
  }
  return p;
}

Tensor Graph::Store(const Tensor& x, const Epilogue& epilogue, const GraphParameters& p) const {
  if (epilogue.stored == nullptr && epilogue.activation.kind == trace::Activation::Kind::kNone) {
    return x;
  }
  const Tensor range = epilogue.stored ? p.ranges[Index(epilogue.stored->root())] : Tensor();
  return Finish(x, {}, {}, range, epilogue);
}

// The operands that lie in the result already are as they were stored; the others are stored anew.
Tensor Graph::Concat(size_t layer, const std::vector<Tensor>& values,
                     const GraphParameters& p) const {
  const trace::Layer& l = net_.layers[layer];
  std::vector<Tensor> operands;
  operands.reserve(l.operands.size());
  for (const int t : l.operands) operands.push_back(values[Index(t)]);
  const Tensor all = at::cat(operands, 3);
  const auto& stored = stored_[Index(l.output)];
  if (stored.empty()) return all;
  std::vector<Tensor> parts;
  int channel = 0;
  for (size_t r = 0; r < written_[layer].size(); ++r) {
    const golden::ChannelRange& range = written_[layer][r];
    if (range.channel > channel) parts.push_back(all.narrow(3, channel, range.channel - channel));
    const Epilogue epilogue{{}, stored[r].exact() ? nullptr : &stored[r]};
    parts.push_back(Store(all.narrow(3, range.channel, range.channels), epilogue, p));
    channel = range.channel + range.channels;
  }
  const int channels = net_.tensors[Index(l.output)].shape.channels;
  if (channel < channels) parts.push_back(all.narrow(3, channel, channels - channel));
  return at::cat(parts, 3);
}

Tensor Graph::Compute(size_t layer, const std::vector<Tensor>& values,
                      const GraphParameters& p) const {
  const trace::Layer& l = net_.layers[layer];
  const Tensor& x = values[Index(l.input)];
  const Tensor second = l.residual >= 0 ? values[Index(l.residual)] : Tensor();
  const int64_t images = x.size(0);
  const std::vector<int64_t> out = Sizes(images, net_.tensors[Index(l.output)].shape);
  const Epilogue& epilogue = epilogues_[Index(l.output)];
  if (l.has_weights()) {
    const Tensor range = epilogue.stored ? p.ranges[Index(epilogue.stored->root())] : Tensor();
    return Finish(Products(l, x, p.weights[layer]), p.biases[layer], second, range, epilogue);
  }
  const auto column = [&](const Tensor& of) { return of.reshape({images, -1, 1, of.size(3)}); };
  const auto matrix = [&](const Tensor& of) { return of.reshape({images, -1, of.size(3)}); };
  Tensor y;
  switch (l.op) {
    case Op::kAdd:
      y = x + second;
      break;
    case Op::kMultiply:
      y = x * second;
      break;
    case Op::kGlobalAveragePool:
      y = x.mean({1, 2}, true);
      break;
    case Op::kMaxPool:
      y = MaxPool(l, x);
      break;
    case Op::kAveragePool:
      y = AveragePool(l, x);
      break;
    case Op::kConcat:
      return Concat(layer, values, p);
    case Op::kSlice:
      y = x.narrow(3, l.first_channel, out[3]);
      if (written_[layer].empty()) return y;  // it lies in what it is a slice of
      break;
    case Op::kShuffle:
      y = x.reshape({images, out[1], out[2], l.groups, out[3] / l.groups})
              .transpose(3, 4)
              .reshape(out);
      break;
    case Op::kActivate:
      y = x;
      break;
    case Op::kMatMul:
      y = at::bmm(matrix(x), matrix(second).transpose(1, 2)).reshape(out) * l.scale;
      break;
    case Op::kTranspose:
      y = matrix(x).transpose(1, 2).reshape(out);
      break;
    case Op::kSoftmax:
      y = at::softmax(x, 3);
      break;
    case Op::kLayerNorm:
      y = at::layer_norm(x, {out[3]}, p.weights[layer], p.biases[layer], l.epsilon);
      break;
    case Op::kStack: {
      std::vector<Tensor> operands;
      for (const int t : l.operands) operands.push_back(column(values[Index(t)]));
      y = at::cat(operands, 1).reshape(out);
      break;
    }
    case Op::kPick:
      y = column(x).narrow(1, l.first_pixel, out[1] * out[2]).reshape(out);
      break;
    case Op::kConv:
    case Op::kDepthwiseConv:
    case Op::kFullyConnected:
      break;
  }
  return Store(y, epilogue, p);
}

Tensor Graph::Run(const Tensor& input, const GraphParameters& p, const Visit& visit,
                  int last) const {
  const int64_t images = input.size(0);
  std::vector<Tensor> values(net_.tensors.size());
  const auto given = [&](size_t t, const Tensor& x) {
    values[t] = visit(static_cast<int>(t), Store(x, epilogues_[t], p));
  };
  given(Index(net_.input), input);
  for (size_t t = 0; t < net_.tensors.size(); ++t) {
    if (!net_.tensors[t].constant) continue;
    const std::vector<float> constant = trace::ConstantValues(net_.tensors[t]);
    given(t, Wrapped(constant, Sizes(1, net_.tensors[t].shape))
                 .expand(Sizes(images, net_.tensors[t].shape))
                 .clone());
  }
  for (size_t i = 0; i < net_.layers.size(); ++i) {
    const trace::Layer& l = net_.layers[i];
    values[Index(l.output)] = visit(l.output, Compute(i, values, p));
    if (l.output == last) return {};
    for (const int t : trace::TensorsRead(l)) {
      if (last_reader_[Index(t)] == i) values[Index(t)] = Tensor();
    }
  }
  return values[Index(net_.output)].reshape({images, -1});
}

}  // namespace nibble::retraining
