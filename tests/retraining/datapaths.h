// Datapaths that retraining is checked under.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "models/numerics/datapath.h"
#include "models/numerics/format_spec.h"
#include "sw/trace/network.h"

namespace nibble::test {

struct NamedDatapath {
  std::string name;
  numerics::Datapath datapath;
  std::vector<numerics::LayerOverride> overrides;
};

inline std::vector<NamedDatapath> TrainingDatapaths() {
  using numerics::Format;
  std::vector<NamedDatapath> all;
  const auto add = [&](const std::string& name, Format activations, Format weights, int block,
                       numerics::ScaleSource source) -> NamedDatapath& {
    numerics::Datapath d;
    d.activations = activations;
    d.weights = weights;
    d.SetBlock(block);
    d.tensor_scale = source;
    all.push_back({name, d, {}});
    return all.back();
  };
  using numerics::ScaleSource;
  for (const int block : {8, 16, 32, 128}) {
    add("nvfp4 B=" + std::to_string(block), Format::kNvfp4, Format::kNvfp4, block,
        ScaleSource::kStatic);
  }
  add("dynamic", Format::kNvfp4, Format::kNvfp4, 16, ScaleSource::kDynamic);
  add("one level", Format::kNvfp4, Format::kNvfp4, 16, ScaleSource::kNone);
  add("channel scales", Format::kNvfp4, Format::kNvfp4, 16, ScaleSource::kStatic)
      .datapath.weight_scale = numerics::WeightScale::kChannel;
  add("four-over-six", Format::kNvfp4, Format::kNvfp4, 16, ScaleSource::kStatic)
      .datapath.weight_profile = numerics::Profile::kFourOverSix;
  add("stochastic", Format::kNvfp4, Format::kNvfp4, 16, ScaleSource::kStatic)
      .datapath.activation_rounding = {numerics::RoundingMode::kStochastic, 7, 16};
  add("first in fp8", Format::kNvfp4, Format::kNvfp4, 16, ScaleSource::kStatic).overrides = {
      {"first", Format::kFp8, Format::kFp8, {}, {}, {}, {}}};
  for (const numerics::FormatSpec& spec : numerics::AllFormats()) {
    if (spec.format == Format::kFp32 || spec.format == Format::kNvfp4) continue;
    add(spec.name, spec.format, spec.format, 16, ScaleSource::kStatic);
  }
  return all;
}

}  // namespace nibble::test
