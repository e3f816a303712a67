#include "models/nearmem/bank_cost.h"

#include <algorithm>

namespace nibble::nearmem {

namespace {

uint64_t DivideUp(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

// The work on one batch of one run.
class Batch {
 public:
  Batch(const NearmemConfig& config, const memory::DramDevice& device, const BankLayout& layout,
        uint64_t pixels, ChannelRange channels)
      : c_(config),
        d_(device),
        layout_(layout),
        dram_channels_(layout.dram_channels()),
        pixels_(pixels),
        first_(channels.first / layout.units()),
        channels_(channels.count),
        per_unit_(DivideUp(channels.count, layout.units())) {
    // Sums of all pixels that share a column are in the accumulators together; those of a part wait
    // there for the other parts, so that one pixel at a time is worked on.
    shared_ = layout.parts() > 1 ? 1 : std::min<uint64_t>({c_.pixels, c_.accumulators, pixels});
  }

  BankCost Cost() const {
    const uint64_t pixel_bytes = layout_.pixel_bytes();
    BankCost cost;
    if (c_.mode == BankMode::kAllBank) {
      AllBanks(cost);
    } else {
      BankByBank(cost);
    }
    Broadcast(pixel_bytes, cost);
    cost.acc_write_bytes = pixels_ * channels_ * sizeof(float);
    // A pixel's activations once for each channel of a unit, for all units at once in lock step.
    cost.buffer_read_bytes =
        pixels_ * pixel_bytes *
        (c_.mode == BankMode::kAllBank ? per_unit_ * dram_channels_ : channels_);
    // The first burst of each emptying of the accumulators takes a read's latency.
    cost.clocks += DivideUp(pixels_ * per_unit_, c_.accumulators) * d_.cl;
    return cost;
  }

 private:
  struct Columns {              // column commands to one unit
    uint64_t clocks = 0;        // from the first to the last, to a row that is open
    uint64_t issue_clocks = 0;  // of the command bus, if banks take turns
    uint64_t reads = 0, slots = 0;

    void Add(const Columns& o, uint64_t times) {
      clocks += times * o.clocks;
      issue_clocks += times * o.issue_clocks;
      reads += times * o.reads;
      slots += times * o.slots;
    }
  };
  struct UnitWork {  // on all rows of one unit
    uint64_t rows = 0;
    uint64_t clocks = 0;  // of its banks, rows opened one after the other
    Columns columns;
  };

  // Clocks from one slot to the next, in which the buffer sends the activations of `pixels`.
  uint64_t SlotClocks(uint64_t pixels, uint64_t cadence) const {
    const uint64_t codes = std::min(c_.lanes, layout_.codes_per_column());
    const uint64_t bytes = DivideUp(pixels * layout_.activation_bytes_per_column() * codes,
                                    layout_.codes_per_column());
    return std::max(cadence, DivideUp(bytes * 1000, c_.broadcast_gbps * d_.tck_ps));
  }
  // A data column, read once and multiplied with `pixels` pixels.
  Columns DataColumn(uint64_t pixels) const {
    const uint64_t at_once = std::max<uint64_t>(1, c_.lanes / layout_.codes_per_column());
    const uint64_t steps = DivideUp(layout_.codes_per_column(), c_.lanes);
    const uint64_t full = pixels / at_once, rest = pixels % at_once;
    const auto clocks = [&](uint64_t cadence) {
      return steps *
             (full * SlotClocks(at_once, cadence) + (rest > 0 ? SlotClocks(rest, cadence) : 0));
    };
    return {clocks(d_.ccd_l), clocks(d_.ccd_s), 1, steps * (full + (rest > 0 ? 1 : 0))};
  }
  Columns ScaleColumn() const { return {d_.ccd_l, d_.ccd_s, 1, 0}; }

  // A row with so many data columns, for all pixels of the batch.
  Columns Row(uint64_t data_columns) const {
    Columns row;
    const auto pass = [&](uint64_t times, uint64_t pixels) {
      row.Add(DataColumn(pixels), times * data_columns);
      row.Add(ScaleColumn(), times * layout_.ScaleColumns(data_columns));
    };
    pass(pixels_ / shared_, shared_);
    if (pixels_ % shared_ != 0) pass(1, pixels_ % shared_);
    return row;
  }

  UnitWork Unit(uint64_t channels) const {
    UnitWork unit;
    const uint64_t close = c_.mode == BankMode::kAllBank ? d_.rp_ab : d_.rp;
    for (const BankLayout::RowKind& kind : layout_.RowKinds(first_, channels)) {
      if (kind.rows == 0) continue;
      const Columns row = Row(kind.data_columns);
      unit.rows += kind.rows;
      unit.clocks += kind.rows * (std::max(d_.rcd + row.clocks + d_.rtp, d_.ras) + close);
      unit.columns.Add(row, kind.rows);
    }
    return unit;
  }

  // Clocks from the first to the last activate of the banks that open together.
  uint64_t ActivateSpread() const {
    const uint64_t banks = d_.banks() / c_.unit_banks;
    const uint64_t last = banks - 1;
    switch (c_.activation) {
      case BankActivation::kFaw:
        return last / 4 * std::max(d_.faw, 4 * d_.rrd_s) + last % 4 * d_.rrd_s;
      case BankActivation::kGroup4:
        return last / 4 * std::max(d_.faw, d_.rrd_s);
      case BankActivation::kAll:
        break;
    }
    return 0;
  }

  uint64_t BurstClocks() const { return std::max(d_.ccd_s, d_.burst); }
  void ReadBack(uint64_t sums_of_channel, uint64_t sums, BankCost& cost) const {
    cost.clocks += DivideUp(sums_of_channel * sizeof(float), d_.burst_bytes) * BurstClocks();
    cost.readback_bursts = DivideUp(sums * sizeof(float), d_.burst_bytes);
  }

  // In lock step: all units do what the busiest does, and deliver what it delivers.
  void AllBanks(BankCost& cost) const {
    const UnitWork unit = Unit(per_unit_);
    const uint64_t units = layout_.units();
    cost.clocks += unit.clocks + unit.rows * ActivateSpread();
    cost.slots = unit.columns.slots;
    cost.near_reads = unit.columns.reads * units;
    cost.activates = unit.rows * units;
    const uint64_t sums = pixels_ * per_unit_ * units / dram_channels_;
    ReadBack(sums, sums, cost);
    cost.readback_bursts *= dram_channels_;
  }

  // Units that have no channel, or one less, are left out.
  void BankByBank(BankCost& cost) const {
    const uint64_t units = layout_.units();
    const uint64_t many = channels_ - (per_unit_ - 1) * units;  // units with per_unit_ channels
    const UnitWork more = Unit(per_unit_), less = Unit(per_unit_ - 1);
    const auto total = [&](uint64_t Columns::*count) {
      return many * more.columns.*count + (units - many) * less.columns.*count;
    };
    // Of the DRAM channel with the most work.
    const uint64_t busy = DivideUp(many, dram_channels_);
    const uint64_t others = units / dram_channels_ - busy;
    const uint64_t rows = busy * more.rows + others * less.rows;
    const uint64_t issue = busy * more.columns.issue_clocks + others * less.columns.issue_clocks;
    const uint64_t opening = rows * std::max(d_.rrd_s, DivideUp(d_.faw, 4));
    cost.clocks += std::max({issue, more.clocks, opening}) + d_.rcd + d_.rtp + d_.rp;
    cost.slots = busy * more.columns.slots + others * less.columns.slots;
    cost.near_reads = total(&Columns::reads);
    cost.activates = many * more.rows + (units - many) * less.rows;
    ReadBack(pixels_ * (busy * per_unit_ + others * (per_unit_ - 1)), pixels_ * channels_, cost);
  }

  // The buffers of all channels receive the same activations at the same time. Data must be in the
  // buffer before the first product: write latency and write-to-read turn-around.
  void Broadcast(uint64_t pixel_bytes, BankCost& cost) const {
    const uint64_t latency = d_.cwl + d_.wtr_l;
    uint64_t bursts = 0, times = 1;
    if (layout_.parts() == 1) {
      bursts = DivideUp(pixels_ * pixel_bytes, d_.burst_bytes);
      cost.act_read_bytes = pixels_ * pixel_bytes;
    } else {
      // Again for each group of channels whose sums fit the accumulators.
      const uint64_t passes = pixels_ * DivideUp(per_unit_, layout_.group());
      const uint64_t part_bytes =
          uint64_t{layout_.columns_per_part()} * layout_.activation_bytes_per_column();
      times = passes * layout_.parts();
      bursts = times * DivideUp(std::min(part_bytes, pixel_bytes), d_.burst_bytes);
      cost.act_read_bytes = passes * pixel_bytes;
    }
    cost.clocks += bursts * BurstClocks() + times * latency;
    cost.broadcast_bursts = bursts * dram_channels_;
    cost.buffer_writes = cost.broadcast_bursts;
  }

  const NearmemConfig& c_;
  const memory::DramDevice& d_;
  const BankLayout& layout_;
  uint64_t dram_channels_, pixels_;
  uint64_t first_;     // channel of each unit
  uint64_t channels_;  // of all units
  uint64_t per_unit_;  // channels of the busiest unit
  uint64_t shared_;    // pixels that one read of a column serves
};

}  // namespace

void BankCost::Add(const BankCost& o, uint64_t times) {
  clocks += times * o.clocks;
  slots += times * o.slots;
  near_reads += times * o.near_reads;
  activates += times * o.activates;
  broadcast_bursts += times * o.broadcast_bursts;
  readback_bursts += times * o.readback_bursts;
  buffer_read_bytes += times * o.buffer_read_bytes;
  buffer_writes += times * o.buffer_writes;
  act_read_bytes += times * o.act_read_bytes;
  acc_write_bytes += times * o.acc_write_bytes;
}

uint64_t BatchPixels(const NearmemConfig& config, const BankLayout& layout, uint64_t pixels) {
  if (layout.parts() > 1) return 1;
  uint64_t batch = std::max<uint64_t>(1, config.buffer_bytes / layout.pixel_bytes());
  // Sums that wait for a channel's next row stay in the accumulators.
  if (layout.straddles()) batch = std::min<uint64_t>(batch, config.accumulators);
  return std::min(batch, pixels);
}

BankCost BatchCostOf(const NearmemConfig& config, const memory::DramDevice& device,
                     const BankLayout& layout, uint64_t pixels, ChannelRange channels) {
  return Batch(config, device, layout, pixels, channels).Cost();
}

BankCost BankCostOf(const NearmemConfig& config, const memory::DramDevice& device,
                    uint32_t dram_channels, const sim::Geometry& g, uint64_t pixels,
                    ChannelRange channels) {
  const BankLayout layout(g, config, device, dram_channels);
  const uint64_t batch = BatchPixels(config, layout, pixels);
  BankCost cost;
  const auto add = [&](uint64_t count, uint64_t size) {
    cost.Add(BatchCostOf(config, device, layout, size, channels), count);
  };
  add(pixels / batch, batch);
  if (pixels % batch != 0) add(1, pixels % batch);
  cost.clocks += ModeSwitchClocks(config, device);
  return cost;
}

uint64_t ModeSwitchClocks(const NearmemConfig& config, const memory::DramDevice& device) {
  if (config.mode == BankMode::kPerBank) return 0;
  return 2 * DivideUp(config.mode_switch_ns * uint64_t{1000}, device.tck_ps);
}

}  // namespace nibble::nearmem
