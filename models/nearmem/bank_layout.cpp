#include "models/nearmem/bank_layout.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace nibble::nearmem {

namespace {

uint64_t DivideUp(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

uint64_t PixelBytes(const sim::Geometry& g) {
  const numerics::ActivationLayout input = accel::InputLayoutOf(g);
  return uint64_t{g.kernel_h} * g.kernel_w *
         (input.code_bytes_per_pixel() + input.scale_row_bytes());
}

}  // namespace

BankLayout::BankLayout(const sim::Geometry& g, const NearmemConfig& config,
                       const memory::DramDevice& device, uint32_t dram_channels)
    : weights_(accel::WeightLayoutOf(g)),
      dram_channels_(dram_channels),
      burst_bytes_(device.burst_bytes),
      unit_banks_(config.unit_banks),
      units_(dram_channels * device.banks() / config.unit_banks),
      group_(g.bank_group + 1u),
      beside_(config.scales == ScalePlace::kBeside),
      pixel_bytes_(PixelBytes(g)) {
  const auto bits = static_cast<uint32_t>(numerics::ElementBits(weights_.format));
  if (burst_bytes_ * 8 % bits != 0) {
    throw std::invalid_argument(std::string(numerics::FormatName(weights_.format)) +
                                " weights do not fill a column of " + std::to_string(burst_bytes_) +
                                " bytes");
  }
  codes_per_column_ = burst_bytes_ * 8 / bits;
  columns_per_run_ = static_cast<uint32_t>(DivideUp(weights_.run_bytes(), burst_bytes_));
  scale_bytes_per_column_ =
      weights_.scale_bytes_per_block() * std::max<uint32_t>(1, codes_per_column_ / weights_.block);
  data_columns_ = device.columns();
  while (data_columns_ + ScaleColumns(data_columns_) > device.columns()) --data_columns_;

  numerics::ActivationLayout under = accel::InputLayoutOf(g);
  under.channels = static_cast<int>(codes_per_column_);
  activation_bytes_per_column_ = under.code_bytes_per_pixel() + under.scale_row_bytes();
  part_columns_ = columns_per_channel();
  if (pixel_bytes_ > config.buffer_bytes) {
    part_columns_ = std::min(part_columns_, config.buffer_bytes / activation_bytes_per_column_);
  }
  if (part_columns_ == 0) {
    throw std::invalid_argument("a broadcast buffer of " + std::to_string(config.buffer_bytes) +
                                " bytes does not hold the activations of a column, " +
                                std::to_string(activation_bytes_per_column_) + " bytes");
  }
}

uint32_t BankLayout::ScaleColumns(uint64_t data_columns) const {
  return static_cast<uint32_t>(DivideUp(data_columns * scale_bytes_per_column_, burst_bytes_));
}

BankLayout::ScaleRange BankLayout::ScalesOfColumn(uint32_t column) const {
  const uint32_t first =
      column * codes_per_column_ / weights_.block * weights_.scale_bytes_per_block();
  return {first, std::min(scale_bytes_per_column_, weights_.scale_bytes() - first)};
}

uint32_t BankLayout::Rows(uint32_t channels) const {
  uint64_t of_a_unit = DivideUp(channels, units_);
  if (parts() > 1) of_a_unit = DivideUp(of_a_unit, group_) * group_;
  const uint64_t rows = DivideUp(of_a_unit * columns_per_channel(), data_columns_);
  return static_cast<uint32_t>(DivideUp(rows, unit_banks_));
}

std::array<BankLayout::RowKind, 3> BankLayout::RowKinds(uint64_t first, uint64_t channels) const {
  const uint64_t begin = first * columns_per_channel() % data_columns_;
  const uint64_t columns = channels * columns_per_channel();
  const uint64_t head = begin == 0 ? 0 : std::min(columns, data_columns_ - begin);
  const uint64_t full = (columns - head) / data_columns_;
  const uint64_t tail = (columns - head) % data_columns_;
  return {RowKind{head > 0 ? 1u : 0u, head}, RowKind{full, data_columns_},
          RowKind{tail > 0 ? 1u : 0u, tail}};
}

BankLayout::Place BankLayout::PlaceOf(uint32_t nth, uint32_t index) const {
  const uint32_t per_channel = columns_per_channel();
  const uint32_t before = nth / group_ * group_ * per_channel;  // of the groups before
  const uint32_t part = index / part_columns_;
  const uint32_t in_part = std::min(part_columns_, per_channel - part * part_columns_);
  const uint32_t column =
      before + part * group_ * part_columns_ + nth % group_ * in_part + index % part_columns_;
  return {column / data_columns_, column % data_columns_};
}

memory::DramLocation BankLayout::Locate(uint32_t n, const Place& place, uint32_t column) const {
  const uint32_t unit = n % units_;
  memory::DramLocation at;
  at.channel = unit % dram_channels_;
  at.bank = unit / dram_channels_ * unit_banks_ + place.row % unit_banks_;
  at.row = place.row / unit_banks_;
  at.column = column;
  return at;
}

memory::DramLocation BankLayout::DataColumn(uint32_t n, uint32_t index) const {
  const Place place = PlaceOf(n / units_, index);
  const uint32_t scale_columns_before =
      beside_ ? place.data_column * scale_bytes_per_column_ / burst_bytes_ : 0;
  return Locate(n, place, place.data_column + scale_columns_before);
}

memory::DramLocation BankLayout::ScaleColumn(uint32_t n, uint32_t index, uint32_t* byte) const {
  const Place place = PlaceOf(n / units_, index);
  const uint32_t offset = place.data_column * scale_bytes_per_column_;
  const uint32_t nth = offset / burst_bytes_;  // of the row's scale columns
  *byte = offset % burst_bytes_;
  uint32_t data_columns_before = data_columns_;
  if (beside_) {
    data_columns_before =
        std::min(data_columns_, (nth + 1) * (burst_bytes_ / scale_bytes_per_column_));
  }
  return Locate(n, place, data_columns_before + nth);
}

}  // namespace nibble::nearmem
