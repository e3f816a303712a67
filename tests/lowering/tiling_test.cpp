// Tiles fit, the row arithmetic is right, and what does not fit is refused by name.
#include "sw/lowering/tiling.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "models/accel/weight_layout.h"
#include "sw/lowering/lowering.h"
#include "tests/machine/random_network.h"

namespace nibble::lowering {
namespace {

using Catch::Matchers::Contains;
using numerics::Random;

uint64_t Up(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

ConvProblem RandomProblem(Random& random, const platforms::DesignPoint& d, bool near_memory) {
  trace::Shape in{random.Int(1, 60), random.Int(1, 60), random.Int(1, 300)};
  trace::Layer l;
  test::RandomWindow(random, in, l);
  ConvProblem p;
  sim::Geometry& g = p.geometry;
  g.in_height = static_cast<uint16_t>(in.height);
  g.in_width = static_cast<uint16_t>(in.width);
  g.in_channels = static_cast<uint16_t>(in.channels);
  g.out_height = static_cast<uint16_t>(trace::ConvOutputLength(
      in.height, l.kernel_h, l.stride_h, l.dilation_h, l.pad_top, l.pad_bottom));
  g.out_width = static_cast<uint16_t>(trace::ConvOutputLength(
      in.width, l.kernel_w, l.stride_w, l.dilation_w, l.pad_left, l.pad_right));
  g.kernel_h = static_cast<uint8_t>(l.kernel_h);
  g.kernel_w = static_cast<uint8_t>(l.kernel_w);
  g.stride_h = static_cast<uint8_t>(l.stride_h);
  g.stride_w = static_cast<uint8_t>(l.stride_w);
  g.dilation_h = static_cast<uint8_t>(l.dilation_h);
  g.dilation_w = static_cast<uint8_t>(l.dilation_w);
  g.pad_top = static_cast<uint8_t>(l.pad_top);
  g.pad_left = static_cast<uint8_t>(l.pad_left);
  g.activation_format = static_cast<uint8_t>(d.datapath.activations);
  g.weight_format = static_cast<uint8_t>(d.datapath.weights);
  g.activation_block = static_cast<uint8_t>(d.datapath.activation_block);
  g.weight_block = static_cast<uint8_t>(d.datapath.weight_block);
  p.channel_unit = std::max<uint32_t>(16, g.activation_block);
  g.depthwise = !near_memory && random.Int(0, 3) == 0;
  p.channels = g.depthwise ? g.in_channels : static_cast<uint32_t>(random.Int(1, 300));
  numerics::ActivationLayout out{d.datapath.activations, d.datapath.activation_block, 1,
                                 static_cast<int>(p.channels)};
  p.out_pixel_bytes = out.code_bytes_per_pixel() + out.scale_row_bytes();
  if (random.Int(0, 2) == 0) p.residual_pixel_bytes = p.out_pixel_bytes;
  p.params_bytes = 4 * p.channels;
  p.act_room = d.sram_act.size;
  p.out_room = d.sram_out.size;
  p.near_memory = near_memory;
  return p;
}

void CheckFits(const ConvProblem& p, const platforms::DesignPoint& d, const ConvTiling& t) {
  const sim::Geometry& g = p.geometry;
  REQUIRE(t.rows >= 1);
  REQUIRE(t.rows <= g.out_height);
  REQUIRE(t.channels >= 1);
  REQUIRE(t.channels <= p.channels);
  if (t.channels < p.channels) {  // parts start at whole blocks and accumulator groups
    CHECK(t.channels % p.channel_unit == 0);
    CHECK(t.channels % 16 == 0);
  }
  const uint64_t pixels = uint64_t{t.rows} * g.out_width;
  CHECK(pixels <= 0xFFFF);
  CHECK((t.channels + 15) / 16 * 16 * 4 * pixels <= d.sram_acc.size);

  uint64_t inputs = 0, largest = 0;
  const numerics::ActivationLayout layout = accel::InputLayoutOf(g);
  for (uint32_t row = 0; row < g.out_height; row += t.rows) {
    const RowRange range = InputRows(g, row, std::min<uint32_t>(t.rows, g.out_height - row));
    const uint64_t in_pixels = uint64_t{range.count} * g.in_width;
    const uint64_t bytes =
        Up(in_pixels * layout.code_bytes_per_pixel()) + Up(in_pixels * layout.scale_row_bytes());
    inputs += bytes;
    largest = std::max(largest, bytes);
  }
  CHECK((t.keep_input ? inputs : largest) <= p.act_room);

  const uint64_t held = t.order == LoopOrder::kRowsOuter ? p.channels : t.channels;
  const numerics::ActivationLayout out{d.datapath.activations, d.datapath.activation_block,
                                       static_cast<int>(pixels), static_cast<int>(held)};
  const uint64_t out_bytes = Up(out.code_bytes()) + Up(out.scale_bytes());
  CHECK(out_bytes * (p.residual_pixel_bytes ? 2 : 1) <= p.out_room);

  if (p.near_memory) return;
  const accel::WeightLayout weights = accel::WeightLayoutOf(g);
  const auto weight_bytes = [&weights](uint64_t channels) {
    return Up(channels * weights.code_bytes_per_channel()) +
           Up(channels * weights.scale_bytes_per_channel());
  };
  CHECK(weight_bytes(t.keep_weights ? p.channels : t.weight_channels) <= d.sram_weight.size);
}

TEST_CASE("chosen tiles fit the scratchpads, or the layer and the parameter are named") {
  int fit = 0, refused = 0;
  for (uint32_t seed = 0; seed < 400; ++seed) {
    Random random(seed);
    const bool near = random.Int(0, 2) == 0;
    platforms::DesignPoint d = platforms::Resolve(
        near ? platforms::Platform::kNearmem : platforms::Platform::kAccel, "", {});
    test::RandomDatapath(random, d);
    memory::SramConfig* const srams[] = {&d.sram_act, &d.sram_weight, &d.sram_acc, &d.sram_out};
    const std::string names[] = {"sram.act.size", "sram.weight.size", "sram.acc.size",
                                 "sram.out.size"};
    for (memory::SramConfig* sram : srams) sram->size = 1024u << random.Int(0, 8);
    ConvProblem p = RandomProblem(random, d, near);
    CAPTURE(seed, near);
    // Enlarging what the refusal names must help, until nothing is refused.
    std::set<std::string> enlarged;
    for (;;) {
      p.act_room = d.sram_act.size;
      p.out_room = d.sram_out.size;
      try {
        CheckFits(p, d, ChooseTiling(p, d, "the_layer"));
        ++fit;
        break;
      } catch (const LoweringError& e) {
        ++refused;
        const std::string what = e.what();
        CHECK_THAT(what, Contains("the_layer"));
        int named = -1;
        for (int i = 0; i < 4; ++i) {
          if (what.find(names[i]) != std::string::npos) named = i;
        }
        INFO(what);
        REQUIRE(named >= 0);
        REQUIRE(enlarged.insert(names[named]).second);
        srams[named]->size = 1u << 26;
      }
    }
  }
  CHECK(fit == 400);
  CHECK(refused > 50);
}

TEST_CASE("input rows are those that the taps of the output rows touch") {
  for (uint32_t seed = 0; seed < 2000; ++seed) {
    Random random(seed);
    trace::Layer l;
    const trace::Shape in{random.Int(1, 20), 1, 1};
    test::RandomWindow(random, in, l);
    sim::Geometry g{};
    g.in_height = static_cast<uint16_t>(in.height);
    g.out_height = static_cast<uint16_t>(trace::ConvOutputLength(
        in.height, l.kernel_h, l.stride_h, l.dilation_h, l.pad_top, l.pad_bottom));
    g.kernel_h = static_cast<uint8_t>(l.kernel_h);
    g.stride_h = static_cast<uint8_t>(l.stride_h);
    g.dilation_h = static_cast<uint8_t>(l.dilation_h);
    g.pad_top = static_cast<uint8_t>(l.pad_top);
    const int first = random.Int(0, g.out_height - 1);
    const int count = random.Int(1, g.out_height - first);
    std::set<int> touched;
    for (int row = first; row < first + count; ++row) {
      for (int k = 0; k < l.kernel_h; ++k) {
        const int y = row * l.stride_h - l.pad_top + k * l.dilation_h;
        if (0 <= y && y < in.height) touched.insert(y);
      }
    }
    const RowRange range = InputRows(g, static_cast<uint32_t>(first), static_cast<uint32_t>(count));
    CAPTURE(seed);
    REQUIRE(range.count >= 1);
    REQUIRE(range.first + range.count <= static_cast<uint32_t>(in.height));
    if (touched.empty()) continue;
    CHECK(static_cast<int>(range.first) <= *touched.begin());
    CHECK(static_cast<int>(range.first + range.count) > *touched.rbegin());
    if (l.dilation_h == 1 && l.stride_h <= l.kernel_h) {  // no gaps
      CHECK(static_cast<int>(range.first) == *touched.begin());
      CHECK(static_cast<int>(range.first + range.count) == *touched.rbegin() + 1);
    }
  }
}

}  // namespace
}  // namespace nibble::lowering
