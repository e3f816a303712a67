#include "sw/retraining/blocks.h"

#include <algorithm>

namespace nibble::retraining {
namespace {

// Outputs of layers behind which nothing reads an earlier tensor but constants.
std::vector<size_t> Cuts(const trace::Network& net) {
  std::vector<size_t> cuts;
  std::vector<size_t> written(net.tensors.size(), 0);  // by layer number, counted from 1
  for (size_t i = 0; i < net.layers.size(); ++i) {
    written[static_cast<size_t>(net.layers[i].output)] = i + 1;
  }
  // The earliest writer of what layers from i on read.
  size_t earliest = net.layers.size();
  for (size_t i = net.layers.size(); i-- > 1;) {
    for (const int t : trace::TensorsRead(net.layers[i])) {
      if (net.tensors[static_cast<size_t>(t)].constant) continue;
      earliest = std::min(earliest, written[static_cast<size_t>(t)]);
    }
    if (earliest >= i) cuts.push_back(i - 1);
  }
  std::reverse(cuts.begin(), cuts.end());
  return cuts;
}

}  // namespace

std::vector<int> BlockOutputs(const trace::Network& net) {
  const std::vector<size_t> cuts = Cuts(net);
  const auto linear = [&](size_t i) {
    const trace::Layer& l = net.layers[i];
    const bool sums = l.has_weights() || l.op == trace::Op::kAdd;
    return sums && l.op != trace::Op::kDepthwiseConv &&
           l.activation.kind == trace::Activation::Kind::kNone;
  };
  const bool by_kind = std::count_if(cuts.begin(), cuts.end(), linear) >= 3;
  std::vector<int> outputs;
  int weighted = 0;
  size_t next = 0;
  for (const size_t cut : cuts) {
    for (; next <= cut; ++next) weighted += net.layers[next].has_weights() ? 1 : 0;
    const trace::Layer& l = net.layers[cut];
    const bool ends = by_kind ? linear(cut) : weighted >= 2 && l.op != trace::Op::kDepthwiseConv;
    if (!ends) continue;
    outputs.push_back(l.output);
    weighted = 0;
  }
  return outputs;
}

}  // namespace nibble::retraining
