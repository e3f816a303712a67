// How a convolution is cut into tiles, chosen by what it will cost.
#pragma once

#include <cstdint>

#include "models/sim_core/command.h"
#include "platforms/design_point.h"

namespace nibble::lowering {

// A convolution as the machine sees it.
struct ConvProblem {
  sim::Geometry geometry{};
  uint32_t channels = 0;  // output channels
  uint32_t out_pixel_bytes =
      0;  // a pixel of the tile that the vector unit writes (staged as FP32 or as stored)
  uint32_t residual_pixel_bytes = 0;  // 0 without residual
  uint32_t params_bytes = 0;          // biases (and scales) of all output channels
  uint32_t channel_unit = 16;  // a tile's channels are a multiple of this, or all that remain
  uint32_t act_room = 0;       // bytes of the activation SRAM that input tiles may use
  uint32_t out_room = 0;       // bytes of the output SRAM that tiles may use
  bool input_in_act = false;   // the whole input lies in the activation SRAM
  bool output_in_dram = true;
  bool near_memory = false;  // weights lie in the banks
};

enum class LoopOrder : uint8_t {
  kRowsOuter,      // activations pass once; weights once for each row tile unless they all stay
  kChannelsOuter,  // weights pass once; activations once for each channel tile unless they all stay
};

struct ConvTiling {
  LoopOrder order = LoopOrder::kRowsOuter;
  uint32_t rows = 1;       // output rows of a tile
  uint32_t channels = 16;  // output channels of a tile: a multiple of the block and of 16, or all
  uint32_t weight_channels = 16;  // output channels whose weights move in together
  bool keep_weights = false;      // all weights stay for the whole layer
  bool keep_input = false;        // all input tiles stay for the whole layer (kChannelsOuter)
  // The estimate that won.
  uint64_t dram_bytes = 0, cycles = 0;

  uint32_t row_tiles(const sim::Geometry& g) const { return (g.out_height + rows - 1u) / rows; }
  uint32_t channel_tiles(const ConvProblem& p) const {
    return (p.channels + channels - 1) / channels;
  }
};

// Input rows [first, first + count) under output rows [out_row, out_row + out_rows), within the
// image.
struct RowRange {
  uint32_t first, count;
};
RowRange InputRows(const sim::Geometry& g, uint32_t out_row, uint32_t out_rows);

// Of the tilings within 3 % of the fewest estimated cycles, the one with the least DRAM traffic.
// Throws LoweringError naming `layer` and the scratchpad parameter that is too small when there is
// none.
ConvTiling ChooseTiling(const ConvProblem& problem, const platforms::DesignPoint& design,
                        const std::string& layer);

// Bytes that the machine moves in a machine cycle when DRAM streams.
double DramBytesPerCycle(const platforms::DesignPoint& design);

}  // namespace nibble::lowering
