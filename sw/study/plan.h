// A plan: which design points a study tries on which networks (docs/studies.md).
//
//   trace = mobilenet_v1.trc, mobilenet_v2.trc
//   platform = accel, nearmem          # or: preset = accel-small, accel-large, mine.cfg
//   timing_only = on
//   [datapath]
//   block = 8..128 x2
//   weights = nvfp4, fp8, fp16
//   where tensor.rows * tensor.cols <= 1024
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "platforms/design_point.h"
#include "sw/study/expression.h"

namespace nibble::study {

// A platform, with the preset that its points start from.
struct Machine {
  platforms::Platform platform = platforms::Platform::kAccel;
  std::string preset;  // a path, or a name as --config takes it; empty: the defaults
};

// One parameter and its values, as --set takes them.
struct Axis {
  std::string key;
  std::vector<std::string> values;
};

// What each point runs on besides its timing.
struct ImageSource {
  std::string images, labels;  // files; empty: the generated input of `seed`, no labels
  int count = 1;
  uint64_t seed = 0;
};

struct Plan {
  std::string path;
  std::vector<std::string> traces;  // as given
  std::vector<Machine> machines;    // in the order given
  std::vector<Axis> axes;           // in the order given
  std::vector<Expression> constraints;
  bool timing_only = false;
  ImageSource input;  // bits only
};

// Throws platforms::ParameterError that names file, line, key and what is expected: an unknown key
// (with the nearest), a list or range that is none, a parameter that none of the platforms has, a
// constraint that cannot be read.
Plan ReadPlan(const std::string& path);

// Does the platform have the parameter? `layers.PATTERN.FIELD` belongs to all.
bool HasParameter(platforms::Platform platform, const std::string& key);

}  // namespace nibble::study
