#include "sw/cli/verify.h"

#include "sw/evaluation/evaluate.h"
#include "sw/golden/compare.h"
#include "sw/golden/golden.h"

namespace nibble::cli {

namespace {

// Tensors that a run stores, in its order: constants lie in the image.
std::vector<int> StoredTensors(const trace::Network& net) {
  std::vector<int> order = {net.input};
  for (const trace::Layer& layer : net.layers) order.push_back(layer.output);
  return order;
}

}  // namespace

golden::Execution RunGolden(const trace::Network& net, const platforms::DesignPoint& design,
                            const std::vector<float>& input) {
  return golden::Run(net, golden::Datapaths(net, design.datapath, design.layer_overrides), input);
}

size_t Verify(const trace::Network& net, const sim::Program& program,
              const platforms::ProgramOutcome& outcome, const golden::Execution& expected) {
  CheckRan(net, outcome, true);
  const std::vector<int> order = StoredTensors(net);
  for (const int tensor : order) {
    const auto mismatch = golden::FirstMismatch(net.tensors[tensor].name, expected.tensors[tensor],
                                                evaluation::StoredTensor(program, outcome, tensor));
    if (mismatch) throw CheckFailed("golden and machine differ: " + golden::ToString(*mismatch));
  }
  return order.size();
}

void CheckRan(const trace::Network& net, const platforms::ProgramOutcome& outcome, bool tensors) {
  if (outcome.jobs == 0) {
    throw CheckFailed("the firmware ran no job of " + net.name + " to its end");
  }
  if (!tensors) return;
  for (const int tensor : StoredTensors(net)) {
    if (outcome.tensors[tensor].empty()) {
      throw CheckFailed("the firmware ended before " + net.name + " stored tensor " +
                        net.tensors[tensor].name);
    }
  }
}

}  // namespace nibble::cli
