// A network on a machine, beside the golden executor.
#pragma once

#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "platforms/machine.h"
#include "sw/golden/compare.h"
#include "sw/golden/golden.h"
#include "sw/lowering/lowering.h"

namespace nibble::test {

// Doubles scratchpads of `design` until the network fits.
inline sim::Program LowerFitting(const trace::Network& net, platforms::DesignPoint& design,
                                 const lowering::Options& options = {}) {
  for (;;) {
    try {
      return lowering::Lower(net, design, options);
    } catch (const lowering::LoweringError&) {
      if (design.sram_out.size > 1u << 22) throw;
      for (memory::SramConfig* sram :
           {&design.sram_act, &design.sram_weight, &design.sram_acc, &design.sram_out}) {
        sram->size *= 2;
      }
    }
  }
}

// The first tensor, in order of execution, of which a bit differs.
inline std::optional<std::string> FirstDifference(const trace::Network& net,
                                                  const golden::Execution& expected,
                                                  const sim::Program& program,
                                                  const platforms::ProgramOutcome& outcome) {
  std::vector<int> order{net.input};
  for (const trace::Layer& layer : net.layers) order.push_back(layer.output);
  for (int i : order) {
    const numerics::StoredActivations& e = expected.tensors[i];
    numerics::StoredActivations actual;
    actual.layout = program.tensors[i].layout;
    const std::vector<uint8_t>& bytes = outcome.tensors[i];
    const auto codes = bytes.begin() + static_cast<std::ptrdiff_t>(actual.layout.code_bytes());
    actual.codes.assign(bytes.begin(), codes);
    actual.scales.assign(codes, bytes.end());
    actual.scale.decode = outcome.tensor_scale_decode[program.tensors[i].root];
    const auto mismatch = golden::FirstMismatch(net.tensors[i].name, e, actual);
    if (mismatch) return golden::ToString(*mismatch);
  }
  return std::nullopt;
}

// What the memory's state does not change: work, words, bytes.
inline void CheckSameWork(const sim::RunStats& a, const sim::RunStats& b) {
  REQUIRE(a.values.size() == b.values.size());
  for (size_t c = 0; c < a.counters.size(); ++c) {
    const sim::CounterInfo& info = a.counters[c];
    if (info.unit == "cycles" || info.unit == "ps" || info.component == "dram") continue;
    CAPTURE(info.key());
    for (size_t layer = 0; layer < a.values.size(); ++layer) {
      CHECK(a.values[layer][c] == b.values[layer][c]);
    }
  }
  for (const char* bytes : {"dram.read_bytes", "dram.write_bytes", "dram.near_reads"}) {
    CHECK(a.Total(bytes) == b.Total(bytes));
  }
}

// Runs `input` on the machine, whose scratchpads are doubled until the network fits; what differs
// from golden, or "equal".
inline std::string DifferenceFromGolden(const trace::Network& net, platforms::DesignPoint design,
                                        const std::vector<float>& input,
                                        platforms::RunOutcome* outcome = nullptr) {
  const golden::Datapaths datapaths(net, design.datapath, design.layer_overrides);
  sim::Program program = LowerFitting(net, design);
  lowering::SetInput(program, net, design, input);
  platforms::RunOutcome run = platforms::Run(design, program);
  const auto difference = FirstDifference(net, golden::Run(net, datapaths, input), program, run);
  if (outcome != nullptr) *outcome = std::move(run);
  return difference.value_or("equal");
}

}  // namespace nibble::test
