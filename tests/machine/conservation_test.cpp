// What a run counts agrees with what the network asks for, and the counters agree with each other.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "models/accel/weight_layout.h"
#include "platforms/energy_model.h"
#include "sw/compiler/compiler.h"
#include "tests/golden/random_transformer.h"
#include "tests/machine/random_network.h"
#include "tests/machine/run.h"

namespace nibble::test {
namespace {

using numerics::Format;
using platforms::Platform;

struct Case {
  trace::Network net;
  platforms::DesignPoint design;
  sim::Program program;
  sim::RunStats stats;

  uint64_t Get(size_t layer, const std::string& key) const {
    return stats.Has(key) ? stats.Value(layer, key) : 0;
  }
  uint64_t Total(const std::string& key) const { return stats.Has(key) ? stats.Total(key) : 0; }
  size_t layers() const { return net.layers.size(); }
};

Case Make(trace::Network net, platforms::DesignPoint design) {
  Case c{std::move(net), std::move(design), {}, {}};
  c.program = LowerFitting(c.net, c.design, {false});
  platforms::RunOptions options;
  options.timing_only = true;
  c.stats = platforms::Run(c.design, c.program, options).stats;
  return c;
}

// Random networks and transformers on random machines, and MobileNetV2 on the default ones.
const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = [] {
    std::vector<Case> made;
    for (Platform platform : {Platform::kAccel, Platform::kNearmem}) {
      for (uint32_t seed = 1; seed <= 40; ++seed) {
        Random random(seed);
        platforms::DesignPoint design = RandomDesign(platform, random);
        RandomDatapath(random, design);
        made.push_back(Make(seed % 2 == 0 ? RandomTransformer(seed) : RandomNetwork(seed), design));
      }
      made.push_back(
          Make(compiler::BuildNetwork("mobilenet_v2", 64), platforms::Resolve(platform, "", {})));
    }
    return made;
  }();
  return cases;
}

template <class Check>
void ForEachLayer(Check check) {
  for (const Case& c : Cases()) {
    for (size_t i = 0; i < c.layers(); ++i) {
      CAPTURE(c.net.name, platforms::PlatformName(c.design.platform), i, c.net.layers[i].name,
              trace::OpName(c.net.layers[i].op));
      check(c, i);
    }
  }
}

TEST_CASE("multiply-accumulates are those of the network") {
  ForEachLayer([](const Case& c, size_t i) {
    const trace::Layer& l = c.net.layers[i];
    const trace::Shape& in = c.net.tensors[l.input].shape;
    const trace::Shape& out = c.net.tensors[l.output].shape;
    uint64_t macs = 0;
    if (l.has_weights()) {
      macs = uint64_t(out.height) * out.width * out.channels * l.kernel_h * l.kernel_w;
      if (l.op != trace::Op::kDepthwiseConv) macs *= in.channels;
    }
    if (l.op == trace::Op::kMatMul) macs = uint64_t(in.pixels()) * in.channels * out.channels;
    CHECK(c.Get(i, "tensor.macs") + c.Get(i, "bank.macs") == macs);
    CHECK(c.program.layers[i].macs == macs);
    const bool banks_computed = c.Get(i, "bank.macs") > 0;
    CHECK(banks_computed == c.program.layers[i].near_memory);
  });
  // 7.1 million at 32 x 32 is a 49th of the 300.8 million of the paper at 224 x 224, but for the
  // classifier (1.28 million), which does not shrink.
  const Case& mobilenet = Cases().back();
  CHECK(mobilenet.Total("tensor.macs") + mobilenet.Total("bank.macs") ==
        (300774272u - 1280000u) / 49 * 4 + 1280000u);
}

TEST_CASE("cycles of the layers add up, and the kinds of products too") {
  for (const Case& c : Cases()) {
    CHECK(c.Total("machine.cycles") == c.stats.cycles);
    uint64_t cycles = 0;
    for (uint64_t layer : c.stats.layer_cycles) cycles += layer;
    CHECK(cycles == c.stats.cycles);
    for (const std::string unit : {"tensor", "bank"}) {
      const auto bits = [](Format format) { return uint64_t(numerics::ElementBits(format)); };
      const uint64_t activation = bits(c.design.datapath.activations);
      uint64_t expected = 0;
      for (size_t i = 0; i < c.layers(); ++i) {
        const bool stored = c.net.layers[i].op == trace::Op::kMatMul;  // both operands
        expected += c.Get(i, unit + ".macs") * activation *
                    (stored ? activation : bits(c.design.datapath.weights));
      }
      CHECK(c.Total(unit + ".product_bits2") == expected);
    }
  }
}

// Places along one axis that some tap of some output reads.
uint64_t Touched(int in, int out, int kernel, int stride, int dilation, int pad) {
  std::set<int> places;
  for (int o = 0; o < out; ++o) {
    for (int k = 0; k < kernel; ++k) places.insert(o * stride - pad + k * dilation);
  }
  return static_cast<uint64_t>(
      std::count_if(places.begin(), places.end(), [in](int p) { return 0 <= p && p < in; }));
}

// Bytes that a layer moves at least: constants beside the memory, and of the tensors that live in
// DRAM what is read (each once) and what is written.
uint64_t Compulsory(const Case& c, const trace::Layer& l, bool near_memory) {
  const trace::Shape& in = c.net.tensors[l.input].shape;
  const trace::Shape& out = c.net.tensors[l.output].shape;
  const auto pixel = [&c](int tensor) {
    const auto& layout = c.program.tensors[tensor].layout;
    return uint64_t{layout.code_bytes_per_pixel()} + layout.scale_row_bytes();
  };
  uint64_t bytes = c.program.tensors[l.output].in_dram ? pixel(l.output) * out.pixels() : 0;
  if (l.residual >= 0) bytes += pixel(l.residual) * c.net.tensors[l.residual].shape.pixels();
  const bool in_act = c.program.tensors[l.input].in_act && l.has_products();
  if (l.residual != l.input && !in_act) {
    const bool window = l.op == trace::Op::kConv || l.op == trace::Op::kDepthwiseConv;
    const uint64_t pixels =
        window ? Touched(in.height, out.height, l.kernel_h, l.stride_h, l.dilation_h, l.pad_top) *
                     Touched(in.width, out.width, l.kernel_w, l.stride_w, l.dilation_w, l.pad_left)
               : static_cast<uint64_t>(l.op == trace::Op::kPick ? out.pixels() : in.pixels());
    bytes += pixels * pixel(l.input);
  }
  for (size_t i = 1; i < l.operands.size(); ++i) {
    bytes += pixel(l.operands[i]) * c.net.tensors[l.operands[i]].shape.pixels();
  }
  if (l.op == trace::Op::kLayerNorm) bytes += uint64_t(out.channels) * 2 * 4;  // beta and gamma
  if (!l.has_weights()) return bytes;
  const Format format = c.design.datapath.weights;
  bytes += uint64_t(out.channels) * 4 *
           (c.design.datapath.weight_outer() == numerics::OuterScale::kChannel ? 2 : 1);
  if (near_memory) return bytes;
  const auto runs = static_cast<uint64_t>(trace::ReductionSegments(c.net, l)) * out.channels;
  const auto run = static_cast<uint64_t>(trace::ReductionSegment(c.net, l));
  bytes += runs * ((run * numerics::ElementBits(format) + 7) / 8);
  const auto block = static_cast<uint64_t>(c.design.datapath.weight_block);
  bytes += runs * ((run + block - 1) / block) * numerics::BlockScaleBits(format) / 8;
  return bytes;
}

TEST_CASE("no layer moves less over the pins than its compulsory traffic") {
  ForEachLayer([](const Case& c, size_t i) {
    const sim::LayerEntry& entry = c.program.layers[i];
    const trace::Op op = c.net.layers[i].op;
    // What addressing does is free: tests/lowering.
    const bool moves_channels = op == trace::Op::kConcat || op == trace::Op::kSlice;
    if (!moves_channels) {
      CHECK(entry.compulsory_bytes == Compulsory(c, c.net.layers[i], entry.near_memory));
    }
    CHECK(c.Get(i, "dram.read_bytes") + c.Get(i, "dram.write_bytes") >= entry.compulsory_bytes);
  });
}

TEST_CASE("bytes at the pins are whole bursts, near-memory transfers included") {
  ForEachLayer([](const Case& c, size_t i) {
    const uint64_t burst = c.design.dram.burst_bytes;
    CHECK(c.Get(i, "dram.read_bytes") ==
          burst * (c.Get(i, "dram.reads") + c.Get(i, "bank.io_reads")));
    CHECK(c.Get(i, "dram.write_bytes") ==
          burst * (c.Get(i, "dram.writes") + c.Get(i, "bank.io_writes")));
    CHECK(c.Get(i, "dram.row_hits") <= c.Get(i, "dram.reads") + c.Get(i, "dram.writes"));
    const uint64_t asked = c.Get(i, "bus.load.read_bytes") + c.Get(i, "bus.fetch.read_bytes");
    CHECK(asked <= burst * c.Get(i, "dram.reads"));
    CHECK(c.Get(i, "bus.store.write_bytes") <= burst * c.Get(i, "dram.writes"));
    if (c.design.platform == Platform::kAccel) CHECK(c.Get(i, "dram.near_reads") == 0);
  });
}

TEST_CASE("what the engines move is what the command words say") {
  for (const Case& c : Cases()) {
    std::vector<uint64_t> loaded(c.layers()), stored(c.layers());
    std::vector<uint64_t> act(c.layers()), weight(c.layers()), moved(c.layers());
    uint64_t words[sim::kEngines] = {};
    for (const sim::Command& word : c.program.commands) {
      ++words[static_cast<int>(sim::EngineOf(word.opcode))];
      if (word.opcode == sim::Opcode::kForward) {
        moved[word.layer] += uint64_t{word.move.rows} * word.move.row_bytes;
      }
      const uint64_t bytes = uint64_t{word.copy.rows} * word.copy.row_bytes;
      if (word.opcode == sim::Opcode::kStore) stored[word.layer] += bytes;
      if (word.opcode != sim::Opcode::kLoad) continue;
      loaded[word.layer] += bytes;
      if (word.copy.buffer == sim::Buffer::kAct) act[word.layer] += bytes;
      if (word.copy.buffer == sim::Buffer::kWeight) weight[word.layer] += bytes;
    }
    for (size_t i = 0; i < c.layers(); ++i) {
      CHECK(c.Get(i, "load.bytes") == loaded[i]);
      CHECK(c.Get(i, "bus.load.read_bytes") == loaded[i]);
      CHECK(c.Get(i, "bus.load.write_bytes") == 0);
      CHECK(c.Get(i, "store.bytes") == stored[i]);
      CHECK(c.Get(i, "bus.store.write_bytes") == stored[i]);
      CHECK(c.Get(i, "store.moved_bytes") == moved[i]);
      CHECK(c.Get(i, "sram.act.write_bytes") == act[i] + moved[i]);
      CHECK(c.Get(i, "sram.weight.write_bytes") == weight[i]);
    }
    for (int e = 0; e < sim::kEngines; ++e) {
      const std::string name = sim::EngineName(static_cast<sim::Engine>(e));
      CHECK(c.Total(name + ".commands") == words[e]);
    }
    CHECK(c.Total("fetch.bytes") == sim::kCommandBytes * c.program.commands.size());
    CHECK(c.Total("bus.fetch.read_bytes") == c.Total("fetch.bytes"));
  }
}

TEST_CASE("energy is counts times the table") {
  for (const Case& c : Cases()) {
    if (c.net.name == "random" || c.net.name == "transformer")
      continue;  // their scratchpads are smaller than any in the table
    const platforms::EnergyModel model(c.design);
    const std::vector<std::string> components = model.components();
    const auto rows = model.PerLayer(c.stats);
    REQUIRE(rows.size() == c.layers());
    for (size_t k = 0; k < components.size(); ++k) {
      double expected = 0, actual = 0;
      for (const platforms::EnergyTerm& t : model.terms()) {
        CHECK_FALSE(t.source.empty());
        if (t.component == components[k]) {
          expected += t.pj_per_count * static_cast<double>(c.Total(t.counter));
        }
      }
      for (const auto& row : rows) actual += row[k];
      CAPTURE(components[k]);
      CHECK(actual == Approx(expected).epsilon(1e-12));
      const bool only_near = components[k] == "bank" || components[k] == "dram.near";
      if (!only_near || c.design.platform == Platform::kNearmem) CHECK(actual > 0);
    }
    for (const sim::CounterInfo& counter : c.stats.counters) {
      const bool priced =
          std::any_of(model.terms().begin(), model.terms().end(),
                      [&](const platforms::EnergyTerm& t) { return t.counter == counter.key(); });
      CAPTURE(counter.key());
      CHECK(priced == counter.costs_energy);
    }
  }
}

TEST_CASE("an activation tensor takes 4 + 8/B + 32/N bits an element") {
  for (const Case& c : Cases()) {
    for (const sim::TensorPlacement& t : c.program.tensors) {
      if (t.layout.format != Format::kNvfp4 || t.layout.channels % t.layout.block != 0) continue;
      const auto n = static_cast<double>(t.elements);
      const double bits = 4 + 8.0 / t.layout.block + 32 / n;
      CHECK(t.layout.bits_per_element() == Approx(bits));
      const auto stored = static_cast<double>(8 * (t.layout.code_bytes() + t.layout.scale_bytes()));
      CHECK((stored + 32) / n == Approx(bits));
    }
  }
  const numerics::ActivationLayout layout{Format::kNvfp4, 16, 64, 64};
  CHECK(layout.bits_per_element() == Approx(4.5078125));
}

TEST_CASE("weights take the bits of their format") {
  for (const Case& c : Cases()) {
    uint64_t elements = 0;
    for (const trace::Layer& l : c.net.layers) {
      if (l.has_weights()) elements += static_cast<uint64_t>(trace::WeightCount(c.net, l));
    }
    CHECK(c.program.weight_elements == elements);
    CHECK(c.program.weight_bits >= elements * numerics::ElementBits(c.design.datapath.weights));
  }
}

// Against one scale for the tensor: four bytes a channel more to load once, and to read in each
// tile that the vector unit finishes; not one operation more, since it multiplies by a scale
// anyway.
TEST_CASE("a weight scale per output channel costs its bytes alone") {
  for (Platform platform : {Platform::kAccel, Platform::kNearmem}) {
    for (const char* format : {"nvfp4", "fp4-tensor", "nvint4"}) {
      CAPTURE(platforms::PlatformName(platform), format);
      const trace::Network net = compiler::BuildNetwork("mobilenet_v2", 32);
      const auto with = [&](const std::string& scale) {
        const std::vector<std::string> sets = {
            std::string("datapath.weights=") + format, "datapath.weights.scale=" + scale,
            "sram.out.size=1MiB"};  // tiles do not shrink for the parameters
        return Make(net, platforms::Resolve(platform, "", sets));
      };
      const Case tensor = with("tensor"), channel = with("channel");
      uint64_t finished = 0;  // channels of tiles
      for (const sim::Command& word : channel.program.commands) {
        if (word.opcode == sim::Opcode::kVectorRun) finished += word.elementwise.channels;
      }
      uint64_t channels = 0, layers = 0;
      for (size_t i = 0; i < net.layers.size(); ++i) {
        const trace::Layer& l = net.layers[i];
        const auto of_layer =
            static_cast<uint64_t>(l.has_weights() ? net.tensors[l.output].shape.channels : 0);
        CHECK(channel.Get(i, "load.bytes") - tensor.Get(i, "load.bytes") == 4 * of_layer);
        channels += of_layer;
        layers += l.has_weights() ? 1 : 0;
      }
      CHECK(channel.Total("sram.out.read_bytes") - tensor.Total("sram.out.read_bytes") ==
            4 * finished);
      CHECK(channel.program.weight_bits - tensor.program.weight_bits == 32 * (channels - layers));
      for (const char* count : {"vector.fp32_muls", "vector.fp32_adds", "tensor.macs"}) {
        CHECK(channel.Total(count) == tensor.Total(count));
        CHECK(channel.Total(count) > 0);
      }
    }
  }
}

}  // namespace
}  // namespace nibble::test
