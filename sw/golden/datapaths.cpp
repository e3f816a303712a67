#include "sw/golden/datapaths.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <stdexcept>

#include "models/numerics/accumulate.h"
#include "models/numerics/weight_profiles.h"
#include "sw/golden/strips.h"

namespace nibble::golden {
namespace {

using numerics::Datapath;
using trace::Layer;
using trace::Network;

bool IsPointwise(const Layer& l) {
  return l.op == trace::Op::kConv && l.kernel_h == 1 && l.kernel_w == 1;
}

bool Matches(const Network& net, const Layer& layer, const std::string& pattern) {
  const auto weighted = [](const Layer& l) { return l.has_weights(); };
  if (pattern == "first") {
    return &layer == &*std::find_if(net.layers.begin(), net.layers.end(), weighted);
  }
  if (pattern == "last") {
    return &layer == &*std::find_if(net.layers.rbegin(), net.layers.rend(), weighted);
  }
  return pattern == trace::OpName(layer.op) || (pattern == "pointwise" && IsPointwise(layer)) ||
         fnmatch(pattern.c_str(), layer.name.c_str(), 0) == 0;
}

void Apply(const numerics::LayerOverride& change, Datapath& datapath) {
  datapath.activations = change.activations.value_or(datapath.activations);
  datapath.weights = change.weights.value_or(datapath.weights);
  // A scale per channel that the network's weights were given does not bind a format without.
  if (numerics::SpecOf(datapath.weights).outer == numerics::OuterScale::kNone) {
    datapath.weight_scale = numerics::WeightScale::kTensor;
  }
  datapath.weight_scale = change.weight_scale.value_or(datapath.weight_scale);
  datapath.depthwise_blocks = change.depthwise_blocks.value_or(datapath.depthwise_blocks);
  datapath.activation_block = change.activation_block.value_or(datapath.activation_block);
  datapath.weight_block = change.weight_block.value_or(datapath.weight_block);
}

// The layer that says how tensor `t` is stored: the first that multiplies it, or else that reads
// it.
const Layer* ReaderOf(const Network& net, int t) {
  const Layer* reader = nullptr;
  for (const Layer& l : net.layers) {
    if (l.multiplies(t)) return &l;
    const std::vector<int> read = trace::TensorsRead(l);
    if (reader == nullptr && std::find(read.begin(), read.end(), t) != read.end()) reader = &l;
  }
  return reader;
}

std::string Wants(const Datapath& d) {
  return fmt::format("{} in blocks of {}", numerics::FormatName(d.activations), d.activation_block);
}

}  // namespace

Datapaths::Datapaths(const Network& net, const Datapath& datapath) : Datapaths(net, datapath, {}) {}

Datapaths::Datapaths(const Network& net, const Datapath& datapath,
                     const std::vector<numerics::LayerOverride>& overrides)
    : base(datapath), layers(net.layers.size(), datapath) {
  for (const numerics::LayerOverride& change : overrides) {
    bool matched = false;
    for (size_t i = 0; i < layers.size(); ++i) {
      if (!Matches(net, net.layers[i], change.pattern)) continue;
      if (change.depthwise_blocks && net.layers[i].op != trace::Op::kDepthwiseConv) continue;
      Apply(change, layers[i]);
      matched = true;
    }
    if (!matched) {
      throw std::invalid_argument(
          fmt::format("layers.{}: no {}layer of {} matches (`sim show` lists their names)",
                      change.pattern, change.depthwise_blocks ? "depthwise " : "", net.name));
    }
  }
  for (size_t i = 0; i < layers.size(); ++i) {
    if (net.layers[i].op != trace::Op::kMatMul) continue;
    layers[i].weights = layers[i].activations;
    layers[i].weight_block = layers[i].activation_block;
    layers[i].weight_scale = numerics::WeightScale::kTensor;
  }
  const auto of = [&](const Layer& l) -> const Datapath& {
    return layers[static_cast<size_t>(&l - net.layers.data())];
  };
  for (size_t t = 0; t < net.tensors.size(); ++t) {
    const Layer* reader = ReaderOf(net, static_cast<int>(t));
    const Datapath& d = reader == nullptr ? base : of(*reader);
    const trace::Shape& shape = net.tensors[t].shape;
    const bool output = static_cast<int>(t) == net.output;
    tensors.push_back({output ? numerics::Format::kFp32 : d.activations, d.activation_block,
                       shape.pixels(), shape.channels});
  }
  PlaceStrips(net, *this);
  views = FindViews(net, *this);
  for (size_t t = 0; t < tensors.size(); ++t) {
    const numerics::ActivationLayout& root = tensors[static_cast<size_t>(views[t].root)];
    tensors[t].format = root.format;
    tensors[t].block = root.block;
  }
  for (const Layer& l : net.layers) {
    if (!l.has_products()) continue;
    const Datapath& d = of(l);
    for (const int t : trace::TensorsRead(l)) {
      const numerics::ActivationLayout& stored = tensors[static_cast<size_t>(t)];
      const bool same = stored.format == d.activations && stored.block == d.activation_block;
      if (same || !l.multiplies(t)) continue;
      const Layer& other = *ReaderOf(net, t);
      throw std::invalid_argument(fmt::format(
          "layers '{}' and '{}' read tensor '{}', one as {}, one as {}: it is stored once",
          other.name, l.name, net.tensors[static_cast<size_t>(t)].name, Wants(of(other)),
          Wants(d)));
    }
    try {
      numerics::CheckOperands(d.accumulator, d.activations, d.weights);
      numerics::CheckWeightScale(d);
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument(fmt::format("layer '{}': {}", l.name, error.what()));
    }
  }
}

}  // namespace nibble::golden
