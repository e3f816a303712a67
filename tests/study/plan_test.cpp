// Plan files: what they may say, and what is refused with file and line.
#include "sw/study/plan.h"

#include <catch2/catch.hpp>

#include "tests/cli/sim.h"

namespace nibble::study {
namespace {

using Catch::Matchers::Contains;
using cli_test::Folder;
using platforms::Platform;

Plan Read(const std::string& text) {
  const Folder folder;
  cli_test::WriteFile(folder / "p.cfg", text);
  return ReadPlan(folder / "p.cfg");
}

TEST_CASE("a plan with everything") {
  const Plan plan = Read(
      "# comment\n"
      "trace = a.trc, b.trc\n"
      "platform = accel, nearmem   # both\n"
      "images = set.npy\n"
      "labels = labels.csv\n"
      "count = 20\n"
      "layers.first.weights = fp16, fp8\n"
      "[datapath]\n"
      "block = 8..32 x2\n"
      "weights = nvfp4, fp16\n"
      "where tensor.rows * tensor.cols <= 1024\n"
      "[nearmem]\n"
      "lanes = 32, 64\n"
      "where platform == \"accel\" or nearmem.lanes >= 32\n");
  CHECK(plan.traces == std::vector<std::string>{"a.trc", "b.trc"});
  REQUIRE(plan.machines.size() == 2);
  CHECK(plan.machines[1].platform == Platform::kNearmem);
  CHECK(plan.input.images == "set.npy");
  CHECK(plan.input.labels == "labels.csv");
  CHECK(plan.input.count == 20);
  CHECK_FALSE(plan.timing_only);
  REQUIRE(plan.axes.size() == 4);
  CHECK(plan.axes[0].key == "layers.first.weights");
  CHECK(plan.axes[1].key == "datapath.block");
  CHECK(plan.axes[1].values == std::vector<std::string>{"8", "16", "32"});
  CHECK(plan.axes[3].key == "nearmem.lanes");
  CHECK(plan.constraints.size() == 2);
}

TEST_CASE("presets bring their platform") {
  const Plan plan = Read("trace = a.trc\npreset = accel-small, nearmem-hbm-pim\n");
  REQUIRE(plan.machines.size() == 2);
  CHECK(plan.machines[0].platform == Platform::kAccel);
  CHECK(plan.machines[0].preset == "accel-small");
  CHECK(plan.machines[1].platform == Platform::kNearmem);
}

TEST_CASE("wrong plans are refused with line, key and what is expected") {
  const std::string head = "trace = a.trc\nplatform = accel\n";
  const std::pair<std::string, std::vector<const char*>> wrong[] = {
      {"platform = accel\n", {"trace"}},
      {"trace = a.trc\n", {"platform", "preset"}},
      {"trace = a.trc\nplatform = gpu\n", {":2:", "gpu", "nearmem"}},
      {head + "preset = accel-small\n", {":2:", "preset"}},
      {"trace = a.trc\npreset = acel-small\n", {"acel-small", "accel-small"}},
      {head + "traces = b.trc\n", {":3:", "traces", "did you mean trace"}},
      {head + "datapath.blok = 8, 16\n", {":3:", "datapath.blok", "datapath.block"}},
      {head + "nearmem.lanes = 32\n", {":3:", "nearmem.lanes", "platform nearmem"}},
      {head + "datapath.block = 8, 8\n", {":3:", "twice"}},
      {head + "datapath.block = 8..64\n", {":3:", "step"}},
      {head + "datapath.block = 8\n[datapath]\nblock = 16\n", {":5:", "line 3"}},
      {head + "layers.first.wheights = fp16\n", {":3:", "wheights"}},
      {head + "timing_only = yes\n", {":3:", "on | off"}},
      {head + "timing_only = on\nimages = a.npy\n", {":4:", "timing_only"}},
      {head + "count = 3\n", {":3:", "images"}},
      {head + "images = a.npy\nseed = 3\n", {":4:", "seed"}},
      {head + "images = a.npy\ncount = 0\n", {":4:", "count"}},
      {head + "where tensor.rwos < 4\n", {":3:", "tensor.rows"}},
      {head + "where nearmem.lanes < 4\n", {":3:", "nearmem.lanes"}},
      {head + "where\n", {":3:", "key = value"}},
      {head + "sixteen\n", {":3:", "sixteen"}}};
  for (const auto& [text, names] : wrong) {
    INFO(text);
    CHECK_THROWS_AS(Read(text), platforms::ParameterError);
    for (const char* name : names) CHECK_THROWS_WITH(Read(text), Contains(name));
  }
  CHECK_THROWS_WITH(ReadPlan("no-such-plan.cfg"), Contains("no-such-plan.cfg"));
}

}  // namespace
}  // namespace nibble::study
