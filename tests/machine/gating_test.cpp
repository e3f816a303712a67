// Zeros that machines count, and what gating and multipliers make of them: the same bits, cycles
// and traffic, other energy.
#include <catch2/catch.hpp>
#include <cmath>

#include "models/accel/weight_layout.h"
#include "models/numerics/block_tensor.h"
#include "models/numerics/elements.h"
#include "platforms/energy_model.h"
#include "sw/compiler/compiler.h"
#include "sw/golden/taps.h"
#include "sw/golden/weights.h"
#include "sw/trace/file.h"
#include "tests/machine/random_network.h"
#include "tests/machine/run.h"
#include "tests/support/sanitizers.h"

namespace nibble::test {
namespace {

using accel::Gating;
using numerics::Format;
using numerics::Multiplier;
using platforms::Platform;

// [row][element] values without their block scales, and these.
struct Values {
  int length = 0, block = 0;
  std::vector<double> elements, scales;

  double Element(size_t row, int k) const { return elements[row * length + k]; }
  double Scale(size_t row, int k) const {
    const size_t blocks = static_cast<size_t>(numerics::BlockCount(length, block));
    return scales.empty() ? 1 : scales[row * blocks + k / block];
  }
};

template <typename Codes, typename Scales>
Values ValuesOf(Format format, int length, int block, const Codes& codes, const Scales& scales) {
  Values v{length, block, {}, {}};
  const numerics::FormatSpec& spec = numerics::SpecOf(format);
  for (const auto code : codes) {
    v.elements.push_back(numerics::DecodeElement(spec.element, code));
  }
  for (const auto scale : scales) {
    v.scales.push_back(numerics::BlockScaleValue(spec.block_scale, scale));
  }
  return v;
}

Values ValuesOf(const numerics::StoredActivations& stored) {
  const numerics::ActivationLayout& layout = stored.layout;
  const int bits = numerics::ElementBits(layout.format);
  std::vector<uint16_t> codes(static_cast<size_t>(layout.pixels) * layout.channels);
  for (int p = 0; p < layout.pixels; ++p) {
    numerics::UnpackCodes(bits, &stored.codes[size_t{layout.code_bytes_per_pixel()} * p],
                          layout.channels, &codes[static_cast<size_t>(p) * layout.channels]);
  }
  std::vector<uint32_t> scales;
  const int size = numerics::BlockScaleBits(layout.format) / 8;
  for (size_t i = 0; i < stored.scales.size(); i += static_cast<size_t>(size)) {
    scales.push_back(numerics::LoadWord(&stored.scales[i], size));
  }
  return ValuesOf(layout.format, layout.channels, layout.block, codes, scales);
}

struct Zeros {
  uint64_t products = 0, blocks = 0, products_of_blocks = 0;
};

// All products of a layer, one after the other.
Zeros NaiveZeros(const trace::Network& net, const trace::Layer& l, const Values& a, const Values& w,
                 int term) {
  const trace::Shape& in = net.tensors[l.input].shape;
  const trace::Shape& out = net.tensors[l.output].shape;
  const bool depthwise = l.op == trace::Op::kDepthwiseConv;
  const int columns = depthwise ? 1 : in.channels, taps = l.kernel_h * l.kernel_w;
  Zeros zeros;
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      std::vector<int> under(static_cast<size_t>(taps), -1);
      golden::ForEachTap(l, in, y, x, [&](int tap, int pixel) { under[tap] = pixel; });
      for (int n = 0; n < out.channels; ++n) {
        for (int tap = 0; tap < taps; ++tap) {
          for (int first = 0; first < columns; first += term) {
            const int last = std::min(first + term, columns);
            bool zero = true;
            for (int c = first; c < last; ++c) {
              const size_t row = depthwise ? n : static_cast<size_t>(n) * taps + tap;
              const int k = depthwise ? tap : c, channel = depthwise ? n : c;
              if (under[tap] < 0) {
                ++zeros.products;
                continue;
              }
              const auto pixel = static_cast<size_t>(under[tap]);
              const double product = a.Element(pixel, channel) * w.Element(row, k);
              zeros.products += product == 0 ? 1 : 0;
              zero = zero && product * (a.Scale(pixel, channel) * w.Scale(row, k)) == 0;
            }
            if (!zero) continue;
            ++zeros.blocks;
            zeros.products_of_blocks += static_cast<uint64_t>(last - first);
          }
        }
      }
    }
  }
  return zeros;
}

uint64_t OfBoth(const sim::RunStats& stats, size_t layer, const std::string& counter) {
  uint64_t sum = stats.Value(layer, "tensor." + counter);
  if (stats.Has("bank." + counter)) sum += stats.Value(layer, "bank." + counter);
  return sum;
}

uint64_t TotalOfBoth(const sim::RunStats& stats, const std::string& counter) {
  uint64_t sum = 0;
  for (size_t i = 0; i < stats.values.size(); ++i) sum += OfBoth(stats, i, counter);
  return sum;
}

