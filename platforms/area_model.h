// What a design point takes of silicon, as far as published figures say: a price for choices such
// as block size and lanes. Blocks without a figure are listed as unknown; they are not zero.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/accel/datapath_size.h"
#include "platforms/design_point.h"
#include "platforms/sram_model.h"

namespace nibble::platforms {

struct AreaBlock {
  std::string name;  // "tensor.multipliers", "sram.act", ...
  // At the node of the scratchpads; empty: unknown. The true area is thought to lie from `low` to
  // `high`.
  std::optional<double> mm2;
  double low_mm2 = 0, high_mm2 = 0;
  std::string source;  // of a known block, derivation included; of an unknown one why
};

struct Area {
  std::string node;  // nm: "22"
  std::vector<AreaBlock> blocks;

  // Of the known blocks together.
  double mm2() const;
  double low_mm2() const;
  double high_mm2() const;
  size_t unknown() const;
};

// `srams`: in the order of SramsOf(design). Throws ParameterError when platforms/area/logic.json is
// wrong.
Area EstimateArea(const DesignPoint& design, const accel::DatapathSize& tensor,
                  const std::vector<SramFigures>& srams);

}  // namespace nibble::platforms
