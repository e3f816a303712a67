// Where the weights of one layer lie in the rows of the banks.
//
// Output channel n belongs to unit n % units (a unit is the compute unit of one bank, or of a pair
// of banks, of one DRAM channel), so all units work on different output channels in lock step.
// Within a unit, the runs of a channel (weight_layout.h) follow each other, each starting at a
// column; a row holds data columns and the columns with their block scales:
//   2 KiB row, NVFP4 with B = 16: 56 data columns (3,584 codes), 7 scale columns, 1 spare.
// Data columns are dense: a channel may begin in one row and end in another (its sums wait in the
// accumulators). The rows of a unit with two banks alternate between them. Codes must fill a column
// exactly: those of 6 bits are not laid out.
//
// Where one pixel's activations do not fit the broadcast buffer, they come in parts of whole
// columns. Then `group` channels of a unit keep their sums in the accumulators meanwhile, and the
// row has the order [group of channels][part][channel of the group][columns of the part], so that
// all work on one part is on neighbouring columns.
#pragma once

#include <array>
#include <cstdint>

#include "models/accel/weight_layout.h"
#include "models/memory/dram_device.h"
#include "models/memory/dram_mapping.h"
#include "models/nearmem/config.h"

namespace nibble::nearmem {

class BankLayout {
 public:
  // `geometry.bank_group` counts (channels of a group - 1). Throws std::invalid_argument for codes
  // that do not fill a column, and for a buffer that does not hold the activations of one.
  BankLayout(const sim::Geometry& geometry, const NearmemConfig& config,
             const memory::DramDevice& device, uint32_t dram_channels);

  const accel::WeightLayout& weights() const { return weights_; }
  uint32_t dram_channels() const { return dram_channels_; }
  uint32_t units() const { return units_; }
  uint32_t codes_per_column() const { return codes_per_column_; }
  uint32_t columns_per_run() const { return columns_per_run_; }
  uint32_t columns_per_channel() const { return columns_per_run_ * weights_.segments; }
  uint32_t data_columns_per_row() const { return data_columns_; }
  uint32_t scale_bytes_per_column() const { return scale_bytes_per_column_; }
  // Bytes of activations, with their scales, under the kernel of one output pixel.
  uint64_t pixel_bytes() const { return pixel_bytes_; }
  // ... and those that meet one column of weights.
  uint32_t activation_bytes_per_column() const { return activation_bytes_per_column_; }
  // Columns of a channel whose activations are in the buffer together; all, if they fit.
  uint32_t columns_per_part() const { return part_columns_; }
  uint32_t parts() const { return (columns_per_channel() + part_columns_ - 1) / part_columns_; }
  uint32_t group() const { return group_; }
  // Output channels after which a tile may end.
  uint32_t channel_unit() const { return units_ * (parts() > 1 ? group_ : 1); }
  // Some channel lies in two rows.
  bool straddles() const { return data_columns_ % columns_per_channel() != 0; }
  // Rows in every bank for `channels` output channels.
  uint32_t Rows(uint32_t channels) const;

  // The rows of one unit (of all its banks) that hold `channels` of its output channels from number
  // `first` on, by how many data columns hold them: the first row, the full ones and the last.
  struct RowKind {
    uint64_t rows, data_columns;
  };
  std::array<RowKind, 3> RowKinds(uint64_t first, uint64_t channels) const;

  // Data column `index` (0 .. columns_per_channel - 1) of output channel n, relative to the layer's
  // first row.
  memory::DramLocation DataColumn(uint32_t n, uint32_t index) const;
  // The column that holds the scale bytes of that data column, and the first of them in it.
  memory::DramLocation ScaleColumn(uint32_t n, uint32_t index, uint32_t* byte) const;
  // Which bytes of a run's block scales belong to its data column `column`: those of the blocks
  // that begin or continue there (a block longer than a column has its scale beside each).
  struct ScaleRange {
    uint32_t first, bytes;
  };
  ScaleRange ScalesOfColumn(uint32_t column) const;
  // Columns that hold the scales of `data_columns` data columns of a row.
  uint32_t ScaleColumns(uint64_t data_columns) const;

 private:
  // In a unit: the row, counted through its banks, and the data column in it.
  struct Place {
    uint32_t row, data_column;
  };
  Place PlaceOf(uint32_t nth, uint32_t index) const;
  memory::DramLocation Locate(uint32_t n, const Place& place, uint32_t column) const;

  accel::WeightLayout weights_;
  uint32_t dram_channels_, burst_bytes_, unit_banks_, units_, group_;
  bool beside_;
  uint64_t pixel_bytes_;
  uint32_t codes_per_column_ = 0, columns_per_run_ = 0, data_columns_ = 0;
  uint32_t scale_bytes_per_column_ = 0, activation_bytes_per_column_ = 0, part_columns_ = 0;
};

}  // namespace nibble::nearmem
