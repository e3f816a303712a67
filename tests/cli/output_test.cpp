// What a run prints and writes.
#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/onnx_model.h"
#include "tests/cli/sim.h"

namespace nibble::cli_test {
namespace {

using Json = nlohmann::json;

size_t Lines(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST_CASE("JSON totals are the sums of the layer rows, and MACs the network's") {
  const std::string platform = GENERATE("accel", "nearmem");
  const Json run = RunJson("--no-quality --platform " + platform);
  const Json& totals = run["totals"];
  CHECK(run["platform"] == platform);
  for (const char* key : {"macs", "cycles", "dram_read_bytes", "dram_write_bytes"}) {
    uint64_t sum = 0;
    for (const Json& layer : run["layers"]) sum += layer[key].get<uint64_t>();
    INFO(key);
    CHECK(totals[key] == sum);
  }
  double energy = 0;
  for (const Json& layer : run["layers"]) energy += layer["energy_pj"].get<double>();
  CHECK(totals["energy_pj"].get<double>() == Approx(energy).epsilon(1e-9));
  // Energy is counts times prices.
  double priced = 0;
  for (const Json& term : run["energy_terms"]) {
    for (const Json& layer : run["layers"]) {
      priced += term["pj_per_count"].get<double>() *
                layer["counters"][term["counter"].get<std::string>()].get<double>();
    }
  }
  CHECK(priced == Approx(energy).epsilon(1e-9));
  CHECK(totals["dram_read_bytes"].get<uint64_t>() + totals["dram_write_bytes"].get<uint64_t>() >=
        totals["dram_compulsory_bytes"].get<uint64_t>());
  CHECK(run["layers"].size() == 54);  // MobileNetV2: 52 convolutions, the pool, the classifier
}

TEST_CASE("timing only gives the same cycles, traffic and energy") {
  const std::string platform = GENERATE("accel", "nearmem");
  Json bits = RunJson("--no-quality --platform " + platform);
  Json timing = RunJson("--timing-only --platform " + platform);
  CHECK(timing["timing_only"] == true);
  CHECK(bits["totals"] == timing["totals"]);
  CHECK(bits["layers"] == timing["layers"]);
}

TEST_CASE("CSV has a heading and a line per layer") {
  const Folder folder;
  const Result r = Sim(folder, "--trace " + SmallTrace() + " --timing-only --csv rows.csv");
  REQUIRE(r.exit_code == 0);
  const Json run = RunJson("--timing-only");
  CHECK(Lines(ReadFile(folder / "rows.csv")) == run["layers"].size() + 1);
  CHECK(folder.files() == 1);
}

TEST_CASE("the table fits 120 columns, alone on stdout, with nothing on stderr") {
  const Folder folder;
  const std::string platform = GENERATE("accel", "nearmem");
  const Result r = Sim(folder, "--platform " + platform + " --trace " + SmallTrace());
  REQUIRE(r.exit_code == 0);
  CHECK(r.err.empty());
  CHECK(r.out.find('\x1b') == std::string::npos);
  std::istringstream text(r.out);
  for (std::string line; std::getline(text, line);) {
    INFO(line);
    CHECK(line.size() <= 120);
  }
  CHECK(r.out.find("SQNR") != std::string::npos);
  const Result wide = Sim(folder, "--wide --timing-only --trace " + SmallTrace());
  CHECK(wide.out.find("stall load") != std::string::npos);
  CHECK(wide.out.find("SQNR") == std::string::npos);
  CHECK(Sim(folder, "--quiet --timing-only --trace " + SmallTrace()).out.empty());
}

TEST_CASE("a run is the same every time, and depends on the input") {
  const Json first = RunJson(""), again = RunJson("");
  CHECK(first == again);
  const Json other = RunJson("--seed 7");
  CHECK(first["quality"] != other["quality"]);
  CHECK(first["totals"]["cycles"] == other["totals"]["cycles"]);
}

TEST_CASE("a dry run prints a design point that --config reads back") {
  const Folder folder;
  const std::string set =
      "--platform nearmem --set datapath.block=32 --set tensor.rows=2 --set tensor.rows=8 ";
  const Result printed = Sim(folder, "--dry-run " + set);
  REQUIRE(printed.exit_code == 0);
  WriteFile(folder / "point.cfg", printed.out);
  const Result read = Sim(folder, "--dry-run --platform nearmem --config point.cfg");
  CHECK(read.out == printed.out);
  CHECK(printed.out.find("datapath.block = 32") != std::string::npos);
  CHECK(printed.out.find("tensor.rows = 8") != std::string::npos);
}

TEST_CASE("the design point of a result is the one that was asked for") {
  const Json run = RunJson("--timing-only --set clock.mhz=500 --set datapath.block=64");
  CHECK(run["design_point"]["clock.mhz"]["value"] == "500");
  CHECK(run["design_point"]["clock.mhz"]["default"] == false);
  CHECK(run["design_point"]["tensor.rows"]["default"] == true);
  CHECK(run["totals"]["latency_ns"].get<double>() ==
        Approx(2 * run["totals"]["cycles"].get<double>()));
}

TEST_CASE("verifying counts equal tensors, and fails on a broken datapath") {
  const std::string platform = GENERATE("accel", "nearmem");
  const Folder folder;
  const std::string run =
      "--no-quality --verify --platform " + platform + " --trace " + SmallTrace();
  const Result good = Sim(folder, run);
  INFO(good.err);
  CHECK(good.exit_code == 0);
  CHECK(good.out.find("55 stored tensors equal") != std::string::npos);  // the input and 54 layers
  const Result broken = Sim(folder, run + " --break-datapath");
  CHECK(broken.exit_code == 1);
  CHECK(IsOneLine(broken.err));
  CHECK(broken.err.find("expected") != std::string::npos);
}

TEST_CASE("a transformer, which has constants among its tensors, runs and verifies") {
  const std::string platform = GENERATE("accel", "nearmem");
  const Folder folder;
  REQUIRE(Sim(folder, "compile --builtin vit_tiny --resolution 32 --count 1 -o v.trc").exit_code ==
          0);
  const Result r = Sim(folder, "--verify --quiet --trace v.trc --platform " + platform);
  INFO(r.err);
  CHECK(r.exit_code == 0);
}

TEST_CASE("images with labels give agreement and accuracy over all of them") {
  const Folder folder;
  WriteFile(folder / "images.npy", NumpyImages(3, 32));
  WriteFile(folder / "labels.csv", "0,1\n1,2\n2,3\n");
  const Json run = RunJson("--input " + (folder / "images.npy") + " --count 3 --labels " +
                           (folder / "labels.csv"));
  CHECK(run["quality"]["images"] == 3);
  CHECK(run["quality"].contains("top1_images"));
  CHECK(run["quality"].contains("fp32_top5_images"));
}

TEST_CASE("formats are listed with bits, range, step and SQNR") {
  const Folder folder;
  const Result text = Sim(folder, "formats"), csv = Sim(folder, "formats --csv");
  REQUIRE(text.exit_code == 0);
  REQUIRE(csv.exit_code == 0);
  std::istringstream lines(text.out);
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 120);
  // 4 + 8/16 + 32/4096 bits, largest 6 * 448, step 0.5 * 2^-9.
  CHECK_THAT(csv.out, Catch::Matchers::Contains("nvfp4 B=16,4.507812,2688,0.0009765625,"));
  CHECK_THAT(csv.out, Catch::Matchers::StartsWith("format,bits_per_element,range,step,normal_db"));
  const auto rows = std::count(csv.out.begin(), csv.out.end(), '\n');
  CHECK(std::count(text.out.begin(), text.out.end(), '\n') == rows + 2);  // units and a rule
}

TEST_CASE("params, show and --version") {
  const Folder folder;
  const Result params = Sim(folder, "params --platform nearmem");
  CHECK(params.exit_code == 0);
  const Json run = RunJson("--timing-only --platform nearmem");
  for (const auto& [name, value] : run["design_point"].items()) {
    INFO(name);
    CHECK(params.out.find("\n" + name + " ") != std::string::npos);
  }
  const Result show = Sim(folder, "show " + SmallTrace());
  CHECK(show.exit_code == 0);
  CHECK(show.out.find("depthwise") != std::string::npos);
  const Result program = Sim(folder, "show " + SmallTrace() + " --program --platform accel");
  CHECK(program.exit_code == 0);
  CHECK(program.out.find("TENSOR_RUN") != std::string::npos);
  const Result version = Sim(folder, "--version");
  CHECK(version.exit_code == 0);
  CHECK(version.out.find("SystemC 2.3") != std::string::npos);
}

TEST_CASE("docs/parameters.md is what sim params says") {
  const Folder folder;
  const Result r = Sim(folder, "params --markdown");
  CHECK(r.out == ReadFile(NIBBLE_SOURCE_DIR
                          "/docs/parameters.md"));  // sim params --markdown > docs/parameters.md
}

TEST_CASE("Ctrl-C stops a run cleanly") {
  const Folder folder, data;
  WriteFile(data / "many.npy", NumpyImages(20000, 32));
  const Result r = Sim(folder,
                       "--no-quality --json x.json --input " + (data / "many.npy") +
                           " --count 20000 --trace " + SmallTrace(),
                       "timeout --preserve-status -s INT 1.5");
  CHECK(r.exit_code == 130);
  CHECK(r.err == "sim: interrupted\n");
  CHECK(r.out.empty());
  CHECK(folder.files() == 0);
}

TEST_CASE("golden writes the very outputs that a machine's run does") {
  const Folder folder;
  WriteFile(folder / "images.npy", NumpyImages(2, 32));
  const std::string images = "--input images.npy --count 2 --set datapath.block=32 ";
  REQUIRE(Sim(folder, "--trace " + SmallTrace() +
                          " --quiet --outputs run.npy --fp32-outputs f.npy " + images)
              .exit_code == 0);
  const Result r = Sim(folder, "golden " + SmallTrace() +
                                   " --outputs golden.npy --fp32-outputs g.npy -j 2 " + images);
  CHECK(r.exit_code == 0);
  CHECK(r.out.find("2 images") != std::string::npos);
  CHECK(r.out.find("dB against FP32") != std::string::npos);
  CHECK(ReadFile(folder / "golden.npy") == ReadFile(folder / "run.npy"));
  CHECK(ReadFile(folder / "g.npy") == ReadFile(folder / "f.npy"));
  REQUIRE(Sim(folder, "golden " + SmallTrace() +
                          " --fp32 --fp32-outputs h.npy --input images.npy --count 2")
              .exit_code == 0);
  CHECK(ReadFile(folder / "h.npy") == ReadFile(folder / "f.npy"));
}

TEST_CASE("the passes of a compilation are printed in their order") {
  const Folder folder;
  WriteFile(folder / "model.onnx", ModelWithOperator("Relu", "rectify"));
  const Result r = Sim(folder, "compile model.onnx -o x.trc --count 1 --dump-passes");
  INFO(r.err);
  REQUIRE(r.exit_code == 0);
  size_t at = 0;
  for (const char* part :
       {"after fold:\nrectify: Relu  x -> y 1x3x8x8\n", "after fuse:\nrectify: activation, relu",
        "after layout:\nrectify: activation, relu  x -> y 8x8x3\n",
        "after liveness:\nrectify: activation, relu  x -> y 8x8x3  live 384\n",
        "after calibrate:\nrectify: activate  rectify 8x8x3 amax 0.9", "x.trc: model, 1 layers"}) {
    INFO(part);
    at = r.out.find(part, at);
    REQUIRE(at != std::string::npos);
  }
}

}  // namespace
}  // namespace nibble::cli_test
