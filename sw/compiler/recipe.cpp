#include "sw/compiler/recipe.h"

#include <fmt/format.h>

#include "sw/compiler/compiler.h"

namespace nibble::compiler {

trace::Network CompileBuiltIn(const std::string& name, int resolution, int calibration_inputs) {
  trace::Network net = BuildNetwork(name, resolution);
  std::vector<std::vector<float>> inputs;
  for (int i = 0; i < calibration_inputs; ++i) inputs.push_back(GeneratedInput(net, i));
  Calibrate(net, inputs);
  net.calibration = fmt::format("{} generated inputs", calibration_inputs);
  return net;
}

}  // namespace nibble::compiler
