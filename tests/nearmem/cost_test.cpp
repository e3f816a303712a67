// What a run near the memory takes, against closed forms.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/nearmem/support.h"

namespace nibble::nearmem {
namespace {

using numerics::Format;
using numerics::Random;

sim::Geometry Pointwise(uint16_t channels, Format weights) {
  sim::Geometry g{};
  g.in_height = g.out_height = 64;
  g.in_width = g.out_width = 64;
  g.in_channels = channels;
  g.kernel_h = g.kernel_w = g.stride_h = g.stride_w = g.dilation_h = g.dilation_w = 1;
  g.activation_format = static_cast<uint8_t>(Format::kNvfp4);
  g.weight_format = static_cast<uint8_t>(weights);
  g.activation_block = g.weight_block = 16;
  return g;
}

TEST_CASE("opening a row in all banks of a LPDDR5 channel takes 125 ns besides its columns") {
  // tRRD 5 ns and tFAW 20 ns put the 16th activate at 75 ns; then tRCD 18.75, tRTP 10, tRPab 21.25.
  const memory::DramDevice d = Device("lpddr5-6400-x16");
  NearmemConfig config;
  config.buffer_bytes = 288;  // one pixel of 512 channels: 256 bytes of codes, 32 of scales
  const sim::Geometry g = Pointwise(512, Format::kNvfp4);
  // 7 channels of 8 columns fill the 56 data columns of a row; 14 fill two rows.
  const uint32_t units = 2 * d.banks();
  const BankCost one = BankCostOf(config, d, 2, g, 1, 7 * units);
  REQUIRE(one.activates == units);
  const uint64_t bus =
      (one.broadcast_bursts + one.readback_bursts) / 2 * std::max(d.ccd_s, d.burst) * d.tck_ps;
  const uint64_t columns = 63 * d.ccd_l * d.tck_ps;
  CHECK(columns == 315000);
  const uint64_t rest = one.clocks * d.tck_ps - bus - columns;
  CHECK(rest >= 125000);
  // Emptying the accumulators may add a read's latency now and then.
  CHECK(rest <= 125000 + 7 * d.cl * d.tck_ps);
}

TEST_CASE("aligned layers take slots x tCCD_L x 9/8, activation, broadcast and read-back") {
  for (const char* name : {"lpddr5-6400-x16", "lpddr4-3200-x16"}) {  // rows of 2 KiB
    const memory::DramDevice d = Device(name);
    const NearmemConfig config;  // 64 lanes, a buffer of 2,304 bytes
    for (uint32_t dram_channels : {1u, 2u, 4u}) {
      for (uint64_t batches : {1, 3}) {
        for (uint32_t rows : {1u, 2u, 5u}) {
          const uint32_t per_unit = 7 * rows;  // output channels of a bank
          const uint32_t units = dram_channels * d.banks();
          const uint64_t pixels = 8 * batches;  // 8 pixels of 288 bytes fill the buffer
          const BankCost cost = BankCostOf(config, d, dram_channels, Pointwise(512, Format::kNvfp4),
                                           pixels, per_unit * units);
          CAPTURE(name, dram_channels, batches, rows);
          // 512 codes are 8 columns of 64, a slot each.
          CHECK(cost.slots == pixels * per_unit * 8);
          const uint64_t columns = cost.slots * 9 / 8;
          CHECK(cost.near_reads == columns * units);
          CHECK(cost.activates == batches * rows * units);
          CHECK(cost.broadcast_bursts == dram_channels * pixels * 288 / 32);
          CHECK(cost.readback_bursts == pixels * per_unit * units * 4 / 32);
          CHECK(cost.buffer_writes == cost.broadcast_bursts);
          CHECK(cost.act_read_bytes == pixels * 288);
          CHECK(cost.acc_write_bytes == pixels * per_unit * units * 4);
          const uint64_t burst = std::max(d.ccd_s, d.burst);
          const uint64_t open = (d.banks() / 4 - 1) * std::max(d.faw, 4 * d.rrd_s) + 3 * d.rrd_s +
                                d.rcd + d.rtp + d.rp_ab;
          const uint64_t busy =
              columns * d.ccd_l +
              (cost.broadcast_bursts + cost.readback_bursts) / dram_channels * burst +
              batches * rows * open;
          CHECK(cost.clocks >= busy);
          CHECK(cost.clocks <= busy + pixels * per_unit * d.cl);
        }
      }
    }
  }
}

TEST_CASE("wider codes and fewer lanes take more slots") {
  const memory::DramDevice d = Device("lpddr5-6400-x16");
  NearmemConfig config;
  const auto cost = [&](Format format) {
    return BankCostOf(config, d, 1, Pointwise(512, format), 4, 16);
  };
  // 512 weights are 8, 16 or 32 columns of 256 bits.
  CHECK(cost(Format::kFp4).slots == 4u * 8);
  CHECK(cost(Format::kFp8).slots == 4u * 16);
  CHECK(cost(Format::kFp16).slots == 4u * 32);
  CHECK(cost(Format::kFp4).near_reads == 4u * 8 * 16);
  config.lanes = 32;  // a column of 64 codes takes two slots, but is read once
  CHECK(cost(Format::kFp4).slots == 4u * 16);
  CHECK(cost(Format::kFp4).near_reads == 4u * 8 * 16);
  CHECK(cost(Format::kFp8).slots == 4u * 16);
}

TEST_CASE("costs grow with the work and never undercut their parts") {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const memory::DramDevice d = Device(memory::kDevices[random.Int(0, 1)]);
    NearmemConfig config;
    config.lanes = 16u << random.Int(0, 3);
    config.accumulators = static_cast<uint32_t>(random.Int(1, 32));
    sim::Geometry g =
        Pointwise(static_cast<uint16_t>(random.Int(1, 3000)),
                  kWeightFormats[random.Int(0, static_cast<int>(std::size(kWeightFormats)) - 1)]);
    g.kernel_h = static_cast<uint8_t>(random.Int(1, 3));
    g.activation_block = g.weight_block = static_cast<uint8_t>(random.Block());
    config.buffer_bytes = static_cast<uint32_t>(BroadcastBytes(g)) * (1u << random.Int(0, 4));
    const auto dram_channels = 1u << random.Int(0, 2);
    const auto pixels = static_cast<uint64_t>(random.Int(1, 60));
    const auto channels = static_cast<uint32_t>(random.Int(1, 200));
    const BankCost cost = BankCostOf(config, d, dram_channels, g, pixels, channels);
    CAPTURE(seed);
    CHECK(cost.clocks >= cost.slots * d.ccd_l);
    CHECK(cost.clocks * dram_channels >= (cost.broadcast_bursts + cost.readback_bursts) * d.burst);
    const uint64_t macs = pixels * channels * g.kernel_h * g.in_channels;
    CHECK(cost.slots * config.lanes * dram_channels * d.banks() >= macs);
    CHECK(cost.broadcast_bursts * 32 >= pixels * BroadcastBytes(g) * dram_channels);
    CHECK(cost.readback_bursts * 32 >= pixels * channels * 4);
    CHECK(cost.acc_write_bytes == pixels * channels * 4);

    const BankCost more_pixels = BankCostOf(config, d, dram_channels, g, pixels + 1, channels);
    CHECK(more_pixels.clocks > cost.clocks);
    const BankCost more_channels = BankCostOf(config, d, dram_channels, g, pixels, channels + 64);
    CHECK(more_channels.clocks > cost.clocks);
    config.buffer_bytes *= 2;
    CHECK(BankCostOf(config, d, dram_channels, g, pixels, channels).activates <= cost.activates);
  }
}

}  // namespace
}  // namespace nibble::nearmem
