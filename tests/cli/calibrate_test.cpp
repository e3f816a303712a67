// sim calibrate: a trace to a trace, whose FP32 results are the same and whose machine runs verify.
#include <catch2/catch.hpp>

#include "sw/npy/npy.h"
#include "tests/cli/sim.h"

namespace nibble::cli_test {
namespace {

using Catch::Matchers::Contains;

// Images of 32 x 32 x 3, smooth with some noise, the same on every machine.
void WriteImages(const std::string& path, int count) {
  std::vector<float> x;
  uint32_t state = 1;
  for (int i = 0; i < count * 32 * 32 * 3; ++i) {
    state = state * 1664525u + 1013904223u;
    const int smooth = i / 96 % 32 + i / (96 * 32) * 7 % 23;
    x.push_back(static_cast<float>(smooth) / 32 - 0.75f + static_cast<float>(state >> 24) / 512);
  }
  WriteFile(path, npy::Serialize(npy::FromFloats({count, 32, 32, 3}, x)));
}

std::string Fp32Outputs(const Folder& folder, const std::string& trace) {
  const Result result =
      Sim(folder, "golden " + trace + " -i images.npy -n 3 --fp32 --fp32-outputs y.npy");
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  return ReadFile(folder / "y.npy");
}

TEST_CASE("a calibrated trace says how it came about, computes the same in FP32, and verifies") {
  Folder folder;
  WriteImages(folder / "images.npy", 3);
  const std::string calibrate =
      "calibrate " + SmallTrace() + " -i images.npy -n 3 --set layers.depthwise.weights=fp8 ";
  for (const char* clips : {"", "--through-clips "}) {
    const Result result = Sim(folder, calibrate + clips + "-o out.trc");
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    CHECK_THAT(result.out, Contains("equalised") && Contains("ranges of") &&
                               Contains("biases of") && Contains("mean errors of"));
    const std::string shown = Sim(folder, "show out.trc").out;
    CHECK_THAT(shown, Contains("then         equalised") && Contains("3 images of images.npy") &&
                          Contains("under layers.depthwise.weights=fp8"));
    CHECK((shown.find("behind clips") != std::string::npos) == (*clips != '\0'));
    CHECK(Fp32Outputs(folder, "out.trc") == Fp32Outputs(folder, SmallTrace()));
    for (const char* platform : {"accel", "nearmem"}) {
      const Result run = Sim(folder, std::string("--platform ") + platform +
                                         " --trace out.trc --input images.npy --verify -q");
      INFO(run.err);
      CHECK(run.exit_code == 0);
    }
    REQUIRE(Sim(folder, calibrate + clips + "-j 3 -o again.trc").exit_code == 0);
    CHECK(ReadFile(folder / "again.trc") == ReadFile(folder / "out.trc"));
  }
}

TEST_CASE("each step can be left out") {
  Folder folder;
  WriteImages(folder / "images.npy", 2);
  const std::string calibrate = "calibrate " + SmallTrace() + " -i images.npy -n 2 -o out.trc ";
  const auto out = [&](const std::string& options) { return Sim(folder, calibrate + options).out; };
  CHECK_THAT(out("--no-equalise"),
             !Contains("equalised") && Contains("ranges") && Contains("bias"));
  CHECK_THAT(out("--range keep"), Contains("equalised") && !Contains("ranges") && Contains("bias"));
  CHECK_THAT(out("--bias off"), Contains("equalised") && Contains("ranges") && !Contains("bias"));
  CHECK_THAT(out("--bias all"), Contains("biases of 53 layers"));  // MobileNetV2's
  CHECK_THAT(out("--bias spatial --range percentile:99"), Contains("by percentile:99"));
}

TEST_CASE("a wrong range is refused before the first step") {
  Folder folder;
  WriteImages(folder / "images.npy", 2);
  const Result result =
      Sim(folder, "calibrate " + SmallTrace() + " -i images.npy -n 2 -o out.trc --range max");
  CHECK(result.exit_code == 2);
  CHECK(IsOneLine(result.err));
  CHECK_THAT(result.err, Contains("--range") && Contains("percentile:P"));
  CHECK(result.out.empty());
}

}  // namespace
}  // namespace nibble::cli_test
