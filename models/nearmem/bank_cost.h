// What a run near the memory takes, from its shape alone: plain functions, so that lowering
// estimates with the very numbers that the bank engine will spend.
//
// A run is worked on in batches: as many output pixels as fit the broadcast buffer. For each batch
// the activations go over the data bus into the buffers of all channels; then row after row is
// opened in the banks, each column of weights is read once for up to `pixels` pixels of the batch
// and multiplied with the activations of each, and sums are read back over the data bus as the
// accumulators fill. What bounds a column of weights that serves q pixels:
//   reading it      one column command: tCCD_L
//   multiplying     q pixels take q * codes / lanes slots of tCCD_L; the first is the read itself
//   the broadcast   a slot lasts until the buffer has sent the activations of its pixels
// and besides, the scale column that goes with some data columns takes a command of its own, once
// for the same q pixels.
//
// Exact: counts of commands, bursts, rows; cadence, activate spacing, tRCD, tRTP, tRAS, tRP, write
// to read turn-around. Approximate: phases of a batch do not overlap (no row opens during the
// broadcast, nothing computes during the read-back); in per-bank mode rows open behind the columns
// of other banks, and the slowest of command bus, one bank and activate limits decides.
#pragma once

#include "models/nearmem/bank_layout.h"

namespace nibble::nearmem {

// Output channels [first, first + count) of a layer; `first` is a multiple of
// BankLayout::channel_unit().
struct ChannelRange {
  uint32_t first, count;
};

// Counts are for all channels of the memory together, unless it says otherwise.
struct BankCost {
  uint64_t clocks = 0;      // device clocks for which the channels are occupied
  uint64_t slots = 0;       // column commands with products, of one channel
  uint64_t near_reads = 0;  // column accesses inside the die, all banks
  uint64_t activates = 0;   // rows opened (and closed), all banks
  uint64_t broadcast_bursts = 0, readback_bursts = 0;  // over the data buses
  uint64_t buffer_read_bytes = 0;                      // from the broadcast buffers to the units
  uint64_t buffer_writes = 0;                          // of the broadcast buffers, one burst
  uint64_t act_read_bytes = 0, acc_write_bytes = 0;    // on the host's side

  void Add(const BankCost& other, uint64_t times);
};

// Pixels of a batch of a run of `pixels`; the last one may have fewer.
uint64_t BatchPixels(const NearmemConfig& config, const BankLayout& layout, uint64_t pixels);
// One batch, without mode switches.
BankCost BatchCostOf(const NearmemConfig& config, const memory::DramDevice& device,
                     const BankLayout& layout, uint64_t pixels, ChannelRange channels);
// A whole run, with a switch into all-bank mode and one back.
BankCost BankCostOf(const NearmemConfig& config, const memory::DramDevice& device,
                    uint32_t dram_channels, const sim::Geometry& geometry, uint64_t pixels,
                    ChannelRange channels);
// Device clocks of the switches from host mode and back; 0 in per-bank mode, which needs none.
uint64_t ModeSwitchClocks(const NearmemConfig& config, const memory::DramDevice& device);

}  // namespace nibble::nearmem
