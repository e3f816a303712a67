#include "sw/evaluation/layer_sqnr.h"

#include "sw/evaluation/bytes.h"
#include "sw/evaluation/processes.h"
#include "sw/golden/channel_ranges.h"
#include "sw/golden/golden.h"

namespace nibble::evaluation {
namespace {

using numerics::StoredActivations;

// The tensors of an FP32 run, each quantised as the datapaths store it.
class QuantisedTensors {
 public:
  QuantisedTensors(const trace::Network& net, const golden::Datapaths& datapaths,
                   const std::vector<std::vector<float>>& exact)
      : net_(net), datapaths_(datapaths), exact_(exact) {}

  StoredActivations Store(int tensor) const {
    const golden::View& view = datapaths_.views[static_cast<size_t>(tensor)];
    const auto root = static_cast<size_t>(view.root);
    const numerics::ActivationLayout& layout = datapaths_.tensors[root];
    numerics::TensorScale scale;
    if (numerics::HasTensorScale(layout.format)) {
      scale = golden::ScaleOf(net_, view.root, datapaths_, exact_[root]);
    }
    StoredActivations stored = numerics::StoreTensor(
        layout, scale, exact_[root].data(),
        numerics::StreamOf(datapaths_.base.activation_rounding, static_cast<uint64_t>(root)));
    if (!datapaths_.IsView(tensor)) return stored;
    const int channels = datapaths_.tensors[static_cast<size_t>(tensor)].channels;
    return golden::ReadChannels(stored, {view.channel, channels});
  }

 private:
  const trace::Network& net_;
  const golden::Datapaths& datapaths_;
  const std::vector<std::vector<float>>& exact_;
};

}  // namespace

std::vector<LayerSqnr> LayerSqnrs(const trace::Network& net, const platforms::DesignPoint& design,
                                  Executor& executor, const std::vector<float>& input, int image) {
  const golden::Datapaths datapaths(net, design.datapath, design.layer_overrides);
  const std::vector<std::vector<float>> exact = golden::RunFp32(net, input);
  const golden::Execution run = executor.Run(input, image);
  const QuantisedTensors quantised(net, datapaths, exact);
  std::vector<LayerSqnr> result;
  for (size_t i = 0; i < net.layers.size(); ++i) {
    const trace::Layer& l = net.layers[i];
    std::vector<StoredActivations> inputs(net.tensors.size());
    for (const int t : trace::TensorsRead(l)) inputs[static_cast<size_t>(t)] = quantised.Store(t);
    const auto sqnr = [&](const std::vector<StoredActivations>& tensors) {
      return BoundedSqnr(exact[static_cast<size_t>(l.output)],
                         golden::RunLayer(net, l, datapaths.layers[i], tensors));
    };
    result.push_back({sqnr(inputs), sqnr(run.tensors)});
  }
  return result;
}

std::vector<LayerSqnr> MeanLayerSqnrs(const trace::Network& net,
                                      const platforms::DesignPoint& design, const Dataset& dataset,
                                      const WorkOptions& work) {
  Executor executor(net, design, Engine::kMachine);
  std::vector<LayerSqnr> mean(net.layers.size());
  const auto count = static_cast<size_t>(dataset.count());
  ForEachInProcesses(
      work.jobs, count,
      [&](size_t i) {
        const int image = static_cast<int>(i);
        return BytesOf(LayerSqnrs(net, design, executor, dataset.Input(image), image));
      },
      [&](size_t i, const std::string& bytes) {
        const auto layers = ValuesOf<LayerSqnr>(bytes);
        for (size_t l = 0; l < mean.size(); ++l) {
          mean[l].alone += layers[l].alone / static_cast<double>(count);
          mean[l].cumulative += layers[l].cumulative / static_cast<double>(count);
        }
        if (work.progress) work.progress(i + 1, count);
      },
      work.stop);
  return mean;
}

}  // namespace nibble::evaluation
