// The rows that lowering writes, read back through the layout, hold the quantised weights.
#include <catch2/catch.hpp>

#include "sw/compiler/network_builder.h"
#include "sw/lowering/lowering.h"
#include "tests/nearmem/support.h"

namespace nibble::nearmem {
namespace {

using numerics::Format;
using numerics::Random;

uint8_t ByteAt(const sim::Program& program, uint64_t address) {
  for (const sim::Segment& s : program.image) {
    if (address - s.address < s.bytes.size()) return s.bytes[address - s.address];
  }
  FAIL("no part of the image holds address " << address);
  return 0;
}

uint16_t Code(const std::vector<uint8_t>& bytes, uint32_t k, int bits) {
  if (bits == 4) return bytes[k / 2] >> (k % 2 * 4) & 15;
  if (bits == 8) return bytes[k];
  return static_cast<uint16_t>(bytes[2 * k] | bytes[2 * k + 1] << 8);
}

TEST_CASE("weights near the memory are where the layout says") {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    compiler::NetworkBuilder builder("one");
    const int inputs = random.Int(1, 200);
    trace::Layer l;
    l.name = "conv";
    l.input = builder.AddInput("input", {3, 3, inputs});
    l.kernel_h = l.kernel_w = random.Int(1, 2);
    const int outputs = random.Int(1, 80);
    l.weights = random.Values(outputs * l.kernel_h * l.kernel_w * inputs);
    l.bias = random.Values(outputs);
    builder.AddLayer(std::move(l), outputs);
    const trace::Network net = std::move(builder).Finish("test");

    platforms::DesignPoint design = platforms::Resolve(platforms::Platform::kNearmem, "", {});
    design.nearmem_layers = "pointwise,conv";
    design.datapath.weights =
        kWeightFormats[random.Int(0, static_cast<int>(std::size(kWeightFormats)) - 1)];
    design.datapath.SetBlock(random.Block());
    design.dram_channels = 1u << random.Int(0, 2);
    design.nearmem = RandomUnit(random);
    const sim::Program program = lowering::Lower(net, design);
    CAPTURE(seed);
    REQUIRE(program.layers[0].near_memory);

    sim::Geometry geometry{};
    uint32_t bank_row = 0;
    for (const sim::Command& word : program.commands) {
      if (word.opcode == sim::Opcode::kBankConfig) geometry = word.geometry;
      if (word.opcode == sim::Opcode::kBankRun) bank_row = word.convolve.bank_row;
    }
    const BankLayout layout(geometry, design.nearmem, design.dram, design.dram_channels);
    const memory::DramMapping mapping(design.dram, design.dram_channels, design.dram_mapping);
    const trace::Layer& layer = net.layers[0];
    const numerics::QuantizedWeights expected =
        numerics::QuantizeWeights(layer.weights.data(), outputs, layer.kernel_h * layer.kernel_w,
                                  inputs, design.datapath.weights, design.datapath.weight_block);

    const uint32_t burst = design.dram.burst_bytes;
    const int bits = numerics::ElementBits(expected.format);
    const uint32_t codes_per_column = burst * 8 / static_cast<uint32_t>(bits);
    const auto blocks = static_cast<uint32_t>(numerics::BlockCount(inputs, expected.block));
    int wrong_codes = 0, wrong_scales = 0;
    for (uint32_t n = 0; n < static_cast<uint32_t>(outputs); ++n) {
      for (uint32_t s = 0; s < layout.weights().segments; ++s) {
        const size_t run = size_t{n} * layout.weights().segments + s;
        for (uint32_t c = 0; c < layout.columns_per_run(); ++c) {
          const uint32_t index = s * layout.columns_per_run() + c;
          memory::DramLocation at = layout.DataColumn(n, index);
          at.row += bank_row;
          std::vector<uint8_t> bytes;
          for (uint32_t b = 0; b < burst; ++b) {
            bytes.push_back(ByteAt(program, mapping.Address(at) + b));
          }
          for (uint32_t k = 0; k < codes_per_column; ++k) {
            const uint32_t element = c * codes_per_column + k;
            if (element >= static_cast<uint32_t>(inputs)) break;
            wrong_codes += Code(bytes, k, bits) != expected.codes[run * inputs + element];
          }
          if (layout.scale_bytes_per_column() == 0) continue;
          uint32_t byte = 0;
          at = layout.ScaleColumn(n, index, &byte);
          at.row += bank_row;
          const auto size = static_cast<uint32_t>(numerics::BlockScaleBits(expected.format)) / 8;
          for (uint32_t i = 0; i < layout.scale_bytes_per_column(); ++i) {
            const uint32_t block =
                c * codes_per_column / static_cast<uint32_t>(expected.block) + i / size;
            if (block >= blocks) break;
            const uint32_t scale = expected.scales[run * blocks + block] >> (8 * (i % size)) & 0xFF;
            wrong_scales += ByteAt(program, mapping.Address(at) + byte + i) != scale;
          }
        }
      }
    }
    CHECK(wrong_codes == 0);
    CHECK(wrong_scales == 0);
  }
}

}  // namespace
}  // namespace nibble::nearmem
