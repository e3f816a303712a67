// Weights out of a trace, through a quantiser, and back into one: all from the command line.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/cli/sim.h"

namespace nibble::cli_test {
namespace {

using Catch::Matchers::Contains;
using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr char kCompile[] = "compile --builtin mobilenet_v2 --resolution 32 --count 1 ";

void Succeeds(const Folder& folder, const std::string& arguments) {
  const Result r = Sim(folder, arguments);
  INFO(arguments << ": " << r.err);
  REQUIRE(r.exit_code == 0);
}

// The weights of SmallTrace(), whose name holds `part`, quantised into folder/w with `options`.
// Returns the number of layers.
int QuantizeLayers(const Folder& folder, const std::string& part, const std::string& options) {
  Succeeds(folder, "show " + SmallTrace() + " --export-weights exported");
  fs::create_directory(folder / "w");
  int layers = 0;
  for (const auto& entry : fs::directory_iterator(folder / "exported")) {
    const std::string name = entry.path().stem().string();
    if (name.find(part) == std::string::npos) continue;
    Succeeds(folder, "quantize exported/" + name + ".npy --codes w/" + name +
                         ".codes.npy --scales w/" + name + ".scales.npy --s-dec w/" + name +
                         ".s_dec.npy " + options);
    ++layers;
  }
  return layers;
}

Json RunJson(const Folder& folder, const std::string& arguments) {
  const Result r = Sim(folder, arguments + " --verify --outputs out.npy --json -");
  INFO(arguments << ": " << r.err);
  REQUIRE(r.exit_code == 0);
  return Json::parse(r.out);
}

TEST_CASE("weights that profile nv quantised come back as the bits of a plain run") {
  const Folder folder;
  REQUIRE(QuantizeLayers(folder, "", "--profile nv") == 53);
  Succeeds(folder, std::string(kCompile) + "--weights w -o imported.trc");
  for (const char* platform : {"accel", "nearmem"}) {
    const std::string options = std::string(" --platform ") + platform + " --trace ";
    const Json plain = RunJson(folder, options + SmallTrace());
    const std::string output = ReadFile(folder / "out.npy");
    const Json imported = RunJson(folder, options + "imported.trc");
    CHECK(ReadFile(folder / "out.npy") == output);
    CHECK(imported["totals"] == plain["totals"]);
    CHECK_FALSE(plain.contains("imported_weights"));
    CHECK(imported["imported_weights"]["as_they_are_layers"] == 53);
    CHECK(imported["imported_weights"]["requantised_layers"] == 0);
  }
  CHECK_THAT(Sim(folder, "show imported.trc").out, Contains("NVFP4 codes, block 16"));
}

TEST_CASE("some layers by modelopt, in blocks of 32, on datapaths of that block and another") {
  const Folder folder;
  const int layers = QuantizeLayers(folder, "expand", "--profile modelopt --block 32");
  REQUIRE(layers == 16);
  Succeeds(folder, std::string(kCompile) + "--weights w --weights-block 32 -o imported.trc");
  const Json same = RunJson(folder, "--trace imported.trc --set datapath.block=32");
  CHECK(same["imported_weights"]["as_they_are_layers"] == layers);
  const Json other = RunJson(folder, "--trace imported.trc");
  CHECK(other["imported_weights"]["as_they_are_layers"] == 0);
  CHECK(other["imported_weights"]["requantised_layers"] == layers);
  const Json timing = Json::parse(
      Sim(folder, "--trace imported.trc --timing-only --set datapath.block=32 --json -").out);
  CHECK(timing["imported_weights"] == same["imported_weights"]);
  CHECK_THAT(Sim(folder, "--trace imported.trc").out,
             Contains("imported codes of 16 layers: 0 as they are, 16 requantised"));
}

TEST_CASE("an import that is wrong is refused, and leaves no trace") {
  const Folder folder;
  QuantizeLayers(folder, "classifier", "");
  const auto refuses = [&](const std::string& options, int exit_code, const std::string& names) {
    const Result r = Sim(folder, kCompile + options + " -o net.trc");
    INFO(options << ": " << r.err);
    CHECK(r.exit_code == exit_code);
    CHECK(IsOneLine(r.err));
    CHECK_THAT(r.err, Contains(names));
    CHECK_FALSE(fs::exists(folder / "net.trc"));
  };
  refuses("--weights nowhere", 3, "nowhere");
  refuses("--weights exported", 3, "NAME.codes.npy");
  refuses("--weights-block 16", 2, "--weights");
  refuses("--weights w --weights-block 0", 2, "--weights-block");
  refuses("--weights w --weights-block 8", 3, "classifier.scales.npy");
  fs::copy_file(folder / "w/classifier.codes.npy", folder / "w/clasifier.codes.npy");
  refuses("--weights w", 3, "clasifier.codes.npy");
  fs::remove(folder / "w/clasifier.codes.npy");
  WriteFile(folder / "w/classifier.scales.npy", "no numpy");
  refuses("--weights w", 3, "classifier.scales.npy");
  const Result r = Sim(folder, "show " + SmallTrace() + " --export-weights /proc/w");
  CHECK(r.exit_code == 2);
  CHECK_THAT(r.err, Contains("/proc/w"));
}

}  // namespace
}  // namespace nibble::cli_test
