// Places that have a precision of their own, and the emulation that tries them.
#include "sw/evaluation/precision.h"

#include <catch2/catch.hpp>
#include <set>

#include "sw/evaluation/emulator.h"
#include "sw/evaluation/evaluate.h"
#include "sw/golden/datapaths.h"
#include "sw/golden/golden.h"
#include "tests/evaluation/small_set.h"
#include "tests/golden/random_transformer.h"

namespace nibble::evaluation {
namespace {

PrecisionSpace SpaceOf(const trace::Network& net, const std::string& activations,
                       const std::string& weights) {
  return {FindSlots(net), ParseChoices(Operand::kActivations, activations),
          ParseChoices(Operand::kWeights, weights)};
}

TEST_CASE("slots share out the stored tensors and the weights, each to one") {
  for (uint32_t seed = 1; seed <= 30; ++seed) {
    const trace::Network net =
        seed % 2 == 0 ? test::RandomNetwork(seed) : test::RandomOperatorNetwork(seed);
    std::set<int> tensors, layers, speakers;
    for (const Slot& slot : FindSlots(net)) {
      if (slot.operand == Operand::kWeights) {
        REQUIRE(slot.layers == std::vector<int>{slot.layer});
        CHECK(layers.insert(slot.layer).second);
        continue;
      }
      REQUIRE(!slot.tensors.empty());
      for (const int t : slot.tensors) CHECK(tensors.insert(t).second);
      for (const int l : slot.layers) CHECK(speakers.insert(l).second);
    }
    for (size_t i = 0; i < net.layers.size(); ++i) {
      const trace::Layer& l = net.layers[i];
      CHECK(layers.count(static_cast<int>(i)) == (l.has_weights() ? 1 : 0));
      for (const int t : trace::TensorsRead(l)) CHECK(tensors.count(t) == 1);
    }
    CHECK(tensors.count(net.output) == 0);
  }
}

// Resolves a random assignment: each slot has its format and no other.
void CheckAssignment(const trace::Network& net, uint32_t seed) {
  const PrecisionSpace space = SpaceOf(net, "fp16,fp8,int4:32", "fp16,int8:8,nvfp4:16");
  test::Random random(seed);
  Assignment assignment;
  for (size_t s = 0; s < space.slots.size(); ++s) assignment.push_back(random.Integer(0, 2));
  const auto design = test::Resolved(SetsOf(net, space, assignment));
  const golden::Datapaths datapaths(net, design.datapath, design.layer_overrides);
  constexpr numerics::Format kActivations[] = {numerics::Format::kFp16, numerics::Format::kFp8,
                                               numerics::Format::kInt4};
  constexpr numerics::Format kWeights[] = {numerics::Format::kFp16, numerics::Format::kInt8,
                                           numerics::Format::kNvfp4};
  for (size_t s = 0; s < space.slots.size(); ++s) {
    const Slot& slot = space.slots[s];
    const auto choice = static_cast<size_t>(assignment[s]);
    if (slot.operand == Operand::kWeights) {
      CHECK(datapaths.layers[static_cast<size_t>(slot.layer)].weights == kWeights[choice]);
      continue;
    }
    for (const int t : slot.tensors) {
      if (datapaths.IsView(t)) continue;  // stored as its root is
      CHECK(datapaths.tensors[static_cast<size_t>(t)].format == kActivations[choice]);
    }
  }
}

TEST_CASE("an assignment gives every slot its format and no other") {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    CheckAssignment(seed % 2 == 0 ? test::SmallNetwork(seed) : test::RandomOperatorNetwork(seed),
                    seed);
  }
}

TEST_CASE("a layer that is named like an operator is not taken for one") {
  std::vector<std::string> words = {"first", "last", "pointwise"};
  for (int op = 0; op <= static_cast<int>(trace::kLastOp); ++op) {
    words.emplace_back(trace::OpName(static_cast<trace::Op>(op)));
  }
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    trace::Network net =
        seed % 2 == 0 ? test::RandomTransformer(seed) : test::RandomOperatorNetwork(seed);
    for (size_t i = 0; i < std::min(words.size(), net.layers.size()); ++i) {
      net.layers[i].name = words[(i + 7 * seed) % words.size()];
    }
    CheckAssignment(net, seed);
  }
}

