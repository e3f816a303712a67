#include "models/nearmem/bank_layout.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace nibble::nearmem {

namespace {

uint64_t DivideUp(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

// Clocks from the first to the last activate of all banks of a channel, within tRRD and tFAW.
uint64_t ActivateAll(const memory::DramDevice& d) {
  const uint64_t last = d.banks() - 1;
  return last / 4 * std::max(d.faw, 4 * d.rrd_s) + last % 4 * d.rrd_s;
}

// Scale columns that go with the data columns of `per_unit` output channels of a unit.
uint64_t ScaleColumnsOf(const BankLayout& layout, uint64_t per_unit) {
  const uint32_t per_channel = layout.columns_per_channel();
  if (layout.channels_per_row() == 0) {
    const uint32_t whole = per_channel / layout.data_columns_per_row();
    const uint32_t rest = per_channel % layout.data_columns_per_row();
    return per_unit * (uint64_t{whole} * layout.ScaleColumns(layout.data_columns_per_row()) +
                       layout.ScaleColumns(rest));
  }
  const uint64_t full_rows = per_unit / layout.channels_per_row();
  const auto rest = static_cast<uint32_t>(per_unit % layout.channels_per_row());
  return full_rows * layout.ScaleColumns(layout.channels_per_row() * per_channel) +
         layout.ScaleColumns(rest * per_channel);
}

}  // namespace

BankLayout::BankLayout(const accel::WeightLayout& weights, const memory::DramDevice& device,
                       uint32_t dram_channels)
    : weights_(weights),
      dram_channels_(dram_channels),
      burst_bytes_(device.burst_bytes),
      units_(dram_channels * device.banks()) {
  const auto bits = static_cast<uint32_t>(numerics::ElementBits(weights.format));
  if (burst_bytes_ * 8 % bits != 0) {
    throw std::invalid_argument(std::string(numerics::FormatName(weights.format)) +
                                " weights do not fill a column of " + std::to_string(burst_bytes_) +
                                " bytes");
  }
  codes_per_column_ = burst_bytes_ * 8 / bits;
  columns_per_run_ = static_cast<uint32_t>(DivideUp(weights.run_bytes(), burst_bytes_));
  scale_bytes_per_column_ =
      weights.scale_bytes_per_block() * std::max<uint32_t>(1, codes_per_column_ / weights.block);
  data_columns_ = device.columns();
  while (data_columns_ + ScaleColumns(data_columns_) > device.columns()) --data_columns_;
}

uint32_t BankLayout::ScaleColumns(uint32_t data_columns) const {
  return static_cast<uint32_t>(
      DivideUp(uint64_t{data_columns} * scale_bytes_per_column_, burst_bytes_));
}

BankLayout::ScaleRange BankLayout::ScalesOfColumn(uint32_t column) const {
  const uint32_t first =
      column * codes_per_column_ / weights_.block * weights_.scale_bytes_per_block();
  return {first, std::min(scale_bytes_per_column_, weights_.scale_bytes() - first)};
}

uint32_t BankLayout::rows_per_channel() const {
  return static_cast<uint32_t>(DivideUp(columns_per_channel(), data_columns_));
}

uint32_t BankLayout::Rows(uint32_t channels) const {
  const uint64_t per_unit = DivideUp(channels, units_);
  return static_cast<uint32_t>(channels_per_row() > 0 ? DivideUp(per_unit, channels_per_row())
                                                      : per_unit * rows_per_channel());
}

memory::DramLocation BankLayout::DataColumn(uint32_t n, uint32_t index) const {
  const uint32_t unit = n % units_, nth = n / units_;
  memory::DramLocation at;
  at.channel = unit % dram_channels_;
  at.bank = unit / dram_channels_;
  if (channels_per_row() > 0) {
    at.row = nth / channels_per_row();
    at.column = nth % channels_per_row() * columns_per_channel() + index;
  } else {
    at.row = nth * rows_per_channel() + index / data_columns_;
    at.column = index % data_columns_;
  }
  return at;
}

memory::DramLocation BankLayout::ScaleColumn(uint32_t n, uint32_t index, uint32_t* byte) const {
  memory::DramLocation at = DataColumn(n, index);
  const uint32_t offset = at.column * scale_bytes_per_column_;
  at.column = data_columns_ + offset / burst_bytes_;
  *byte = offset % burst_bytes_;
  return at;
}

uint64_t BroadcastBytes(const sim::Geometry& g) {
  const numerics::ActivationLayout input = accel::InputLayoutOf(g);
  return uint64_t{g.kernel_h} * g.kernel_w *
         (input.code_bytes_per_pixel() + input.scale_bytes_per_pixel());
}

BankCost BankCostOf(const NearmemConfig& config, const memory::DramDevice& d,
                    uint32_t dram_channels, const sim::Geometry& g, uint64_t pixels,
                    uint32_t channels) {
  const BankLayout layout(accel::WeightLayoutOf(g), d, dram_channels);
  const uint64_t per_unit = DivideUp(channels, layout.units());
  const uint64_t rows = layout.Rows(channels);
  const bool spans = layout.channels_per_row() == 0;
  const uint64_t pixel_bytes = BroadcastBytes(g);
  uint64_t batch = std::max<uint64_t>(1, config.buffer_bytes / pixel_bytes);
  // Sums that wait for a channel's next row stay in the accumulators.
  if (spans) batch = std::min<uint64_t>(batch, config.accumulators);
  batch = std::min(batch, pixels);

  // Column commands for one pixel: the data columns (more than one slot each where the unit has
  // fewer lanes than a column has codes) and the scale columns that go with them.
  const uint64_t data_columns = per_unit * layout.columns_per_channel();
  const uint64_t codes = d.burst_bytes * 8u / numerics::ElementBits(layout.weights().format);
  const uint64_t slots_per_column = DivideUp(codes, config.lanes);
  const uint64_t scale_columns = ScaleColumnsOf(layout, per_unit);

  const uint64_t column_clocks = d.ccd_l;  // a bank takes a column command every tCCD_L
  const uint64_t burst_clocks = std::max(d.ccd_s, d.burst);  // the bus, alternating bank groups
  BankCost cost;
  const auto add_batches = [&](uint64_t count, uint64_t size) {
    // The buffers of all channels receive the same activations at the same time.
    const uint64_t broadcast = DivideUp(size * pixel_bytes, d.burst_bytes);
    const uint64_t columns = size * (data_columns * slots_per_column + scale_columns);
    // Every unit of a channel delivers its sums; the first burst of each emptying of the
    // accumulators takes a read's latency.
    const uint64_t readback = DivideUp(size * per_unit * d.banks() * sizeof(float), d.burst_bytes);
    const uint64_t emptyings = DivideUp(size * per_unit, config.accumulators);
    cost.clocks += count * ((broadcast + readback) * burst_clocks + columns * column_clocks +
                            emptyings * d.cl + rows * (ActivateAll(d) + d.rcd + d.rtp + d.rp_ab));
    cost.slots += count * size * data_columns * slots_per_column;
    cost.near_reads += count * size * (data_columns + scale_columns) * layout.units();
    cost.activates += count * rows * layout.units();
    cost.broadcast_bursts += count * broadcast * dram_channels;
    cost.readback_bursts += count * readback * dram_channels;
    cost.buffer_reads += count * columns * dram_channels;
  };
  add_batches(pixels / batch, batch);
  if (pixels % batch != 0) add_batches(1, pixels % batch);
  cost.buffer_writes = cost.broadcast_bursts;
  cost.act_read_bytes = pixels * pixel_bytes;
  cost.acc_write_bytes = pixels * channels * sizeof(float);
  return cost;
}

}  // namespace nibble::nearmem
