// Several programs in one machine.
#include <catch2/catch.hpp>

#include "models/control/register_map.h"
#include "tests/machine/random_network.h"
#include "tests/machine/run.h"

namespace nibble::test {
namespace {

using platforms::HostPort;
using platforms::Platform;

constexpr Platform kPlatforms[] = {Platform::kAccel, Platform::kNearmem};

// Networks of different sizes, side by side.
class Neighbours {
 public:
  Neighbours(Platform platform, uint32_t seed, const std::vector<std::string>& sets = {})
      : design_(platforms::Resolve(platform, "", sets)) {
    for (uint32_t i = 0; i < 2; ++i) {
      nets_.push_back(RandomNetwork(2 * seed + i));
      const float share = 0.1f + 0.3f * static_cast<float>(i);
      for (trace::Tensor& t : nets_.back().tensors) t.zeros = share;
      for (trace::Layer& l : nets_.back().layers) l.zeros = {share, share / 8};
    }
    for (const trace::Network& net : nets_) LowerFitting(net, design_);
    programs_ = lowering::LowerSideBySide({&nets_[0], &nets_[1]}, design_);
    for (size_t i = 0; i < nets_.size(); ++i) {
      inputs_.push_back(RandomInput(nets_[i], seed));
      lowering::SetInput(programs_[i], nets_[i], design_, inputs_[i]);
    }
  }

  const platforms::DesignPoint& design() const { return design_; }
  const trace::Network& net(size_t i) const { return nets_[i]; }
  std::vector<const sim::Program*> programs() const { return {&programs_[0], &programs_[1]}; }

  std::string DifferenceFromGolden(size_t i, const platforms::ProgramOutcome& outcome) const {
    const golden::Execution expected = golden::Run(nets_[i], design_.datapath, inputs_[i]);
    return FirstDifference(nets_[i], expected, programs_[i], outcome).value_or("equal");
  }
  platforms::RunOutcome Alone(size_t i, const platforms::RunOptions& options = {}) const {
    sim::Program program = lowering::Lower(nets_[i], design_);
    lowering::SetInput(program, nets_[i], design_, inputs_[i]);
    return platforms::Run(design_, program, options);
  }

