#include "sw/golden/strips.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace nibble::golden {
namespace {

using trace::Layer;
using trace::Network;

class StripPlacer {
 public:
  StripPlacer(const Network& net, Datapaths& datapaths) : net_(net), datapaths_(datapaths) {}

  void Place() {
    for (const Layer& l : net_.layers) {
      if (!InStrips(l)) continue;
      CheckFormat(l);
      CheckReaders(l);
      CheckWriter(l);
      const auto t = static_cast<size_t>(l.input);
      datapaths_.tensors[t].strip_row = net_.tensors[t].shape.width;
    }
  }

 private:
  const numerics::Datapath& Of(const Layer& l) const {
    return datapaths_.layers[static_cast<size_t>(&l - net_.layers.data())];
  }
  bool InStrips(const Layer& l) const {
    return l.op == trace::Op::kDepthwiseConv &&
           Of(l).depthwise_blocks == numerics::DepthwiseBlocks::kStrips;
  }
  [[noreturn]] void Refuse(const Layer& l, const std::string& why) const {
    throw std::invalid_argument(
        fmt::format("depthwise.blocks = strips of layer '{}', which reads tensor '{}': {}", l.name,
                    net_.tensors[static_cast<size_t>(l.input)].name, why));
  }

  void CheckFormat(const Layer& l) const {
    const numerics::Format format = Of(l).activations;
    if (!numerics::HasBlockScale(format)) {
      Refuse(l, fmt::format("{} has no block scales", numerics::FormatName(format)));
    }
    if (datapaths_.base.tensor_scale == numerics::ScaleSource::kDynamic &&
        numerics::HasTensorScale(format)) {
      Refuse(l, "datapath.tensor_scale = dynamic quantises single pixels");
    }
    if (datapaths_.base.activation_rounding.mode == numerics::RoundingMode::kStochastic) {
      Refuse(l, "datapath.activations.rounding = stochastic goes by pixels");
    }
  }

  void CheckReaders(const Layer& l) const {
    for (const Layer& other : net_.layers) {
      const std::vector<int> read = trace::TensorsRead(other);
      const auto count = std::count(read.begin(), read.end(), l.input);
      const bool alike = InStrips(other) && other.input == l.input && count == 1;
      if (count == 0 || alike) continue;
      Refuse(l,
             fmt::format("layer '{}' ({}) reads it, too, in blocks of channels: it is stored once",
                         other.name, trace::OpName(other.op)));
    }
    if (l.input == net_.output) Refuse(l, "it is the output of the network");
  }

  void CheckWriter(const Layer& l) const {
    for (const Layer& other : net_.layers) {
      if (other.output != l.input || other.has_weights()) continue;
      Refuse(l, fmt::format("layer '{}' ({}), which writes it, quantises single pixels", other.name,
                            trace::OpName(other.op)));
    }
  }

  const Network& net_;
  Datapaths& datapaths_;
};

}  // namespace

void PlaceStrips(const Network& net, Datapaths& datapaths) { StripPlacer(net, datapaths).Place(); }

}  // namespace nibble::golden
