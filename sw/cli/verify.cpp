#include "sw/cli/verify.h"

#include <fmt/format.h>

#include "sw/golden/compare.h"
#include "sw/golden/golden.h"

namespace nibble::cli {

numerics::StoredActivations StoredTensor(const sim::Program& program,
                                         const platforms::RunOutcome& outcome, int index) {
  const std::vector<uint8_t>& bytes = outcome.tensors[index];
  numerics::StoredActivations stored;
  stored.layout = program.tensors[index].layout;
  const auto codes = static_cast<ptrdiff_t>(stored.layout.code_bytes());
  if (bytes.size() != stored.layout.code_bytes() + stored.layout.scale_bytes()) {
    throw std::logic_error(fmt::format("the machine stored {} bytes of tensor {}, which has {}",
                                       bytes.size(), program.tensors[index].name,
                                       stored.layout.code_bytes() + stored.layout.scale_bytes()));
  }
  stored.codes.assign(bytes.begin(), bytes.begin() + codes);
  stored.scales.assign(bytes.begin() + codes, bytes.end());
  if (numerics::HasTensorScale(stored.layout.format)) {
    stored.scale.decode = outcome.tensor_scale_decode[program.tensors[index].root];
  }
  return stored;
}

golden::Execution RunGolden(const trace::Network& net, const platforms::DesignPoint& design,
                            const std::vector<float>& input) {
  return golden::Run(net, golden::Datapaths(net, design.datapath, design.layer_overrides), input);
}

size_t Verify(const trace::Network& net, const sim::Program& program,
              const platforms::RunOutcome& outcome, const golden::Execution& expected) {
  std::vector<int> order = {net.input};
  for (const trace::Layer& layer : net.layers) order.push_back(layer.output);
  for (const int tensor : order) {
    const auto mismatch = golden::FirstMismatch(net.tensors[tensor].name, expected.tensors[tensor],
                                                StoredTensor(program, outcome, tensor));
    if (mismatch) throw CheckFailed("golden and machine differ: " + golden::ToString(*mismatch));
  }
  return order.size();
}

}  // namespace nibble::cli