 private:
  platforms::DesignPoint design_;
  std::vector<trace::Network> nets_;
  std::vector<sim::Program> programs_;
  std::vector<std::vector<float>> inputs_;
};

// Runs the programs in `order`, each when the one before is done, after `polls` more looks at a
// register.
platforms::HostProgram InTurn(const std::vector<const sim::Program*>& programs,
                              std::vector<size_t> order, int polls) {
  return [=](HostPort& port) {
    const uint64_t ring = programs.front()->free_address;
    port.Write32(control::kRingBaseLo, static_cast<uint32_t>(ring));
    port.Write32(control::kRingBaseHi, static_cast<uint32_t>(ring >> 32));
    port.Write32(control::kRingSize, 1);
    port.Write32(control::kIntEnable, control::kInterruptDone | control::kInterruptError);
    port.Write32(control::kControl, control::kControlEnable);
    uint32_t tail = 0;
    for (const size_t i : order) {
      for (int n = 0; n < polls; ++n) port.Read32(control::kStatus);
      const sim::Program& program = *programs[i];
      for (const sim::Segment& segment : program.image) {
        port.WriteMemory(segment.address, segment.bytes.data(), segment.bytes.size());
      }
      control::JobDescriptor job;
      job.commands = program.commands_address;
      job.count = static_cast<uint32_t>(program.commands.size());
      job.layers = static_cast<uint32_t>(program.layers.size());
      job.flags = control::kInterruptWhenDone;
      port.WriteMemory(ring, &job, sizeof(job));
      port.Write32(control::kRingTail, ++tail);
      port.WaitForInterrupt();
      port.Write32(control::kIntStatus, control::kInterruptDone);
    }
    return static_cast<int>(port.Read32(control::kErrorCode));
  };
}

platforms::ProgramsOutcome RunInTurn(const Neighbours& two, const std::vector<size_t>& order,
                                     int polls) {
  platforms::RunOptions options;
  options.host = InTurn(two.programs(), order, polls);
  return platforms::RunPrograms(two.design(), two.programs(), options);
}

TEST_CASE("each of two programs in a machine has golden's bits and counts of its own") {
  for (const Platform platform : kPlatforms) {
    for (uint32_t seed = 0; seed < 5; ++seed) {
      CAPTURE(platforms::PlatformName(platform), seed);
      const Neighbours two(platform, seed);
      const platforms::ProgramsOutcome both =
          platforms::RunPrograms(two.design(), two.programs(), {});
      for (size_t i = 0; i < 2; ++i) {
        CAPTURE(i);
        const platforms::ProgramOutcome& outcome = both.programs[i];
        const platforms::RunOutcome alone = two.Alone(i);
        CHECK(outcome.jobs == 1);
        CHECK(two.DifferenceFromGolden(i, outcome) == "equal");
        CHECK(outcome.tensors == alone.tensors);
        CHECK(outcome.tensor_scale_decode == alone.tensor_scale_decode);
        CHECK(outcome.stats.layer_cycles.size() == two.net(i).layers.size());
        CheckSameWork(outcome.stats, alone.stats);
        if (i == 0) CHECK(outcome.stats.values == alone.stats.values);
      }
    }
  }
}

TEST_CASE("counts depend on the jobs before, and on nothing that the host does between them") {
  for (const Platform platform : kPlatforms) {
    const Neighbours two(platform, 3);
    const platforms::ProgramsOutcome back_to_back =
        platforms::RunPrograms(two.design(), two.programs(), {});
    for (const int polls : {0, 1, 777, 20000}) {
      CAPTURE(platforms::PlatformName(platform), polls);
      const platforms::ProgramsOutcome apart = RunInTurn(two, {0, 1, 0, 1}, polls);
      for (size_t i = 0; i < 2; ++i) {
        CHECK(apart.programs[i].jobs == 2);
        CHECK(apart.programs[i].stats.cycles == back_to_back.programs[i].stats.cycles);
        CHECK(apart.programs[i].stats.values == back_to_back.programs[i].stats.values);
        CHECK(two.DifferenceFromGolden(i, apart.programs[i]) == "equal");
      }
    }
  }
}

TEST_CASE(
    "programs run in the order that the host likes, and one that it does not run counts nothing") {
  for (const Platform platform : kPlatforms) {
    CAPTURE(platforms::PlatformName(platform));
    const Neighbours two(platform, 1);
    const platforms::ProgramsOutcome turned = RunInTurn(two, {1, 1, 0}, 5);
    for (size_t i = 0; i < 2; ++i) {
      CHECK(turned.programs[i].jobs == 1 + i);
      CHECK(two.DifferenceFromGolden(i, turned.programs[i]) == "equal");
      CheckSameWork(turned.programs[i].stats, two.Alone(i).stats);
    }
    CHECK(turned.programs[1].stats.values == two.Alone(1).stats.values);

    const platforms::ProgramsOutcome one = RunInTurn(two, {1}, 0);
    CHECK(one.programs[0].jobs == 0);
    CHECK(one.programs[0].stats.cycles == 0);
    for (const auto& row : one.programs[0].stats.values) {
      CHECK(row == std::vector<uint64_t>(row.size()));
    }
    CHECK(one.programs[1].stats.values == turned.programs[1].stats.values);
  }
}

TEST_CASE("without the bits, two programs take the same cycles") {
  platforms::RunOptions options;
  options.timing_only = true;
  for (const Platform platform : kPlatforms) {
    CAPTURE(platforms::PlatformName(platform));
    const Neighbours two(platform, 2);
    const auto full = platforms::RunPrograms(two.design(), two.programs(), {});
    const auto timing = platforms::RunPrograms(two.design(), two.programs(), options);
    for (size_t i = 0; i < 2; ++i) {
      CHECK(timing.programs[i].stats.values == full.programs[i].stats.values);
    }
  }
}

TEST_CASE("without the bits, each program expects the zeros that its own trace records") {
  platforms::RunOptions options;
  options.timing_only = true;
  const Neighbours two(Platform::kAccel, 2, {"datapath.count_zeros=on"});
  const auto both = platforms::RunPrograms(two.design(), two.programs(), options);
  std::vector<double> share;
  for (size_t i = 0; i < 2; ++i) {
    const sim::RunStats& stats = both.programs[i].stats;
    const uint64_t zeros = stats.Total("tensor.zero_products");
    CHECK(zeros == two.Alone(i, options).stats.Total("tensor.zero_products"));
    share.push_back(static_cast<double>(zeros) / static_cast<double>(stats.Total("tensor.macs")));
  }
  CHECK(share[0] > 0.15);  // 1 - 0.9^2 of those that are not padding
  CHECK(share[1] > share[0] + 0.2);
}

}  // namespace
}  // namespace nibble::test
