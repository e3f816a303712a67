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
    const BankLayout layout(Weights(format, block, 1, 512), device, 2);
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
        const BankLayout layout(Weights(format, block, 1, 512), device, 1);
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

TEST_CASE("every column has a place of its own, and none straddles a row") {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    const memory::DramDevice device = Device(memory::kDevices[random.Int(0, 1)]);
    const Format format = kWeightFormats[random.Int(0, 3)];
    const auto dram_channels = 1u << random.Int(0, 2);
    const BankLayout layout(
        Weights(format, kBlocks[random.Int(0, 4)], random.Int(0, 2) ? 1 : 9,
                static_cast<uint32_t>(random.Int(1, random.Int(0, 3) ? 300 : 5000))),
        device, dram_channels);
    const auto channels = static_cast<uint32_t>(random.Int(1, 200));
    CAPTURE(seed);

    std::set<std::tuple<uint32_t, uint32_t, uint32_t, uint32_t>> data;
    std::set<std::tuple<uint32_t, uint32_t, uint32_t, uint32_t, uint32_t>> scales;
    uint32_t rows = 0;
    for (uint32_t n = 0; n < channels; ++n) {
      std::set<uint32_t> rows_of_channel;
      for (uint32_t i = 0; i < layout.columns_per_channel(); ++i) {
        const memory::DramLocation at = layout.DataColumn(n, i);
        REQUIRE(at.channel < dram_channels);
        REQUIRE(at.bank < device.banks());
        REQUIRE(at.column < layout.data_columns_per_row());
        // In lock step all units work on the same row and column.
        const memory::DramLocation first =
            layout.DataColumn(n / layout.units() * layout.units(), i);
        REQUIRE(at.row == first.row);
        REQUIRE(at.column == first.column);
        REQUIRE(data.insert({at.channel, at.bank, at.row, at.column}).second);
        rows = std::max(rows, at.row + 1);
        rows_of_channel.insert(at.row);
        if (layout.scale_bytes_per_column() == 0) continue;
        uint32_t byte = 0;
        const memory::DramLocation scale = layout.ScaleColumn(n, i, &byte);
        REQUIRE(scale.channel == at.channel);
        REQUIRE(scale.bank == at.bank);
        REQUIRE(scale.row == at.row);
        REQUIRE(scale.column >= layout.data_columns_per_row());
        REQUIRE(scale.column < device.columns());
        REQUIRE(byte + layout.scale_bytes_per_column() <= device.burst_bytes);
        for (uint32_t b = 0; b < layout.scale_bytes_per_column(); ++b) {
          REQUIRE(
              scales.insert({scale.channel, scale.bank, scale.row, scale.column, byte + b}).second);
        }
      }
      if (layout.columns_per_channel() <= layout.data_columns_per_row()) {
        REQUIRE(rows_of_channel.size() == 1);
      } else {
        REQUIRE(rows_of_channel.size() == layout.rows_per_channel());
      }
    }
    CHECK(layout.Rows(channels) == rows);
    CHECK((format == Format::kNvfp4) == !scales.empty());
    // Room for all codes and scales.
    const accel::WeightLayout& w = layout.weights();
    CHECK(data.size() * device.burst_bytes >= channels * w.code_bytes_per_channel());
    CHECK(scales.size() >= channels * w.scale_bytes_per_channel());
  }
}

}  // namespace
}  // namespace nibble::nearmem
