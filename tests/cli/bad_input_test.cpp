// Every bad input gives one clear line and the right exit code, and leaves nothing behind.
#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/cli/onnx_model.h"
#include "tests/cli/sim.h"

namespace nibble::cli_test {
namespace {

// Exit code, and what the line must name.
void Refuses(const std::string& arguments, int exit_code, const std::vector<std::string>& names) {
  const Folder folder;
  const Result r = Sim(folder, arguments);
  INFO("sim " << arguments << "\nstderr: " << r.err << "\nstdout: " << r.out);
  CHECK(r.exit_code == exit_code);
  CHECK(IsOneLine(r.err));
  CHECK(r.out.empty());
  for (const std::string& name : names) {
    INFO("expected to name: " << name);
    CHECK(r.err.find(name) != std::string::npos);
  }
  CHECK(folder.files() == 0);
}

TEST_CASE("wrong use of the command line") {
  Refuses("", 2, {"--trace"});
  Refuses("--trace", 2, {"--trace"});
  Refuses("--platfrom accel --trace x.trc", 2, {"--platfrom", "--platform"});
  Refuses("--platfrom=accel --trace x.trc", 2, {"--platfrom", "--platform"});
  Refuses("parms", 2, {"parms", "params"});
  Refuses("params --platfrom accel", 2, {"--platfrom", "--platform"});
  Refuses("--platform accel params", 2, {"--platform", "params"});
  Refuses("--platform gpu --trace mobilenet.trc", 2, {"gpu", "accel", "nearmem"});
  Refuses("--trace mobilenet.trc --count 2", 2, {"--count", "--input"});
  Refuses("--trace mobilenet.trc --labels l.csv", 2, {"--labels", "--input"});
  Refuses("--trace mobilenet.trc --timing-only --verify", 2, {"--verify", "--timing-only"});
  Refuses("--trace mobilenet.trc --timing-only --seed 1", 2, {"--timing-only", "--seed"});
  Refuses("--trace mobilenet.trc --input a.npy --labels l.csv --no-quality", 2,
          {"--labels", "--no-quality"});
  Refuses("--trace mobilenet.trc --seed -1", 2, {"--seed"});
  Refuses("--trace mobilenet.trc --json - --csv -", 2, {"--json", "--csv"});
  Refuses("compile -o x.trc", 2, {"--builtin"});
  Refuses("compile --builtin mobilenet_v2", 2, {"--output"});
  Refuses("compile --builtin mobilenet_v9 -o x.trc", 2, {"mobilenet_v9", "mobilenet_v2"});
  Refuses("compile --builtin mobilenet_v2 --resolution 3 -o x.trc", 2, {"3"});
  Refuses("compile --builtin gemv:0x8 -o x.trc", 2, {"gemv:0x8", "32768"});
  Refuses("compile --builtin gemv:8x -o x.trc", 2, {"gemv:8x", "gemv:ROWSxCOLUMNS"});
  Refuses("compile --builtin mobilenet_v2 --resolution 32 --std 0 -o x.trc", 2, {"--std"});
  Refuses("compile --builtin mobilenet_v2 --resolution 32 --mean 1,2 -o x.trc", 2,
          {"--mean", "3 channels"});
  Refuses("compile --builtin mobilenet_v2 --dump-passes -o x.trc", 2, {"--dump-passes"});
  const std::string calibrate = "calibrate " + SmallTrace() + " -o x.trc ";
  Refuses("calibrate " + SmallTrace() + " -o x.trc", 2, {"--images"});
  Refuses(calibrate + "-i no-such.npy", 3, {"no-such.npy"});
  Refuses(calibrate + "-i x.npy --no-equalise --through-clips", 2, {"--through-clips"});
  Refuses(calibrate + "-i x.npy --no-equalise --range keep --bias off", 2, {"every step"});
  Refuses(calibrate + "-i x.npy --bias some", 2, {"--bias"});
  Refuses(calibrate + "-i x.npy --set sram.act.size=1", 2, {"sram.act.size", "without a machine"});
  const std::string compile = "compile --builtin mobilenet_v2 -r 32 -o x.trc --range ";
  Refuses(compile + "max", 2, {"--range", "percentile:P"});
  Refuses(compile + "percentile:0", 2, {"--range", "0..100"});
  Refuses(compile + "percentile:99,9", 2, {"--range", "99,9"});
  Refuses(compile + "mse:nvfp4", 2, {"--range", "fp4-tensor"});
  Refuses(compile + "mse:fp5", 2, {"--range", "fp5"});
  Refuses("golden mobilenet.trc --set tensor.rows=4", 2, {"tensor.rows", "datapath."});
  Refuses("golden mobilenet.trc --set datapath.block=12", 2, {"datapath.block"});
  Refuses("golden mobilenet.trc --fp32 --set datapath.block=32", 2, {"--fp32", "--set"});
  Refuses("golden mobilenet.trc --outputs -", 2, {"--outputs"});
  Refuses("golden no-such.trc", 3, {"no-such.trc"});
  Refuses("show mobilenet.trc --platform accel", 2, {"--platform", "--program"});
}

TEST_CASE("parameters") {
  const std::string run = "--trace mobilenet.trc --set ";
  Refuses(run + "tensor.rwos=4", 2, {"tensor.rwos", "tensor.rows"});
  Refuses(run + "tensor.rows=0", 2, {"tensor.rows", "1..256"});
  Refuses(run + "tensor.rows=-1", 2, {"tensor.rows"});
  Refuses(run + "tensor.rows", 2, {"tensor.rows"});
  Refuses(run + "datapath.block=12", 2, {"datapath.block", "16"});
  Refuses(run + "nearmem.lanes=64", 2, {"nearmem.lanes", "nearmem"});
  Refuses(run + "datapath.gating=some", 2, {"datapath.gating", "none | operand | block"});
  Refuses(run + "datapath.multiplier=lut --set datapath.weights=int8", 2,
          {"datapath.multiplier", "int8 weights"});
  Refuses(run + "datapath.multiplier=lut --set layers.first.weights=fp16", 2,
          {"stem", "datapath.multiplier", "fp16 weights"});
  Refuses(run + "datapath.weights.scale=row", 2, {"datapath.weights.scale", "tensor | channel"});
  Refuses(run + "layers.first.weights=mxfp4 --set layers.first.weights.scale=channel", 2,
          {"stem", "datapath.weights.scale", "mxfp4"});
  Refuses("--trace mobilenet.trc --config nowhere.cfg", 2, {"nowhere.cfg"});
}

TEST_CASE("trace files") {
  Refuses("--trace no-such.trc", 3, {"no-such.trc", "mobilenet.trc"});
  Refuses("show no-such.trc", 3, {"no-such.trc"});
  Refuses("--trace /", 3, {"/"});
  const std::string bytes = ReadFile(SmallTrace());
  const Folder damaged;
  for (const size_t length :
       {size_t{0}, size_t{1}, size_t{63}, bytes.size() / 2, bytes.size() - 1}) {
    WriteFile(damaged / "short.trc", bytes.substr(0, length));
    Refuses("--trace " + (damaged / "short.trc"), 3, {"short.trc"});
    Refuses("show " + (damaged / "short.trc"), 3, {"short.trc"});
  }
  std::string flipped = bytes;
  flipped[bytes.size() / 2] ^= 0x10;
  WriteFile(damaged / "flipped.trc", flipped);
  Refuses("--trace " + (damaged / "flipped.trc"), 3, {"flipped.trc"});
}

TEST_CASE("ONNX models") {
  const Folder models;
  WriteFile(models / "garbage.onnx", "this is no protocol buffer");
  Refuses("compile " + (models / "garbage.onnx") + " -o x.trc", 3, {"garbage.onnx"});
  Refuses("compile no-such.onnx -o x.trc", 3, {"no-such.onnx"});
  WriteFile(models / "tanh.onnx", ModelWithOperator("Tanh", "squash"));
  Refuses("compile " + (models / "tanh.onnx") + " -o x.trc", 3, {"Tanh", "squash"});
}

TEST_CASE("images and labels") {
  const std::string run = "--trace " + SmallTrace() + " --input ";
  const Folder data;
  WriteFile(data / "garbage.npy", "no numpy");
  Refuses(run + (data / "garbage.npy"), 3, {"garbage.npy"});
  Refuses(run + "no-such.npy", 3, {"no-such.npy"});
  WriteFile(data / "other.npy", NumpyImages(2, 16));
  Refuses(run + (data / "other.npy"), 3, {"16x16x3", "32x32x3"});
  WriteFile(data / "two.npy", NumpyImages(2, 32));
  Refuses(run + (data / "two.npy") + " --count 3", 3, {"two.npy", "3"});
  WriteFile(data / "labels.csv", "0,1\n1,1000\n");
  Refuses(run + (data / "two.npy") + " --count 2 --labels " + (data / "labels.csv"), 3,
          {"labels.csv", "1000"});
  WriteFile(data / "one.csv", "0,1\n");
  Refuses(run + (data / "two.npy") + " --count 2 --labels " + (data / "one.csv"), 3, {"one.csv"});
}

TEST_CASE("a network that no tiling fits the scratchpads with") {
  const std::string run = "--trace mobilenet.trc --timing-only ";
  Refuses(run + "--set sram.act.size=8KiB --set sram.act.banks=1", 2,
          {"depthwise", "sram.act.size"});
  // A row of 16 sums in the first layer: 144 * 16 * 4 bytes.
  const Folder folder;
  REQUIRE(Sim(folder, "compile --builtin mobilenet_v3_small --resolution 288 --count 1 -o wide.trc")
              .exit_code == 0);
  Refuses("--timing-only --set sram.acc.size=8KiB --set sram.acc.banks=1 --trace " +
              (folder / "wide.trc"),
          2, {"stem", "sram.acc.size"});
  Refuses(run + "--set sram.out.size=8KiB --set sram.out.banks=1", 2, {"sram.out.size"});
  Refuses(run + "--set sram.weight.size=8KiB --set sram.weight.banks=1", 2, {"sram.weight.size"});
}

TEST_CASE("bits that do not hold cannot be verified, voltages alone can") {
  const std::string run = "--trace " + SmallTrace() + " --quiet --verify ";
  Refuses(run + "--set sram.weight.vdd=0.44", 2, {"--verify", "sram.weight", "golden"});
  Refuses(run + "--set sram.acc.error_rate=1e-9 --set sram.acc.ecc=all", 2, {"sram.acc"});
  const Folder folder;
  CHECK(Sim(folder, run + "--set sram.weight.vdd=0.5 --set sram.weight.ecc=scales").exit_code == 0);
  CHECK(Sim(folder, run + "--set sram.weight.vdd=0.44 --set sram.weight.error_rate=0").exit_code ==
        0);
}

TEST_CASE("outputs that cannot be written are reported before the run") {
  const std::string run = "--trace " + SmallTrace() + " --quiet ";
  Refuses(run + "--json /no/such/folder/x.json", 2, {"/no/such/folder/x.json"});
  Refuses(run + "--csv /tmp", 2, {"/tmp"});
  Refuses(run + "--json /proc/x.json", 2, {"/proc/x.json"});
  Refuses("compile --builtin mobilenet_v2 -o /no/such/folder/x.trc", 2, {"/no/such/folder/x.trc"});
  Refuses(run + "--json /dev/full", 2, {"/dev/full"});  // this one only when writing
}

}  // namespace
}  // namespace nibble::cli_test
