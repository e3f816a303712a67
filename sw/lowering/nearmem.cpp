// Weights of the near-memory platform: layers that run near the memory have theirs in the banks'
// rows, from the top of the memory downwards; the host's layers have theirs at the bottom, as on
// the accelerator.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "models/nearmem/bank_layout.h"
#include "sw/lowering/constants.h"
#include "sw/lowering/lowering.h"

namespace nibble::lowering {

namespace {

// As nearmem.layers names them; empty for what the units beside the banks cannot do: channels of
// groups, and depthwise ones, do not all take the same activations.
std::string KindOf(const Target& target, const trace::Layer& layer) {
  if (layer.op == trace::Op::kFullyConnected) return "fc";
  if (layer.op != trace::Op::kConv || layer.groups != 1) return "";
  if (target.net.tensors[layer.input].shape.pixels() == 1) return "fc";
  return layer.kernel_h == 1 && layer.kernel_w == 1 ? "pointwise" : "conv";
}

Place PlaceOf(const Target& target, const trace::Layer& layer) {
  const platforms::DesignPoint& design = target.design;
  const std::string kind = KindOf(target, layer);
  const bool choose = design.nearmem_layers == "auto";
  const std::string list = "," + design.nearmem_layers + ",";
  if (kind.empty() || (!choose && list.find("," + kind + ",") == std::string::npos)) {
    return Place::kHost;
  }
  const auto weights = target.DatapathOf(layer).weights;
  if (design.dram.burst_bytes * 8 % static_cast<uint32_t>(numerics::ElementBits(weights)) == 0) {
    try {
      nearmem::BankLayout(GeometryOf(target, layer), design.nearmem, design.dram,
                          design.dram_channels);
      return choose ? Place::kEither : Place::kNear;
    } catch (const std::invalid_argument& error) {
      if (choose) return Place::kHost;
      throw LoweringError(
          fmt::format("layer '{}': {}: nearmem.buffer is too small", layer.name, error.what()));
    }
  }
  if (choose) return Place::kHost;
  throw LoweringError(
      fmt::format("layer '{}': datapath.weights = \"{}\": codes of {} bits do not fill a column "
                  "of {} bytes; take {} out of nearmem.layers",
                  layer.name, numerics::FormatName(weights), numerics::ElementBits(weights),
                  design.dram.burst_bytes, kind));
}

// The rows of a layer as bytes: rows come first in every address mapping, so that they are
// contiguous.
sim::Segment RowImage(const numerics::QuantizedWeights& weights, const nearmem::BankLayout& layout,
                      const memory::DramMapping& mapping, uint32_t first_row, uint32_t rows,
                      uint64_t bytes_per_row, uint32_t burst) {
  memory::DramLocation base_location;
  base_location.row = first_row;
  sim::Segment segment{mapping.Address(base_location), {}};
  segment.bytes.resize(rows * bytes_per_row);
  const auto place = [&](memory::DramLocation at, uint32_t byte, const uint8_t* from,
                         size_t count) {
    at.row += first_row;
    std::memcpy(&segment.bytes[mapping.Address(at) + byte - segment.address], from, count);
  };
  for (uint32_t n = 0; n < static_cast<uint32_t>(weights.rows); ++n) {
    for (uint32_t s = 0; s < static_cast<uint32_t>(weights.segments); ++s) {
      const std::vector<uint8_t> run = PackRun(weights, n, s);
      const std::vector<uint8_t> scales = PackScales(weights, n, s);
      for (uint32_t c = 0; c < layout.columns_per_run(); ++c) {
        const uint32_t index = s * layout.columns_per_run() + c;
        const size_t offset = size_t{c} * burst;
        place(layout.DataColumn(n, index), 0, &run[offset],
              std::min<size_t>(burst, run.size() - offset));
        const nearmem::BankLayout::ScaleRange range = layout.ScalesOfColumn(c);
        if (range.bytes == 0) continue;
        uint32_t byte = 0;
        const memory::DramLocation at = layout.ScaleColumn(n, index, &byte);
        place(at, byte, &scales[range.first], range.bytes);
      }
    }
  }
  return segment;
}

}  // namespace

std::vector<Place> PlacesOnNearmem(const Target& target) {
  std::vector<Place> places;
  for (const trace::Layer& layer : target.net.layers) places.push_back(PlaceOf(target, layer));
  return places;
}

std::vector<LayerConstants> PlaceOnNearmem(const Target& target, const Plan& plan, bool with_image,
                                           MemoryMap& map, sim::Program& program) {
  const platforms::DesignPoint& design = target.design;
  const memory::DramMapping mapping(design.dram, design.dram_channels, design.dram_mapping);
  const uint64_t bytes_per_row = mapping.capacity() / design.dram.rows;
  const auto end_row = static_cast<uint32_t>(map.end() / bytes_per_row);
  uint32_t next_row = end_row;
  const auto place = [&](const trace::Layer& layer, const numerics::QuantizedWeights* image,
                         LayerConstants& constants) {
    const ConvProblem& problem =
        plan.layer(static_cast<size_t>(&layer - target.net.layers.data())).problem;
    constants.near_memory = problem.near_memory;
    if (!constants.near_memory) {
      PlaceWeights(target, layer, image, map, program, constants);
      return;
    }
    const nearmem::BankLayout layout(problem.geometry, design.nearmem, design.dram,
                                     design.dram_channels);
    const uint32_t rows = layout.Rows(problem.channels);
    if (rows > next_row) throw LoweringError("the weights need more rows than dram.device has");
    next_row -= rows;
    constants.bank_row = static_cast<uint16_t>(next_row);
    if (image == nullptr) return;
    program.image.push_back(
        RowImage(*image, layout, mapping, next_row, rows, bytes_per_row, design.dram.burst_bytes));
  };
  std::vector<LayerConstants> constants = PlaceConstants(target, with_image, map, program, place);
  map.Limit(next_row * bytes_per_row);
  program.near_memory_bytes = (end_row - next_row) * bytes_per_row;
  return constants;
}

}  // namespace nibble::lowering