TEST_CASE("a choice is a format, a block and fields") {
  CHECK(ParseChoice(Operand::kActivations, "nvfp4:16").fields ==
        std::vector<std::string>{"activations=nvfp4", "activations.block=16"});
  CHECK(ParseChoice(Operand::kWeights, "fp16").fields == std::vector<std::string>{"weights=fp16"});
  CHECK(ParseChoice(Operand::kWeights, "nvfp4:8:some.field=x").fields ==
        std::vector<std::string>{"weights=nvfp4", "weights.block=8", "some.field=x"});
  for (const char* bad : {"", ":16", "fp8::x", "fp8:"}) {
    CHECK_THROWS_AS(ParseChoice(Operand::kWeights, bad), std::invalid_argument);
  }
  CHECK_THROWS_AS(ParseChoices(Operand::kWeights, ""), std::invalid_argument);
  CHECK_THROWS_AS(ParseChoices(Operand::kWeights, "fp16,"), std::invalid_argument);
  CHECK(ParseChoices(Operand::kWeights, "fp16, nvfp4:16").back().name == "nvfp4:16");
  // The defaults are what each platform takes.
  for (const auto platform : {platforms::Platform::kAccel, platforms::Platform::kNearmem}) {
    const trace::Network net = test::SmallNetwork(1);
    const PrecisionSpace space = SpaceOf(net, DefaultChoices(Operand::kActivations, platform),
                                         DefaultChoices(Operand::kWeights, platform));
    for (size_t c = 0; c < space.weights.size(); ++c) {
      Assignment all;
      for (const Slot& slot : space.slots) {
        all.push_back(slot.operand == Operand::kWeights ? static_cast<int>(c) : 0);
      }
      const auto design = platforms::Resolve(platform, "", SetsOf(net, space, all));
      CHECK_NOTHROW(MeasureCost(net, design));
    }
  }
}

TEST_CASE("errors of changes are those of the changed assignments") {
  for (uint32_t seed = 1; seed <= 6; ++seed) {
    const trace::Network net =
        seed % 2 == 0 ? test::SmallNetwork(seed) : test::RandomOperatorNetwork(seed);
    const PrecisionSpace space = SpaceOf(net, "fp16,nvfp4:16", "fp16,fp8,nvfp4:16");
    Emulator emulator(net, space, test::Resolved);
    const std::vector<float> input = test::RandomInput(net, seed);
    const std::vector<float> exact = golden::RunFp32(net, input)[static_cast<size_t>(net.output)];
    test::Random random(seed);
    Assignment base;
    for (size_t s = 0; s < space.slots.size(); ++s) base.push_back(random.Integer(0, 1));
    const Emulator::Errors errors = emulator.Run(input, exact, base, true);
    CHECK(errors.base == emulator.Run(input, exact, base, false).base);
    for (size_t s = 0; s < space.slots.size(); ++s) {
      REQUIRE(errors.changed[s].size() == space.ChoicesOf(s).size());
      for (size_t c = 0; c < errors.changed[s].size(); ++c) {
        Assignment changed = base;
        changed[s] = static_cast<int>(c);
        CAPTURE(seed, s, c);
        REQUIRE(errors.changed[s][c] == emulator.Run(input, exact, changed, false).base);
      }
    }
    CHECK(emulator.Run(input, exact, {}, false).base == 0);
  }
}

TEST_CASE("the emulation is near the machine") {
  test::TemporaryFolder folder;
  const trace::Network net = test::SmallNetwork(8);
  const Dataset dataset(test::WriteImages(folder, net, 6), net);
  const PrecisionSpace space = SpaceOf(net, "fp16,nvfp4:16", "fp16,nvfp4:16");
  Emulator emulator(net, space, test::Resolved);
  for (const int choice : {0, 1}) {
    const Assignment all(space.slots.size(), choice);
    const auto design = test::Resolved(SetsOf(net, space, all));
    const golden::Datapaths datapaths(net, design.datapath, design.layer_overrides);
    for (int i = 0; i < dataset.count(); ++i) {
      const std::vector<float> input = dataset.Input(i);
      const auto exact = golden::RunFp32(net, input).back();
      const auto stored = numerics::LoadTensor(golden::Run(net, datapaths, input).tensors.back());
      double mean = 0, mean_error = 0, power = 0, error = 0;
      for (size_t k = 0; k < exact.size(); ++k) {
        mean += exact[k] / 12.0;
        mean_error += (static_cast<double>(stored[k]) - exact[k]) / 12.0;
      }
      for (size_t k = 0; k < exact.size(); ++k) {
        const double e = static_cast<double>(stored[k]) - exact[k] - mean_error;
        power += (exact[k] - mean) * (exact[k] - mean);
        error += e * e;
      }
      // Roundings of sums aside, which move some codes to their neighbours.
      const double emulated = emulator.Run(input, exact, all, false).base;
      CHECK(emulated == Approx(error / power).epsilon(choice == 0 ? 0.2 : 0.02));
    }
  }
}

}  // namespace
}  // namespace nibble::evaluation
