// What a run near the memory takes, against closed forms.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/nearmem/support.h"

namespace nibble::nearmem {
namespace {

using numerics::Format;
using numerics::Random;

// One product a code of a column each slot, one pixel to a read.
NearmemConfig PlainUnit() {
  NearmemConfig config;
  config.lanes = 64;
  config.pixels = 1;
  config.mode_switch_ns = 0;
  return config;
}

uint64_t BusClocks(const memory::DramDevice& d, const BankCost& cost, uint32_t dram_channels) {
  return (cost.broadcast_bursts + cost.readback_bursts) / dram_channels *
         std::max(d.ccd_s, d.burst);
}

TEST_CASE("opening a row in all banks of a LPDDR5 channel takes 125 ns besides its columns") {
  // tRRD 5 ns and tFAW 20 ns put the 16th activate at 75 ns; then tRCD 18.75, tRTP 10, tRPab 21.25.
  const memory::DramDevice d = Device("lpddr5-6400-x16");
  NearmemConfig config = PlainUnit();
  const auto opening = [&] {
    const sim::Geometry g = Pointwise(512, Format::kNvfp4);
    // 7 channels of 8 columns fill the 56 data columns of a row.
    const uint32_t units = 2 * d.banks() / config.unit_banks;
    const BankCost one = BankCostOf(config, d, 2, g, 1, {0, 7 * units});
    REQUIRE(one.activates == units);
    const uint64_t columns = 63 * d.ccd_l;
    CHECK(columns * d.tck_ps == 315000);
    const uint64_t latencies = d.cwl + d.wtr_l + d.cl;  // of the broadcast and the read-back
    return (one.clocks - BusClocks(d, one, 2) - columns - latencies) * d.tck_ps;
  };
  const uint64_t rest = (d.rcd + d.rtp + d.rp_ab) * d.tck_ps;
  CHECK(rest == 50000);
  CHECK(opening() == 75000 + rest);
  config.activation = BankActivation::kGroup4;  // at 0, 20, 40 and 60 ns
  CHECK(opening() == 60000 + rest);
  config.activation = BankActivation::kAll;
  CHECK(opening() == rest);
  config.activation = BankActivation::kFaw;
  config.unit_banks = 2;  // 8 banks open together: the last at 20 + 15 ns
  CHECK(opening() == 35000 + rest);
}

TEST_CASE("a row is open for tRAS at least") {
  const memory::DramDevice d = Device("lpddr5-6400-x16");
  NearmemConfig config = PlainUnit();
  config.activation = BankActivation::kAll;
  const BankCost one = BankCostOf(config, d, 1, Pointwise(64, Format::kFp4), 1, {0, 16});
  REQUIRE(one.slots == 1);
  REQUIRE(d.rcd + d.ccd_l + d.rtp < d.ras);
  CHECK(one.clocks == BusClocks(d, one, 1) + d.cwl + d.wtr_l + d.cl + d.ras + d.rp_ab);
}

// slots x tCCD_L x (1 + 1/g) for g data columns to a scale column, rows, broadcast, read-back.
TEST_CASE("an NVFP4 bank takes its closed form, for every block size on every device") {
  for (const char* name : {"lpddr5-6400-x16", "gddr6-16-x16", "hbm2-2000-pch"}) {
    for (int block : kBlocks) {
      for (uint32_t unit_banks : {1u, 2u}) {
        for (ScalePlace scales : {ScalePlace::kRowEnd, ScalePlace::kBeside}) {
          const memory::DramDevice d = Device(name);
          NearmemConfig config = PlainUnit();
          config.unit_banks = unit_banks;
          config.scales = scales;
          config.buffer_bytes = 4096;  // all of the vector
          const uint32_t dram_channels = 2, units = dram_channels * d.banks() / unit_banks;
          // A matrix of 4,096 columns, 16 rows a unit: 64 columns of codes each.
          const sim::Geometry g = Taps(Format::kNvfp4, block, 1, 4096);
          const BankCost cost = BankCostOf(config, d, dram_channels, g, 1, {0, 16 * units});
          CAPTURE(name, block, unit_banks);
          CHECK(cost.slots == 16 * 64);
          // One byte for each block, or for each column that a longer block has; 32 to a column.
          const uint32_t bytes = 16 * 64 * std::max(1, 64 / block);
          const double columns = static_cast<double>(cost.slots) + bytes / 32.0;
          const double rows = static_cast<double>(cost.activates) / units;
          const uint64_t last = d.banks() / unit_banks - 1;
          const uint64_t open = last / 4 * std::max(d.faw, 4 * d.rrd_s) + last % 4 * d.rrd_s +
                                d.rcd + d.rtp + d.rp_ab;
          const double form = columns * static_cast<double>(d.ccd_l) +
                              rows * static_cast<double>(open) +
                              static_cast<double>(BusClocks(d, cost, dram_channels));
          CHECK(static_cast<double>(cost.clocks) == Approx(form).epsilon(0.05));
          CHECK(static_cast<double>(cost.near_reads) == Approx(columns * units).epsilon(0.03));
          // As many rows as the codes and scales need, but for what is left free at row ends.
          const double needed = columns / static_cast<double>(d.columns());
          CHECK(rows >= needed);
          CHECK(rows <= std::ceil(needed * 1.13));
        }
      }
    }
  }
}

TEST_CASE("one read of a column serves several pixels: fewer reads, the same products") {
  const memory::DramDevice d = Device("lpddr5-6400-x16");
  NearmemConfig config = PlainUnit();
  config.buffer_bytes = 16 * 288;
  const auto cost = [&](uint32_t pixels, uint32_t lanes) {
    config.pixels = pixels;
    config.lanes = lanes;
    // 7 channels of a unit, 8 columns each, a full row; 16 pixels, all in the buffer.
    return BankCostOf(config, d, 1, Pointwise(512, Format::kNvfp4), 16, {0, 7 * 16});
  };
  const BankCost one = cost(1, 64);
  CHECK(one.slots == 16 * 56);
  CHECK(one.near_reads == 16u * 16 * 63);
  CHECK(one.buffer_read_bytes == 16u * 7 * 288);
  for (uint32_t pixels : {2u, 4u, 16u}) {
    CAPTURE(pixels);
    const BankCost few = cost(pixels, 64);
    CHECK(few.slots == one.slots);  // a unit as wide as the column multiplies for one pixel a slot
    CHECK(few.near_reads == one.near_reads / pixels);
    // Scale columns are read once for all of them.
    CHECK(one.clocks - few.clocks == (16 - 16 / pixels) * 7 * d.ccd_l);
    CHECK(few.buffer_read_bytes == one.buffer_read_bytes);  // every product has an activation
    CHECK(few.activates == one.activates);
  }
  // A unit of four times the lanes takes four pixels a slot, if that many share a read, and if the
  // buffer sends 4 x 36 bytes in the 5 ns of a slot.
  CHECK(cost(16, 256).slots == one.slots / 4);
  CHECK(cost(1, 256).slots == one.slots);
  CHECK(cost(16, 256).buffer_read_bytes == one.buffer_read_bytes);
  CHECK(cost(16, 64).clocks - cost(16, 256).clocks == (16 - 4) * 56 * d.ccd_l);
  config.broadcast_gbps = 18;  // 8 ns
  CHECK((cost(16, 256).clocks - cost(16, 64).clocks) + 12 * 56 * d.ccd_l == 4 * 56 * (7 - d.ccd_l));
}

TEST_CASE("wider codes and fewer lanes take more slots") {
  const memory::DramDevice d = Device("lpddr5-6400-x16");
  NearmemConfig config = PlainUnit();
  const auto cost = [&](Format format) {
    return BankCostOf(config, d, 1, Pointwise(512, format), 4, {0, 16});
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

TEST_CASE("bank by bank only the banks with weights work, at the cadence of the command bus") {
  const memory::DramDevice d = Device("lpddr5-6400-x16");
  NearmemConfig config = PlainUnit();
  const auto cost = [&](BankMode mode, uint32_t channels) {
    config.mode = mode;
    return BankCostOf(config, d, 1, Pointwise(512, Format::kNvfp4), 1, {0, channels});
  };
  // 3 of 16 banks have a channel of 8 columns and a scale column.
  CHECK(cost(BankMode::kPerBank, 3).near_reads == 3 * 9);
  CHECK(cost(BankMode::kPerBank, 3).activates == 3);
  CHECK(cost(BankMode::kAllBank, 3).near_reads == 16 * 9);
  CHECK(cost(BankMode::kAllBank, 3).activates == 16);
  // Full rows in all banks: 16 x 63 commands of tCCD_S against 63 of tCCD_L.
  const BankCost all = cost(BankMode::kAllBank, 7 * 16), each = cost(BankMode::kPerBank, 7 * 16);
  CHECK(each.near_reads == all.near_reads);
  CHECK(each.activates == all.activates);
  CHECK(each.clocks - BusClocks(d, each, 1) - d.cwl - d.wtr_l - d.cl ==
        16 * 63 * d.ccd_s + d.rcd + d.rtp + d.rp);
  CHECK(ModeSwitchClocks(config, d) == 0);
  config.mode = BankMode::kAllBank;
  config.mode_switch_ns = 16;
  CHECK(ModeSwitchClocks(config, d) == 2 * 13);  // of 1.25 ns
}

TEST_CASE("costs grow with the work and never undercut their parts") {
  for (uint32_t seed = 0; seed < 600; ++seed) {
    Random random(seed);
    const memory::DramDevice d =
        Device(memory::kDevices[random.Int(0, static_cast<int>(std::size(memory::kDevices)) - 1)]);
    const NearmemConfig config = RandomUnit(random);
    sim::Geometry g =
        Pointwise(static_cast<uint16_t>(random.Int(1, 3000)),
                  kWeightFormats[random.Int(0, static_cast<int>(std::size(kWeightFormats)) - 1)]);
    g.kernel_h = static_cast<uint8_t>(random.Int(1, 3));
    g.activation_block = g.weight_block = static_cast<uint8_t>(random.Block());
    g.bank_group = static_cast<uint8_t>(random.Int(0, 7));
    const auto dram_channels = 1u << random.Int(0, 2);
    const auto pixels = static_cast<uint64_t>(random.Int(1, 60));
    const auto channels = static_cast<uint32_t>(random.Int(1, 200));
    const BankLayout layout(g, config, d, dram_channels);
    const BankCost cost = BankCostOf(config, d, dram_channels, g, pixels, {0, channels});
    CAPTURE(seed);
    CHECK(cost.clocks * dram_channels >= (cost.broadcast_bursts + cost.readback_bursts) * d.burst);
    const uint64_t macs = pixels * channels * g.kernel_h * g.in_channels;
    const uint64_t units = config.mode == BankMode::kAllBank ? layout.units() : dram_channels;
    CHECK(cost.slots * config.lanes * units >= macs);
    CHECK(cost.clocks >= cost.slots * (config.mode == BankMode::kAllBank ? d.ccd_l : d.ccd_s));
    CHECK(cost.broadcast_bursts * d.burst_bytes >= pixels * layout.pixel_bytes() * dram_channels);
    CHECK(cost.readback_bursts * d.burst_bytes >= pixels * channels * 4);
    CHECK(cost.acc_write_bytes == pixels * channels * 4);
    // Every weight is read at least once for each `pixels` pixels.
    const uint64_t passes = (pixels + config.pixels - 1) / config.pixels;
    CHECK(cost.near_reads * d.burst_bytes >=
          passes * channels * layout.weights().code_bytes_per_channel());
    CHECK(cost.near_reads >= cost.activates);

    const BankCost more_pixels = BankCostOf(config, d, dram_channels, g, pixels + 1, {0, channels});
    CHECK(more_pixels.clocks > cost.clocks);
    const BankCost more_channels =
        BankCostOf(config, d, dram_channels, g, pixels, {0, channels + layout.channel_unit()});
    CHECK(more_channels.clocks > cost.clocks);
    NearmemConfig larger = config;
    larger.buffer_bytes *= 2;
    if (layout.parts() == 1) {
      CHECK(BankCostOf(larger, d, dram_channels, g, pixels, {0, channels}).activates <=
            cost.activates);
    }
  }
}

// Public simulator of Samsung's HBM-PIM (SAITPublic/PIMSimulator@b464dde0): 13,166 cycles for a
// matrix-vector product of 4,096 x 4,096 in FP16 on 64 pseudo-channels.
TEST_CASE("configured as HBM-PIM, a GEMV takes what its simulator says, within 10 %") {
  const memory::DramDevice d = Device("hbm2-2000-pch");
  NearmemConfig config;
  config.unit_banks = 2;
  config.lanes = 16;
  config.pixels = 1;
  config.accumulators = 8;
  config.buffer_bytes = 256;
  config.activation = BankActivation::kAll;
  config.mode_switch_ns = 144;
  sim::Geometry g = Pointwise(4096, Format::kFp16);
  g.activation_format = static_cast<uint8_t>(Format::kFp16);
  g.bank_group = 7;
  const BankCost cost = BankCostOf(config, d, 64, g, 1, {0, 4096});
  CHECK(cost.slots == 2048);
  CHECK(cost.activates == 64 * 512);
  const double refreshed = static_cast<double>(cost.clocks) /
                           (1 - static_cast<double>(d.rfc_ab) / static_cast<double>(d.refi));
  CHECK(refreshed == Approx(13166).epsilon(0.10));
}

}  // namespace
}  // namespace nibble::nearmem
