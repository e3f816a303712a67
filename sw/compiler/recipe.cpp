#include "sw/compiler/recipe.h"

#include <fmt/format.h>

#include "sw/compiler/compiler.h"

namespace nibble::compiler {

trace::Network CompileBuiltIn(const std::string& name, int resolution, int calibration_inputs) {
  trace::Network net = BuildNetwork(name, resolution);
  std::vector<std::vector<float>> inputs(static_cast<size_t>(calibration_inputs));
  for (size_t i = 0; i < inputs.size(); ++i) inputs[i] = GeneratedInput(net, i);
  Calibrate(net, inputs);
  RecordZeros(net, inputs.front());
  net.calibration = fmt::format("{} generated inputs", calibration_inputs);
  return net;
}

}  // namespace nibble::compiler
