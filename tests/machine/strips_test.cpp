// Depthwise inputs in strips of pixels: bits, and what the strip buffer costs.
#include <catch2/catch.hpp>

#include "models/accel/vector_operations.h"
#include "platforms/energy_model.h"
#include "tests/machine/random_network.h"
#include "tests/machine/run.h"
#include "tests/support/sanitizers.h"

namespace nibble::test {
namespace {

using numerics::Format;
using numerics::ScaleSource;
using platforms::Platform;

// Wide enough for several strips a row, with a depthwise layer behind a pointwise one of many
// channels.
trace::Network WideNetwork(uint32_t seed) {
  NetworkMaker maker(seed);
  for (int i = 0; i < 3; ++i) {
    maker.Convolution(false);
    maker.Convolution(true);
  }
  return maker.Finish();
}

platforms::RunOutcome RunStrips(Platform platform, uint32_t seed, const trace::Network& net,
                                platforms::DesignPoint& design, std::string* difference) {
  CAPTURE(seed, platforms::PlatformName(platform));
  platforms::RunOutcome outcome;
  *difference = DifferenceFromGolden(net, design, RandomInput(net, seed), &outcome);
  return outcome;
}

TEST_CASE("tensors in strips are golden's, in every block format, under every accumulator") {
  using numerics::Accumulation;
  int strips = 0;
  for (uint32_t seed = 0; seed < Cases(160u); ++seed) {
    const trace::Network net = seed % 2 == 0 ? WideNetwork(seed) : RandomNetwork(seed);
    for (Platform platform : {Platform::kAccel, Platform::kNearmem}) {
      Random random(seed);
      platforms::DesignPoint design = RandomDesign(platform, random);
      const Format format =
          Pick(random, {Format::kNvfp4, Format::kNvfp4, Format::kNvfp4, Format::kMxfp4,
                        Format::kMxfp6, Format::kMxfp8, Format::kInt8, Format::kNvint4});
      SetDatapath(design, format, Pick(random, {Format::kNvfp4, Format::kFp8}), random.Block(),
                  ScaleSource::kStatic);
      if (seed % 4 == 3) {
        design.datapath.accumulator.kind =
            Pick(random, {Accumulation::kFp32Rz, Accumulation::kLanes});
      }
      if (seed % 8 == 0) design.compute.gating = accel::Gating::kBlock;
      strips += SetStrips(net, design);
      std::string difference;
      RunStrips(platform, seed, net, design, &difference);
      CAPTURE(seed, platforms::PlatformName(platform), numerics::FormatName(format));
      CHECK(difference == "equal");
    }
  }
  CHECK(strips > Cases(250));
}

TEST_CASE("an element of strips passes the buffer once, and costs it a write and a read") {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    const trace::Network net = WideNetwork(seed);
    Random random(seed);
    platforms::DesignPoint design = RandomDesign(Platform::kAccel, random);
    SetDatapath(design, Format::kNvfp4, Format::kNvfp4, 16, ScaleSource::kStatic);
    const platforms::DesignPoint plain = design;
    SetStrips(net, design);
    const golden::Datapaths datapaths(net, design.datapath, design.layer_overrides);
    std::string difference;
    const sim::RunStats stats = RunStrips(Platform::kAccel, seed, net, design, &difference).stats;
    for (size_t i = 0; i < net.layers.size(); ++i) {
      const auto t = static_cast<size_t>(net.layers[i].output);
      const uint64_t bytes = datapaths.tensors[t].strips()
                                 ? 4 * static_cast<uint64_t>(net.tensors[t].shape.elements())
                                 : 0;
      CHECK(stats.Value(i, "vector.strip_write_bytes") == bytes);
      CHECK(stats.Value(i, "vector.strip_read_bytes") == bytes);
    }
    CHECK(stats.Total("vector.strip_write_bytes") > 0);
    platforms::DesignPoint without = plain;
    CHECK(RunStrips(Platform::kAccel, seed, net, without, &difference)
              .stats.Total("vector.strip_read_bytes") == 0);
  }
}

TEST_CASE("the strip buffer has a price with a source") {
  // Between a latch and the smallest scratchpad of the table, 128 bits at a time.
  const platforms::EnergyModel model(platforms::Resolve(Platform::kAccel, "", {}));
  int prices = 0;
  for (const platforms::EnergyTerm& term : model.terms()) {
    if (term.counter.rfind("vector.strip_", 0) != 0) continue;
    ++prices;
    CHECK(term.component == "vector");
    CHECK(term.pj_per_count > 0.05);
    CHECK(term.pj_per_count < 2);
    CHECK_THAT(term.source, Catch::Matchers::Contains("cacti"));
  }
  CHECK(prices == 2);
}

TEST_CASE("a word of strips ends a strip later") {
  sim::Epilogue state{};
  sim::Geometry rows{};
  for (int block : {8, 16, 128}) {
    for (int width : {1, 7, 16, 112}) {
      state.out = sim::StoredAs::Of(static_cast<uint8_t>(Format::kNvfp4), block);
      rows.out_width = static_cast<uint16_t>(width);
      state.flags = 0;
      CHECK(accel::StripDelay(state, rows) == 0);
      state.flags = sim::kStrips;
      CHECK(accel::StripDelay(state, rows) == static_cast<uint64_t>(std::min(block, width)));
    }
  }
}

// Element by element, in the order of the buffer: with this delay each leaves when its strip's last
// one has come, one a cycle, and with a cycle less some would leave before.
TEST_CASE("the delay of strips is the least under which every scale is known") {
  for (int block : {8, 16}) {
    for (int width : {1, 5, 8, 13, 16, 37}) {
      sim::Epilogue state{};
      sim::Geometry rows{};
      state.out = sim::StoredAs::Of(static_cast<uint8_t>(Format::kNvfp4), block);
      state.flags = sim::kStrips;
      rows.out_width = static_cast<uint16_t>(width);
      const auto early = [&](int delay) {
        int count = 0;
        for (int column = 0; column < width; ++column) {  // comes in this cycle
          const int last = std::min(width, (column / block + 1) * block) - 1;
          count += column + delay <= last;
        }
        return count;
      };
      const auto delay = static_cast<int>(accel::StripDelay(state, rows));
      CHECK(early(delay) == 0);
      CHECK(early(delay - 1) > 0);
    }
  }
}

}  // namespace
}  // namespace nibble::test
