// What retraining multiplies is what golden stores, bit for bit.
#include "sw/retraining/stored_values.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

#include "models/numerics/block_tensor.h"
#include "models/numerics/elements.h"
#include "sw/golden/golden.h"
#include "sw/golden/weights.h"
#include "sw/retraining/blocks.h"
#include "tests/golden/random_network.h"
#include "tests/golden/random_transformer.h"
#include "tests/retraining/datapaths.h"

namespace nibble::retraining {
namespace {

trace::Network NetworkOf(uint32_t seed) {
  if (seed % 3 == 0) return test::RandomNetwork(seed);
  return seed % 3 == 1 ? test::RandomOperatorNetwork(seed) : test::RandomTransformer(seed);
}

bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// One after the other, as a layer writes a tensor.
std::vector<float> Stored(const trace::Network& net, const golden::Datapaths& datapaths, int tensor,
                          const std::vector<golden::ChannelRange>& ranges, std::vector<float> x) {
  const trace::Shape& shape = net.tensors[static_cast<size_t>(tensor)].shape;
  const auto channels = static_cast<size_t>(shape.channels);
  for (const golden::ChannelRange& range : ranges) {
    const StoredTensor stored(net, datapaths, tensor, range);
    const auto width = static_cast<size_t>(range.channels);
    std::vector<float> part;
    for (size_t at = static_cast<size_t>(range.channel); at < x.size(); at += channels) {
      part.insert(part.end(), x.begin() + static_cast<std::ptrdiff_t>(at),
                  x.begin() + static_cast<std::ptrdiff_t>(at + width));
    }
    std::vector<uint8_t> live(part.size());
    stored.Quantise(part.data(), part.data(), live.data());
    for (size_t i = 0; i < part.size(); ++i) {
      x[i / width * channels + static_cast<size_t>(range.channel) + i % width] = part[i];
    }
  }
  return x;
}

TEST_CASE("every tensor is stored as golden stores it, in every format", "[retraining]") {
  size_t checked = 0;
  for (const test::NamedDatapath& d : test::TrainingDatapaths()) {
    for (uint32_t seed = 0; seed < 6; ++seed) {
      const trace::Network net = NetworkOf(seed);
      const golden::Datapaths datapaths(net, d.datapath, d.overrides);
      const golden::Execution e = golden::Run(net, datapaths, test::RandomInput(net, seed));
      for (size_t i = 0; i < net.layers.size(); ++i) {
        const trace::Layer& l = net.layers[i];
        const auto ranges = golden::WrittenChannels(net, datapaths, l);
        if (ranges.empty()) continue;
        INFO(d.name << ", network " << seed << ", layer " << l.name);
        const std::vector<float> x = golden::RunLayer(net, l, datapaths.layers[i], e.tensors);
        const auto golden_values = numerics::LoadTensor(e.tensors[static_cast<size_t>(l.output)]);
        REQUIRE(SameBits(Stored(net, datapaths, l.output, ranges, x), golden_values));
        ++checked;
      }
    }
  }
  CHECK(checked > 1000);
}

TEST_CASE("strips of pixels are stored as golden stores them", "[retraining]") {
  const trace::Network net = test::RandomNetwork(5);
  numerics::LayerOverride strips;
  strips.pattern = "depthwise";
  strips.depthwise_blocks = numerics::DepthwiseBlocks::kStrips;
  const golden::Datapaths datapaths(net, numerics::Datapath{}, {strips});
  const golden::Execution e = golden::Run(net, datapaths, test::RandomInput(net, 1));
  const trace::Layer& stem = net.layers[0];
  REQUIRE(datapaths.tensors[static_cast<size_t>(stem.output)].strips());
  const auto x = golden::RunLayer(net, stem, datapaths.layers[0], e.tensors);
  const auto ranges = golden::WrittenChannels(net, datapaths, stem);
  CHECK(SameBits(Stored(net, datapaths, stem.output, ranges, x),
                 numerics::LoadTensor(e.tensors[static_cast<size_t>(stem.output)])));
}

// Element by element from codes and scales.
TEST_CASE("weights are the values of the codes that golden multiplies", "[retraining]") {
  for (const test::NamedDatapath& d : test::TrainingDatapaths()) {
    const trace::Network net = test::RandomNetwork(3);
    const golden::Datapaths datapaths(net, d.datapath, d.overrides);
    for (size_t i = 0; i < net.layers.size(); ++i) {
      const trace::Layer& l = net.layers[i];
      if (!l.has_weights()) continue;
      const StoredWeights stored = StoreWeights(net, l, datapaths.layers[i]);
      const numerics::QuantizedWeights w = golden::QuantizeLayer(net, l, datapaths.layers[i]);
      const numerics::FormatSpec& spec = numerics::SpecOf(w.format);
      const int row_length = w.segments * w.segment;
      const int blocks = numerics::BlockCount(w.segment, w.block);
      REQUIRE(stored.values.size() == static_cast<size_t>(w.rows) * row_length);
      for (int n = 0; n < w.rows; ++n) {
        for (int k = 0; k < row_length; ++k) {
          const size_t at = static_cast<size_t>(n) * row_length + k;
          float scale = w.channel_scale[static_cast<size_t>(n)];
          if (!w.scales.empty()) {
            const int run = n * w.segments + k / w.segment;
            const size_t block = static_cast<size_t>(run) * blocks + k % w.segment / w.block;
            scale *= numerics::BlockScaleValue(spec.block_scale, w.scales[block]);
          }
          INFO(d.name << ", " << l.name << ", " << n << ", " << k);
          REQUIRE(stored.values[at] == numerics::DecodeElement(spec.element, w.codes[at]) * scale);
        }
      }
    }
  }
}

TEST_CASE("an element saturates where it would round beyond the largest", "[retraining]") {
  trace::Network net = test::RandomNetwork(3);
  const int channels = net.tensors[1].shape.channels;
  numerics::Datapath fp4;
  fp4.activations = numerics::Format::kFp4;
  const golden::Datapaths unscaled(net, fp4), nvfp4(net, numerics::Datapath{});
  const auto count = static_cast<size_t>(net.tensors[1].shape.elements());
  const std::vector<float> x = test::Random(1).Values(static_cast<int64_t>(count), 9.0f);
  std::vector<float> y(count);
  std::vector<uint8_t> live(count);
  // FP4: 7 is half a step above its largest element, 6.
  size_t saturated =
      StoredTensor(net, unscaled, 1, {0, channels}).Quantise(x.data(), y.data(), live.data());
  REQUIRE(saturated > 0);
  for (size_t i = 0; i < count; ++i) CHECK((live[i] == 0) == (std::fabs(x[i]) >= 7));
  // NVFP4: blocks follow their largest value as long as the tensor's range holds it.
  net.tensors[1].amax = 9;
  CHECK(StoredTensor(net, nvfp4, 1, {0, channels}).Quantise(x.data(), y.data(), live.data()) == 0);
  net.tensors[1].amax = 3;
  saturated = StoredTensor(net, nvfp4, 1, {0, channels}).Quantise(x.data(), y.data(), live.data());
  REQUIRE(saturated > 0);
  for (size_t i = 0; i < count; ++i) {
    if (live[i] == 0) CHECK(std::fabs(y[i]) == Approx(3));  // the end of the range
    if (std::fabs(x[i]) < 3) CHECK(live[i] == 1);
  }
}

// Behind each, nothing may read what was written before it.
TEST_CASE("blocks end where all that comes later depends on one tensor", "[retraining]") {
  size_t blocks = 0;
  for (uint32_t seed = 0; seed < 30; ++seed) {
    const trace::Network net = NetworkOf(seed);
    for (const int output : BlockOutputs(net)) {
      ++blocks;
      REQUIRE(output != net.output);
      std::vector<char> before(net.tensors.size(), 0);
      before[static_cast<size_t>(net.input)] = 1;
      bool behind = false;
      for (const trace::Layer& l : net.layers) {
        if (!behind) before[static_cast<size_t>(l.output)] = l.output != output ? 1 : 0;
        for (const int t : trace::TensorsRead(l)) {
          if (behind) CHECK(before[static_cast<size_t>(t)] == 0);
        }
        behind = behind || l.output == output;
      }
    }
  }
  CHECK(blocks > 10);
}

}  // namespace
}  // namespace nibble::retraining