// Priced with scratchpads that the table of their energy covers.
double EnergyPj(const platforms::DesignPoint& design, const sim::RunStats& stats) {
  platforms::DesignPoint priced = platforms::Resolve(design.platform, "", {});
  priced.datapath = design.datapath;
  priced.compute = design.compute;
  priced.dram = design.dram;
  priced.sram_act.ecc = design.sram_act.ecc;
  priced.sram_weight.ecc = design.sram_weight.ecc;
  priced.sram_acc.ecc = design.sram_acc.ecc;
  priced.sram_out.ecc = design.sram_out.ecc;
  double pj = 0;
  for (const auto& layer : platforms::EnergyModel(priced).PerLayer(stats)) {
    for (const double component : layer) pj += component;
  }
  return pj;
}

constexpr Platform kPlatforms[] = {Platform::kAccel, Platform::kNearmem};

TEST_CASE("both engines count the zeros of all products of a layer", "[gating]") {
  for (uint32_t seed = 1; seed <= 24; ++seed) {
    const trace::Network net = RandomNetwork(seed);
    for (const Platform platform : kPlatforms) {
      Random random(seed);
      platforms::DesignPoint design = RandomDesign(platform, random);
      design.datapath.activations = Pick(random, {Format::kNvfp4, Format::kMxfp4, Format::kInt8});
      design.datapath.weights = Pick(random, {Format::kNvfp4, Format::kFp8, Format::kFp16});
      design.datapath.SetBlock(Pick(random, {8, 16, 32}));
      design.compute.count_zeros = true;
      const std::vector<float> input = RandomInput(net, seed);
      sim::Program program = LowerFitting(net, design);
      lowering::SetInput(program, net, design, input);
      const sim::RunStats stats = platforms::Run(design, program).stats;
      const golden::Execution e = golden::Run(net, design.datapath, input);
      for (size_t i = 0; i < net.layers.size(); ++i) {
        const trace::Layer& l = net.layers[i];
        if (!l.has_weights()) continue;
        const numerics::QuantizedWeights w = golden::QuantizeLayer(net, l, design.datapath);
        const int term =
            numerics::WideOperands{design.datapath.activations, design.datapath.weights,
                                   design.datapath.activation_block, design.datapath.weight_block,
                                   l.op == trace::Op::kDepthwiseConv}
                .term();
        const Zeros zeros =
            NaiveZeros(net, l, ValuesOf(e.tensors[l.input]),
                       ValuesOf(w.format, w.segment, w.block, w.codes, w.scales), term);
        CAPTURE(seed, platforms::PlatformName(platform), l.name, term);
        CHECK(OfBoth(stats, i, "zero_products") == zeros.products);
        CHECK(OfBoth(stats, i, "zero_blocks") == zeros.blocks);
        CHECK(OfBoth(stats, i, "products_of_zero_blocks") == zeros.products_of_blocks);
      }
    }
  }
}

TEST_CASE("gating and multipliers change energy, and no bit, cycle or byte", "[gating]") {
  for (uint32_t seed = 1; seed <= Cases(8u); ++seed) {
    const trace::Network net = RandomNetwork(seed);
    for (const Platform platform : kPlatforms) {
      for (const Multiplier multiplier : {Multiplier::kArray, Multiplier::kTable}) {
        Random random(seed);
        platforms::DesignPoint design = RandomDesign(platform, random);
        design.datapath.weights = Pick(random, {Format::kNvfp4, Format::kFp8, Format::kMxfp4});
        // Accumulators other than fp32 go product by product, through the tables.
        design.datapath.accumulator.kind =
            Pick(random, {numerics::Accumulation::kFp32, numerics::Accumulation::kFp32Rz,
                          numerics::Accumulation::kLanes});
        const std::vector<float> input = RandomInput(net, seed);
        sim::Program program = LowerFitting(net, design);
        lowering::SetInput(program, net, design, input);
        const golden::Execution expected = golden::Run(net, design.datapath, input);
        design.compute.multiplier = multiplier;
        const platforms::RunOutcome none = platforms::Run(design, program);
        CAPTURE(seed, platforms::PlatformName(platform), numerics::MultiplierName(multiplier));
        CHECK(FirstDifference(net, expected, program, none).value_or("equal") == "equal");

        double before = EnergyPj(design, none.stats);
        for (const Gating gating : {Gating::kOperand, Gating::kBlock}) {
          design.compute.gating = gating;
          const platforms::RunOutcome gated = platforms::Run(design, program);
          const double energy = EnergyPj(design, gated.stats);
          CHECK(gated.tensors == none.tensors);
          CHECK(gated.stats.layer_cycles == none.stats.layer_cycles);
          for (const char* key : {"dram.read_bytes", "sram.act.read_bytes", "tensor.macs"}) {
            CHECK(gated.stats.Total(key) == none.stats.Total(key));
          }
          const char* per_product =
              multiplier == Multiplier::kArray ? "product_bits2" : "product_signs";
          const uint64_t macs = TotalOfBoth(none.stats, "macs");
          CHECK(TotalOfBoth(gated.stats, per_product) * macs ==
                TotalOfBoth(none.stats, per_product) *
                    (macs - TotalOfBoth(gated.stats, "zero_products")));
          const bool saves = gating == Gating::kOperand
                                 ? TotalOfBoth(gated.stats, "zero_products") > 0
                                 : TotalOfBoth(gated.stats, "zero_blocks") > 0;
          CHECK((saves ? energy < before : energy == Approx(before)));
          if (gating == Gating::kBlock &&
              design.datapath.accumulator.kind != numerics::Accumulation::kLanes) {
            CHECK(TotalOfBoth(gated.stats, "fp32_adds") ==
                  TotalOfBoth(none.stats, "fp32_adds") - TotalOfBoth(gated.stats, "zero_blocks"));
          }
          before = energy;
        }
      }
    }
  }
}

