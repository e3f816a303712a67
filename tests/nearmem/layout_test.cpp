// Every weight and every scale has a place of its own in the rows of the banks.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <tuple>

#include "tests/nearmem/support.h"

namespace nibble::nearmem {
namespace {

using numerics::Format;
using numerics::Random;

TEST_CASE("a 2 KiB row of 32-byte columns holds data and scales in the proportion of the format") {
  const memory::DramDevice device = Device("lpddr5-6400-x16");
  REQUIRE(device.row_bytes == 2048);
  REQUIRE(device.columns() == 64);
  const auto row = [&](Format format, int block) {
    const BankLayout layout(Taps(format, block, 1, 512), NearmemConfig{}, device, 2);
    return std::make_pair(layout.data_columns_per_row(),
                          layout.ScaleColumns(layout.data_columns_per_row()));
  };
  // B = 16: a scale byte for 16 codes of half a byte, so 8 data columns to a scale column.
  CHECK(row(Format::kNvfp4, 16) == std::make_pair(56u, 7u));
  // 4 to 1, 16 to 1, and at least a byte a column: 32 to 1.
  CHECK(row(Format::kNvfp4, 8) == std::make_pair(51u, 13u));
  CHECK(row(Format::kNvfp4, 32) == std::make_pair(60u, 4u));
  CHECK(row(Format::kNvfp4, 64) == std::make_pair(62u, 2u));
  CHECK(row(Format::kNvfp4, 128) == std::make_pair(62u, 2u));
  for (Format format : {Format::kFp4, Format::kFp8, Format::kFp16}) {
    CHECK(row(format, 16) == std::make_pair(64u, 0u));
  }
}

TEST_CASE("as many data columns as leave room for their scales") {
  for (const char* name : memory::kDevices) {
    const memory::DramDevice device = Device(name);
    for (Format format : kWeightFormats) {
      for (int block : kBlocks) {
        const BankLayout layout(Taps(format, block, 1, 512), NearmemConfig{}, device, 1);
        const uint32_t data = layout.data_columns_per_row();
        CHECK(data + layout.ScaleColumns(data) <= device.columns());
        CHECK(data + 1 + layout.ScaleColumns(data + 1) > device.columns());
        // The scales of the codes of a row.
        const uint32_t codes = data * device.burst_bytes * 8 / numerics::ElementBits(format);
        if (format == Format::kNvfp4) {
          CHECK(layout.ScaleColumns(data) * device.burst_bytes * static_cast<uint32_t>(block) >=
                codes);
        }
      }
    }
  }
}

TEST_CASE("scale columns lie at the end of a row, or each after the columns that it serves") {
  const memory::DramDevice device = Device("lpddr5-6400-x16");
  NearmemConfig config;
  const auto columns = [&](uint32_t index) {
    const BankLayout layout(Taps(Format::kNvfp4, 16, 1, 4096), config, device, 1);
    uint32_t byte = 0;
    return std::make_pair(layout.DataColumn(0, index).column,
                          layout.ScaleColumn(0, index, &byte).column);
  };
  // 8 data columns to a scale column.
  CHECK(columns(0) == std::make_pair(0u, 56u));
  CHECK(columns(7) == std::make_pair(7u, 56u));
  CHECK(columns(8) == std::make_pair(8u, 57u));
  CHECK(columns(55) == std::make_pair(55u, 62u));
  config.scales = ScalePlace::kBeside;
  CHECK(columns(0) == std::make_pair(0u, 8u));
  CHECK(columns(7) == std::make_pair(7u, 8u));
  CHECK(columns(8) == std::make_pair(9u, 17u));
  CHECK(columns(55) == std::make_pair(61u, 62u));
}

TEST_CASE("activations that do not fit the buffer come in parts on neighbouring columns") {
  // HBM-PIM: 8 registers of 16 FP16 inputs, 8 of sums; 64 columns of a unit work on one part.
  const memory::DramDevice device = Device("hbm2-2000-pch");
  NearmemConfig config;
  config.buffer_bytes = 256;
  config.unit_banks = 2;
  sim::Geometry g = Pointwise(4096, Format::kFp16);
  g.activation_format = static_cast<uint8_t>(Format::kFp16);
  g.bank_group = 7;
  const BankLayout layout(g, config, device, 1);
  CHECK(layout.units() == 8);
  CHECK(layout.columns_per_part() == 8);
  CHECK(layout.parts() == 32);
  CHECK(layout.channel_unit() == 64);
  CHECK(layout.Rows(64) == 32);  // 2,048 columns of 32 bytes: 64 rows of 1 KiB in two banks
  for (uint32_t nth = 0; nth < 8; ++nth) {
    for (uint32_t index = 0; index < 256; ++index) {
      const memory::DramLocation at = layout.DataColumn(8 * nth, index);
      const uint32_t place = index / 8 * 64 + nth * 8 + index % 8;
      REQUIRE((at.row * 2 + at.bank) * 32 + at.column == place);
    }
  }
  config.buffer_bytes = 31;
  CHECK_THROWS_WITH(BankLayout(g, config, device, 1), Catch::Matchers::Contains("32 bytes"));
}

TEST_CASE("every column has a place of its own, and they are dense") {
  int in_parts = 0;
  for (uint32_t seed = 0; seed < 120; ++seed) {
    Random random(seed);
    const memory::DramDevice device = Device(memory::kDevices[random.Int(0, 1)]);
    const Format format = kWeightFormats[random.Int(0, 3)];
    const auto dram_channels = 1u << random.Int(0, 2);
    const NearmemConfig config = RandomUnit(random);
    sim::Geometry geometry =
        Taps(format, kBlocks[random.Int(0, 4)], random.Int(0, 2) ? 1 : 9,
             static_cast<uint32_t>(random.Int(1, random.Int(0, 3) ? 300 : 5000)));
    geometry.bank_group = static_cast<uint8_t>(random.Int(0, 7));
    const BankLayout layout(geometry, config, device, dram_channels);
    in_parts += layout.parts() > 1;
    const auto channels = static_cast<uint32_t>(random.Int(1, 200));
    CAPTURE(seed);

    std::set<std::tuple<uint32_t, uint32_t, uint32_t, uint32_t>> data;
    std::set<std::tuple<uint32_t, uint32_t, uint32_t, uint32_t, uint32_t>> scales;
    uint32_t rows = 0;
    for (uint32_t n = 0; n < channels; ++n) {
      std::set<std::pair<uint32_t, uint32_t>> rows_of_channel;
      for (uint32_t i = 0; i < layout.columns_per_channel(); ++i) {
        const memory::DramLocation at = layout.DataColumn(n, i);
        REQUIRE(at.channel < dram_channels);
        REQUIRE(at.bank < device.banks());
        REQUIRE(at.column < device.columns());
        // In lock step all units work on the same row and column.
        const memory::DramLocation first =
            layout.DataColumn(n / layout.units() * layout.units(), i);
        REQUIRE(at.row == first.row);
        REQUIRE(at.column == first.column);
        REQUIRE(at.bank % config.unit_banks == first.bank % config.unit_banks);
        REQUIRE(data.insert({at.channel, at.bank, at.row, at.column}).second);
        rows = std::max(rows, at.row + 1);
        rows_of_channel.insert({at.bank, at.row});
        if (layout.scale_bytes_per_column() == 0) continue;
        uint32_t byte = 0;
        const memory::DramLocation scale = layout.ScaleColumn(n, i, &byte);
        REQUIRE(scale.channel == at.channel);
        REQUIRE(scale.bank == at.bank);
        REQUIRE(scale.row == at.row);
        if (config.scales == ScalePlace::kRowEnd) {
          REQUIRE(scale.column >= layout.data_columns_per_row());
        } else {
          REQUIRE(scale.column > at.column);
        }
        REQUIRE(scale.column < device.columns());
        REQUIRE(byte + layout.scale_bytes_per_column() <= device.burst_bytes);
        for (uint32_t b = 0; b < layout.scale_bytes_per_column(); ++b) {
          REQUIRE(
              scales.insert({scale.channel, scale.bank, scale.row, scale.column, byte + b}).second);
        }
      }
      if (!layout.straddles() && layout.parts() == 1) REQUIRE(rows_of_channel.size() == 1);
    }
    for (const auto& [channel, bank, row, column, byte] : scales) {
      REQUIRE(data.count({channel, bank, row, column}) == 0);
    }
    // The rows that the cost counts hold the columns of the busiest unit, from any channel on.
    const uint64_t per_unit = (channels + layout.units() - 1) / layout.units();
    for (const uint64_t first : {uint64_t{0}, per_unit / 2}) {
      uint64_t unit_rows = 0, columns = 0;
      for (const BankLayout::RowKind& kind : layout.RowKinds(first, per_unit - first)) {
        CHECK(kind.data_columns <= layout.data_columns_per_row());
        unit_rows += kind.rows;
        columns += kind.rows * kind.data_columns;
      }
      CHECK(columns == (per_unit - first) * layout.columns_per_channel());
      CHECK(unit_rows <= uint64_t{layout.Rows(channels)} * config.unit_banks);
      CHECK(unit_rows * layout.data_columns_per_row() >= columns);
    }
    if (layout.parts() > 1) {  // a last group with holes may take more
      CHECK(layout.Rows(channels) >= rows);
      continue;
    }
    CHECK(layout.Rows(channels) == rows);
    CHECK((format == Format::kNvfp4) == !scales.empty());
    // Room for all codes and scales.
    const accel::WeightLayout& w = layout.weights();
    CHECK(data.size() * device.burst_bytes >= channels * w.code_bytes_per_channel());
    CHECK(scales.size() >= channels * w.scale_bytes_per_channel());
  }
  CHECK(in_parts > 5);
}

}  // namespace
}  // namespace nibble::nearmem
