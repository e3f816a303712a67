// SQNR layer by layer, alone and cumulative.
#include "sw/evaluation/layer_sqnr.h"

#include <catch2/catch.hpp>

#include "tests/evaluation/small_set.h"

namespace nibble::evaluation {
namespace {

struct Small {
  test::TemporaryFolder folder;
  trace::Network net = test::SmallNetwork(2);
  Dataset dataset{test::WriteImages(folder, net, 5), net};

  std::vector<LayerSqnr> Under(const std::vector<std::string>& sets, int jobs = 1) const {
    return MeanLayerSqnrs(net, test::Resolved(sets), dataset, {jobs, {}, nullptr});
  }
};

TEST_CASE("the first layer has nothing before it: alone and cumulative are one") {
  const Small small;
  for (const char* set : {"datapath.block=16", "datapath.weights=fp8", "datapath.activations=int4",
                          "datapath.tensor_scale=dynamic"}) {
    const auto layers = small.Under({set});
    CHECK(layers[0].alone == layers[0].cumulative);
    CHECK(layers[0].alone < 40);
  }
}

TEST_CASE("in a network that is nearly exact elsewhere a layer loses what it loses alone") {
  const Small small;
  const auto base = small.Under({});
  for (size_t i = 0; i < small.net.layers.size(); ++i) {
    const trace::Layer& l = small.net.layers[i];
    if (!l.has_weights()) continue;
    std::vector<std::string> sets{"datapath.activations=fp16", "datapath.weights=fp16"};
    const auto set = [&](const trace::Layer& of, const char* what) {
      const std::string begin = of.name.substr(0, of.name.find('*'));
      sets.push_back("layers.\\" + begin + "*." + what);
    };
    set(l, "weights=nvfp4");
    for (const trace::Layer& other : small.net.layers) {
      if (other.has_weights() && other.input == l.input) set(other, "activations=nvfp4");
    }
    const auto mixed = small.Under(sets);
    CAPTURE(l.name);
    // A residual is stored as another layer asks for.
    if (l.residual < 0) CHECK(mixed[i].alone == Approx(base[i].alone).margin(0.05));
    CHECK(mixed[i].cumulative == Approx(mixed[i].alone).margin(0.3));
  }
}

TEST_CASE("FP16 throughout loses next to nothing, anywhere") {
  const Small small;
  for (const LayerSqnr& l : small.Under({"datapath.activations=fp16", "datapath.weights=fp16"})) {
    CHECK(l.alone > 55);
    CHECK(l.cumulative > 50);
  }
}

TEST_CASE("errors of layers add up: the last one's cumulative SQNR is below its own") {
  const Small small;
  const auto layers = small.Under({});
  CHECK(layers.back().cumulative < layers.back().alone);
}

TEST_CASE("means do not depend on the number of jobs") {
  const Small small;
  const auto one = small.Under({}), three = small.Under({}, 3);
  for (size_t i = 0; i < one.size(); ++i) {
    CHECK(one[i].alone == three[i].alone);
    CHECK(one[i].cumulative == three[i].cumulative);
  }
}

}  // namespace
}  // namespace nibble::evaluation
