// Where the weights of one layer lie in the rows of the banks, and what computing on them there
// takes.
//
// Output channel n belongs to unit n % units (a unit is the compute unit of one bank of one DRAM
// channel), so all units work on different output channels in lock step. Within a bank, the runs of
// a channel (weight_layout.h) follow each other, each starting at a column; a row holds data
// columns first, then the columns with their block scales:
//   2 KiB row, NVFP4 with B = 16: 56 data columns (3,584 codes), 7 scale columns, 1 spare.
// A channel does not straddle a row unless it is longer than one. Codes must fill a column exactly:
// those of 6 bits are not laid out.
#pragma once

#include <cstdint>

#include "models/accel/weight_layout.h"
#include "models/memory/dram.h"
#include "models/nearmem/config.h"

namespace nibble::nearmem {

class BankLayout {
 public:
  // Throws std::invalid_argument for codes that do not fill a column.
  BankLayout(const accel::WeightLayout& weights, const memory::DramDevice& device,
             uint32_t dram_channels);

  const accel::WeightLayout& weights() const { return weights_; }
  uint32_t units() const { return units_; }
  uint32_t columns_per_run() const { return columns_per_run_; }
  uint32_t columns_per_channel() const { return columns_per_run_ * weights_.segments; }
  uint32_t data_columns_per_row() const { return data_columns_; }
  uint32_t scale_bytes_per_column() const { return scale_bytes_per_column_; }
  // Whole output channels of one unit in one row; 0 where a channel spans rows.
  uint32_t channels_per_row() const { return data_columns_ / columns_per_channel(); }
  uint32_t rows_per_channel() const;  // rows that one channel touches
  // Rows in every bank for `channels` output channels.
  uint32_t Rows(uint32_t channels) const;

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
  uint32_t ScaleColumns(uint32_t data_columns) const;

 private:
  accel::WeightLayout weights_;
  uint32_t dram_channels_, burst_bytes_, units_;
  uint32_t codes_per_column_ = 0;
  uint32_t columns_per_run_ = 0, data_columns_ = 0, scale_bytes_per_column_ = 0;
};

// What a BankRun takes, from its shape alone. Counts are for all channels of the memory together.
struct BankCost {
  uint64_t clocks = 0;      // device clocks for which all banks are occupied
  uint64_t slots = 0;       // all-bank column commands with products, per channel
  uint64_t near_reads = 0;  // column accesses inside the die, all banks
  uint64_t activates = 0;   // rows opened (and closed), all banks
  uint64_t broadcast_bursts = 0, readback_bursts = 0;  // over the data buses
  uint64_t buffer_reads = 0, buffer_writes = 0;        // of the broadcast buffers
  uint64_t act_read_bytes = 0, acc_write_bytes = 0;    // on the host's side
};
BankCost BankCostOf(const NearmemConfig& config, const memory::DramDevice& device,
                    uint32_t dram_channels, const sim::Geometry& geometry, uint64_t pixels,
                    uint32_t channels);
// Bytes of broadcast that one output pixel needs: the activations under its kernel.
uint64_t BroadcastBytes(const sim::Geometry& geometry);

}  // namespace nibble::nearmem
