// sim eval, sim ablate and sim tune, as a user calls them.
#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sw/npy/npy.h"
#include "tests/cli/onnx_model.h"
#include "tests/cli/sim.h"

namespace nibble::cli_test {
namespace {

using Catch::Matchers::Contains;
using Json = nlohmann::json;

// `count` images that the small trace takes, and labels: images.npy, labels.csv.
void WriteImages(const Folder& folder, int count) {
  npy::Array array;
  array.type = npy::Type::kUint8;
  array.shape = {count, 32, 32, 3};
  std::string labels = "row,class\n";
  uint32_t state = 1;
  for (int i = 0; i < count; ++i) {
    for (int k = 0; k < 32 * 32 * 3; ++k) {
      state = state * 1664525 + 1013904223;  // Numerical Recipes' generator
      array.bytes.push_back(static_cast<uint8_t>(state >> 24));
    }
    labels += std::to_string(i) + "," + std::to_string(i * 7 % 1000) + "\n";
  }
  WriteFile(folder / "images.npy", npy::Serialize(array));
  WriteFile(folder / "labels.csv", labels);
}

std::string Images() { return " --images images.npy "; }

std::string Out(const Folder& folder, const std::string& arguments) {
  const Result r = Sim(folder, arguments);
  INFO("stderr: " << r.err);
  REQUIRE(r.exit_code == 0);
  return r.out;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The one value of a CSV of a heading and a row, or of row `row`.
std::string Field(const std::string& csv, const std::string& name, size_t row = 1) {
  const auto lines = Lines(csv);
  std::istringstream names(lines.at(0)), values(lines.at(row));
  std::string n, v;
  while (std::getline(names, n, ',')) {
    std::getline(values, v, ',');
    if (n == name) return v;
  }
  FAIL("no column " << name);
  return "";
}

TEST_CASE("eval: the same text at any number of jobs, from machine and golden") {
  const Folder folder;
  WriteImages(folder, 4);
  const std::string command = "eval " + SmallTrace() + Images() + "--labels labels.csv ";
  const std::string text = Out(folder, command);
  CHECK(Out(folder, command + "--jobs 3") == text);
  CHECK_THAT(text, Contains("agreement") && Contains("top-5") && Contains("worst layer"));
  const std::string by_layer = "eval " + SmallTrace() + Images() + "--layers --format csv ";
  const std::string layers = Out(folder, by_layer);
  CHECK(Out(folder, by_layer + "--jobs 3") == layers);
  CHECK(Lines(layers).size() == 55);
  Json machine = Json::parse(Out(folder, command + "--format json"));
  Json golden = Json::parse(Out(folder, command + "--format json --golden"));
  CHECK(machine["engine"] == "accel");
  CHECK(golden["engine"] == "golden");
  golden["engine"] = machine["engine"];
  CHECK(machine == golden);
  CHECK(machine["images"] == 4);
  CHECK(machine["layers"].size() == 54);
  const std::string csv = Out(folder, command + "--format csv");
  CHECK(std::stod(Field(csv, "sqnr_db")) ==
        Approx(machine["sqnr_db"].get<double>()).margin(0.0001));
  CHECK(Field(csv, "worst_layer") == machine["worst_layer"].get<std::string>());
  CHECK(Out(folder, command + "--platform nearmem --format csv").find("nearmem,4") !=
        std::string::npos);
}

TEST_CASE("eval: names with commas and quotes stay one field of the CSV") {
  const Folder folder;
  WriteFile(folder / "net,1.onnx", ModelWithOperator("Relu", "act, \"first\""));
  WriteFile(folder / "images.npy", NumpyImages(2, 8));
  Out(folder, "compile net,1.onnx -o net.trc");
  const std::string command = "eval net.trc --images images.npy --format csv";
  CHECK_THAT(Out(folder, command),
             Contains("\n\"net,1\",accel,2,") && Contains(",\"act, \"\"first\"\"\","));
  CHECK_THAT(Out(folder, command + " --layers"), Contains("\n\"act, \"\"first\"\"\",activate,"));
}

TEST_CASE("eval: killed anywhere, the same command goes on to the same bytes") {
  const Folder folder;
  WriteImages(folder, 6);
  const std::string command = "eval " + SmallTrace() + Images() + "--format csv --out ";
  const std::string whole = Out(folder, command + "whole");
  for (const char* seconds : {"0.05", "0.2", "0.4"}) {
    // A shell between, so that this process does not hear of the signal.
    Sim(folder, command + "killed --jobs 2", std::string("timeout -s KILL ") + seconds);
    CHECK(Out(folder, command + "killed --jobs 2") == whole);
    CHECK(ReadFile(folder / "killed") == ReadFile(folder / "whole"));
    std::filesystem::remove(folder / "killed");
  }
  const Result other = Sim(folder, command + "whole --set datapath.block=32");
  CHECK(other.exit_code == 3);
  CHECK_THAT(other.err, Contains("results of another design"));
}

TEST_CASE("ablate: rows of the table are what eval says of the kept cells") {
  const Folder folder;
  WriteImages(folder, 3);
  const std::string csv = Out(folder, "ablate block --nets " + SmallTrace() + Images() +
                                          "--labels labels.csv --out kept --format csv --jobs 2");
  REQUIRE(Lines(csv).size() == 6);
  CHECK(Field(csv, "bits_per_input_4096", 2) == "4.507812");
  size_t row = 1;
  for (const char* block : {"8", "16", "32", "64", "128"}) {
    const std::string cell = std::string("kept/mobilenet_v2.block.B_") + block + ".cfg";
    const std::string eval =
        Out(folder, "eval " + SmallTrace() + Images() + "--format csv --config " + cell);
    CHECK(Field(eval, "sqnr_db") == Field(csv, "sqnr_db", row));
    CHECK(Field(eval, "top1_agree_percent") == Field(csv, "agreement_percent", row));
    const Result run =
        Sim(folder, "--trace " + SmallTrace() + " --timing-only --json - --config " + cell);
    CHECK(Json::parse(run.out)["totals"]["cycles"] == std::stoll(Field(csv, "cycles", row)));
    ++row;
  }
  const std::string list = folder / "list";
  WriteFile(list, "# a network\n" + SmallTrace() + " images.npy labels.csv\n");
  CHECK(Out(folder, "ablate block --list list --format csv") == csv);
  const std::string markdown = Out(folder, "ablate block --list list --format markdown");
  CHECK_THAT(markdown, Contains("| network | FP32 | B=8 | B=16 | B=32 | B=64 | B=128 |"));
  CHECK_THAT(markdown, Contains("4.5078"));
}

// One fully connected layer, gemv.trc, and vectors for it, images.npy.
void WriteGemv(const Folder& folder, int count) {
  Out(folder, "compile --builtin gemv:32x256 --count 2 -o gemv.trc");
  npy::Array array;
  array.shape = {count, 1, 1, 256};
  std::vector<float> values;
  for (int i = 0; i < count * 256; ++i) {
    values.push_back(static_cast<float>(i * 37 % 101 - 50) * 0x1p-6f);
  }
  WriteFile(folder / "images.npy", npy::Serialize(npy::FromFloats(array.shape, values)));
}

TEST_CASE("tune: the file it writes is the point it chose") {
  const Folder folder;
  WriteGemv(folder, 5);
  const std::string command = "tune gemv.trc" + Images() + "--measure 2 --limit 9 --format csv ";
  const std::string csv = Out(folder, command + "--out chosen.cfg --front front");
  CHECK(Out(folder, command + "--jobs 3") == csv);
  size_t chosen = 1;
  while (Field(csv, "chosen", chosen) != "1") ++chosen;
  CHECK(std::stod(Field(csv, "bits_per_activation", chosen)) <= 9);
  CHECK(std::stod(Field(csv, "bits_per_weight", chosen)) <= 9);
  const std::string cfg = ReadFile(folder / "chosen.cfg");
  CHECK(cfg == ReadFile(folder / ("front/" + std::to_string(chosen) + ".cfg")));
  CHECK_THAT(cfg, Contains("layers."));
  const std::string eval =
      Out(folder, "eval gemv.trc" + Images() + "--count 2 --format csv --config chosen.cfg");
  CHECK(Field(eval, "top1_agree_percent") == Field(csv, "measured_agreement_percent", chosen));
  const Result run = Sim(folder, "--trace gemv.trc --timing-only --json - --config chosen.cfg");
  const Json totals = Json::parse(run.out)["totals"];
  CHECK(totals["cycles"] == std::stoll(Field(csv, "cycles", chosen)));
  CHECK(totals["bits_per_weight"].get<double>() ==
        Approx(std::stod(Field(csv, "bits_per_weight", chosen))));
  // Another base: the walk begins from a design point, too.
  CHECK(Out(folder, command + "--set accumulator.fused_bits=20") == csv);  // of no accumulator here
  CHECK(Out(folder, command + "--set tensor.rows=4") != csv);
  CHECK(Out(folder, command + "--platform nearmem") != csv);
}

TEST_CASE("wrong use of eval, ablate and tune is refused by name") {
  const Folder folder;
  WriteImages(folder, 2);
  struct Case {
    const char* arguments;
    int exit_code;
    const char* says;
  };
  const std::string trace = SmallTrace();
  for (const Case& c : {
           Case{"eval TRACE --images none.npy", 3, "none.npy"},
           Case{"eval TRACE --images images.npy --count 3", 3, "holds 2 images"},
           Case{"eval TRACE --images images.npy --golden --set tensor.rows=8", 2, "tensor.rows"},
           Case{"eval TRACE --images images.npy --golden --layers", 2, "layers"},
           Case{"eval TRACE --images images.npy --layers --labels labels.csv", 2, "--labels"},
           Case{"eval TRACE --images images.npy --out /proc/x", 2, "/proc/x: cannot be written"},
           Case{"eval TRACE --images images.npy --layers --set sram.act.error_rate=1e-6", 2,
                "sram.act"},
           Case{"eval TRACE --images images.npy --jobs 0", 2, "jobs"},
           Case{"eval TRACE", 2, "images"},
           Case{"ablate blocks --nets TRACE --images images.npy", 2, "block"},
           Case{"ablate block --images images.npy", 2, "no networks"},
           Case{"ablate block --nets TRACE", 2, "no images"},
           Case{"ablate block --nets TRACE --images images.npy --set datapath.block=8", 2,
                "the study block varies it"},
           Case{"ablate block --nets TRACE,TRACE --images images.npy", 2, "two networks"},
           Case{"ablate block --list none", 3, "none"},
           Case{"ablate block --nets TRACE --images images.npy --out /proc/x", 2,
                "/proc/x: cannot be written"},
           Case{"tune TRACE --images images.npy --measure 2", 3, "holds 2 images"},
           Case{"tune TRACE --images images.npy --measure 1 --out /proc/x", 2,
                "/proc/x: cannot be written"},
           Case{"tune TRACE --images images.npy --measure 1 --weights fp17", 2, "fp17"},
           Case{"tune TRACE --images images.npy --measure 1 --weights fp8:x", 2, "x"},
           Case{"tune TRACE --images images.npy --measure 1 --target accuracy=1", 2, "agreement="},
           Case{"tune TRACE --images images.npy --measure 1 --budget time", 2, "budget"},
           Case{"tune TRACE --images images.npy --measure 1 --rounds 2", 2, "--limit"},
           Case{"tune TRACE --images images.npy --labels labels.csv --check images.npy", 2,
                "--check-labels"},
       }) {
    std::string arguments = c.arguments;
    for (size_t at = 0; (at = arguments.find("TRACE")) != std::string::npos;) {
      arguments.replace(at, 5, trace);
    }
    const Result r = Sim(folder, arguments);
    INFO(arguments << ": " << r.err);
    CHECK(r.exit_code == c.exit_code);
    CHECK_THAT(r.err, Contains(c.says));
    CHECK(r.out.empty());
  }
}

TEST_CASE("tune: limits and targets that cannot be kept") {
  const Folder folder;
  WriteGemv(folder, 6);
  const Result tight = Sim(folder, "tune gemv.trc" + Images() + "--measure 1 --limit 3");
  CHECK(tight.exit_code == 2);
  CHECK_THAT(tight.err, Contains("limit: even the cheapest choices cost more"));
  const std::string command =
      "tune gemv.trc" + Images() + "--measure 1 --activations int4:128 --weights fp4 --points 1 ";
  CHECK(Sim(folder, command + "--target agreement=0").exit_code == 0);
  // Weights below 1/4 are 0 without scales, and all outputs the same.
  const Result missed = Sim(folder, command + "--target agreement=1");
  CHECK(missed.exit_code == 1);
  CHECK_THAT(missed.err, Contains("asks for more"));
  CHECK(!missed.out.empty());
}

}  // namespace
}  // namespace nibble::cli_test