TEST_CASE("without the bits zeros are those that the trace records, or the run is refused",
          "[gating]") {
  const trace::Network net = trace::Read(std::string(NIBBLE_SOURCE_DIR) + "/traces/mobilenet.trc");
  platforms::RunOptions timing_only;
  timing_only.timing_only = true;
  for (const Platform platform : kPlatforms) {
    platforms::DesignPoint design = platforms::Resolve(platform, "", {"datapath.gating=block"});
    sim::Program program = lowering::Lower(net, design);
    lowering::SetInput(program, net, design, compiler::GeneratedInput(net, 0));
    const sim::RunStats counted = platforms::Run(design, program).stats;
    const sim::Program bare = lowering::Lower(net, design, {false});
    const sim::RunStats expected = platforms::Run(design, bare, timing_only).stats;
    CAPTURE(platforms::PlatformName(platform));
    CHECK(expected.layer_cycles == counted.layer_cycles);
    CHECK(expected.Total("dram.read_bytes") == counted.Total("dram.read_bytes"));
    CHECK(!expected.Has("tensor.weight_sign_toggles"));
    for (size_t i = 0; i < net.layers.size(); ++i) {
      if (!net.layers[i].has_weights()) continue;
      CAPTURE(net.layers[i].name);
      const auto of = [i](const sim::RunStats& stats, const char* counter) {
        return static_cast<double>(OfBoth(stats, i, counter));
      };
      const double macs = of(counted, "macs"), blocks = of(counted, "block_terms");
      // The recorded input is the one that ran: only binary32 shares round, tile by tile.
      CHECK(std::abs(of(expected, "zero_blocks") - of(counted, "zero_blocks")) <=
            1e-6 * blocks + 64);
      CHECK(std::abs(of(expected, "zero_weights") - of(counted, "zero_weights")) <=
            0.01 * of(counted, "weight_loads"));
      // Zeros of activations and weights are not quite independent.
      CHECK(std::abs(of(expected, "zero_products") - of(counted, "zero_products")) <= 0.005 * macs);
    }
    const std::string engine = platform == Platform::kNearmem ? "bank" : "tensor";
    const platforms::EnergyModel energy(design);
    const auto engines_pj = [&](const sim::RunStats& stats) {
      double pj = 0;
      const std::vector<std::string> names = energy.components();
      for (const auto& layer : energy.PerLayer(stats)) {
        for (size_t c = 0; c < names.size(); ++c) {
          if (names[c] == "tensor" || names[c] == engine) pj += layer[c];
        }
      }
      return pj;
    };
    CHECK(engines_pj(expected) == Approx(engines_pj(counted)).epsilon(2e-4));

    trace::Network without = net;
    for (trace::Layer& l : without.layers) l.zeros.reset();
    CHECK_THROWS_WITH(lowering::Lower(without, design, {false}),
                      Catch::Contains("'stem'") && Catch::Contains("datapath.gating"));
    CHECK_NOTHROW(lowering::Lower(without, design));  // with the bits they are counted
    design.compute.gating = Gating::kNone;
    CHECK_NOTHROW(lowering::Lower(without, design, {false}));
  }
}

TEST_CASE("a layer whose formats the table multiplier lacks is refused by name", "[gating]") {
  const trace::Network net = compiler::BuildNetwork("mobilenet_v2", 32);
  const auto lower = [&](const std::string& set) {
    lowering::Lower(net, platforms::Resolve(Platform::kAccel, "", {"datapath.multiplier=lut", set}),
                    {false});
  };
  CHECK_NOTHROW(lower("layers.first.weights=mxfp8"));
  CHECK_THROWS_WITH(lower("layers.last.weights=fp16"), Catch::Contains("'classifier'") &&
                                                           Catch::Contains("fp16") &&
                                                           Catch::Contains("datapath.multiplier"));
  CHECK_THROWS_AS(lower("layers.last.activations=int4"), lowering::LoweringError);
}

}  // namespace
}  // namespace nibble::test
