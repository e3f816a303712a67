// sim retrain as a user calls it.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "sw/npy/npy.h"
#include "sw/trace/file.h"
#include "tests/cli/sim.h"
#include "tests/evaluation/small_set.h"

namespace nibble::cli_test {
namespace {

using Catch::Matchers::Contains;

// A small network and images of its own.
void WriteFiles(const Folder& folder) {
  const trace::Network net = test::SmallNetwork(3);
  trace::Write(net, folder / "net.trc");
  const trace::Shape& shape = net.tensors[static_cast<size_t>(net.input)].shape;
  std::vector<float> values;
  std::string labels;
  constexpr int kCount = 24;
  for (int i = 0; i < kCount; ++i) {
    const auto image = test::RandomInput(net, static_cast<uint32_t>(i));
    values.insert(values.end(), image.begin(), image.end());
    labels += std::to_string(i % 12) + "\n";
  }
  WriteFile(
      folder / "images.npy",
      npy::Serialize(npy::FromFloats({kCount, shape.height, shape.width, shape.channels}, values)));
  WriteFile(folder / "labels.txt", labels);
}

constexpr char kRetrain[] =
    "retrain net.trc -i images.npy --steps 30 --batch 6 --interval 10 --rate 0.01 ";

TEST_CASE("a retrained trace says how it came about, verifies, and is compared with its parent") {
  const Folder folder;
  WriteFiles(folder);
  const std::string hash = trace::FileHash(folder / "net.trc");
  const Result result =
      Sim(folder, std::string(kRetrain) +
                      "--set datapath.block=32 --labels labels.txt -o out.trc "
                      "--keep fc --curve curve.csv --json report.json --html page.html");
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(result.err.empty());  // no progress in a pipe
  CHECK_THAT(result.out, Contains("30 steps") && Contains("MiB") && Contains("held back"));
  CHECK_FALSE(std::filesystem::exists(folder / "out.trc.checkpoint"));
  const std::string shown = Sim(folder, "show out.trc").out;
  CHECK_THAT(shown, Contains("retrained from " + hash) && Contains("under datapath.block=32") &&
                        Contains("24 images of images.npy with labels (hash ") &&
                        Contains("30 of the whole network") && Contains("fc kept") &&
                        Contains("the loss is"));
  std::istringstream curve(ReadFile(folder / "curve.csv"));
  int lines = 0;
  for (std::string line; std::getline(curve, line);) ++lines;
  CHECK(lines == 1 + 4);  // before training, and after 10, 20 and 30 steps
  CHECK_THAT(ReadFile(folder / "report.json"), Contains("nibble.retrain/1") && Contains(hash));
  const std::string page = ReadFile(folder / "page.html");
  CHECK_THAT(page, Contains("</html>") && Contains("training, step 30: ") &&
                       Contains("held back, step 0: ") && Contains("agreement with FP32, %"));
  for (const char* platform : {"accel", "nearmem"}) {
    const Result run = Sim(folder, std::string("--platform ") + platform +
                                       " --trace out.trc --input images.npy --count 3 --verify -q "
                                       "--set datapath.block=32");
    INFO(run.err);
    CHECK(run.exit_code == 0);
  }
  // Agreement with the parent's FP32 results is another than with its own.
  const std::string eval = "eval out.trc -i images.npy --set datapath.block=32 --format csv ";
  const Result own = Sim(folder, eval), parents = Sim(folder, eval + "--reference net.trc");
  REQUIRE(parents.exit_code == 0);
  CHECK(own.out != parents.out);
  const std::string plain = Sim(folder, "eval net.trc -i images.npy --format csv").out;
  const std::string itself =
      Sim(folder, "eval net.trc -i images.npy --format csv --reference net.trc").out;
  CHECK(Sim(folder, eval + "--reference net.trc --layers").exit_code == 2);
  trace::Write(test::RandomNetwork(1), folder / "other.trc");
  const Result other = Sim(folder, eval + "--reference other.trc");
  CHECK(other.exit_code == 3);
  CHECK_THAT(other.err, Contains("another shape"));
  // All but the worst layer, which is not asked for.
  CHECK(itself.substr(0, itself.rfind(",,")) == plain.substr(0, itself.rfind(",,")));
}

TEST_CASE("a retraining that was killed goes on, and ends with the same trace") {
  const Folder folder;
  WriteFiles(folder);
  REQUIRE(Sim(folder, std::string(kRetrain) + "-o whole.trc").exit_code == 0);
  const std::string command = std::string(kRetrain) + "-o out.trc -j 2";
  int killed = 0;
  Result last;
  // A kill at a time that no test may rely on: whatever was there goes on.
  for (int i = 0; i < 40; ++i) {
    last = Sim(folder, command, "timeout -s KILL " + std::to_string(0.15 + 0.05 * i));
    if (last.exit_code == 0) break;
    ++killed;
  }
  if (last.exit_code != 0) last = Sim(folder, command);
  REQUIRE(last.exit_code == 0);
  CHECK(killed > 0);
  CHECK(ReadFile(folder / "out.trc") == ReadFile(folder / "whole.trc"));
}

TEST_CASE("wrong use of retrain is refused in one line") {
  const Folder folder;
  WriteFiles(folder);
  const auto refused = [&](const std::string& options, int code, const std::string& what) {
    const Result result = Sim(folder, "retrain net.trc -i images.npy -o out.trc " + options);
    INFO(options << ": " << result.err);
    CHECK(result.exit_code == code);
    CHECK(IsOneLine(result.err));
    CHECK_THAT(result.err, Contains(what));
    CHECK_FALSE(std::filesystem::exists(folder / "out.trc"));
  };
  refused("--steps 0", 2, "no steps");
  refused("--set tensor.rows=8", 2, "tensor.rows");
  refused("--set datapath.block=17", 2, "datapath.block");
  refused("--distillation 0 --blocks 0", 2, "nothing is minimised");
  refused("--labels labels.txt --mix 0.5", 2, "--mix");
  refused("--labels labels.txt --images other.npy", 2, "--labels");
  refused("--crop 2", 2, "--crop");
  refused("--keep no_layer", 2, "no_layer");
  refused("--no-such-option", 2, "no-such-option");
  refused("-o missing/out.trc", 2, "-o");
  refused("--count 1 --steps 1", 3, "two images");
  WriteFile(folder / "short.txt", "1\n2\n");
  refused("--labels short.txt", 3, "labels");
  WriteFile(folder / "out.trc.checkpoint", "not a checkpoint");
  refused("--steps 1", 3, "checkpoint");
  const Result trace = Sim(folder, "retrain nothing.trc -i images.npy -o out.trc");
  CHECK(trace.exit_code == 3);
}

// As where it was not built: sim alone in a folder.
TEST_CASE("without nibble-retrain, what to install is said") {
  const Folder folder;
  WriteFiles(folder);
  std::error_code error;
  std::filesystem::create_hard_link(NIBBLE_SIM, folder / "sim", error);
  if (error) std::filesystem::copy_file(NIBBLE_SIM, folder / "sim");
  const std::string command = "cd " + folder.path().string() +
                              " && ./sim retrain net.trc -i images.npy -o out.trc 2> err.txt";
  CHECK(WEXITSTATUS(std::system(command.c_str())) == 2);
  CHECK_THAT(ReadFile(folder / "err.txt"),
             Contains("libtorch-dev") && Contains("setup.sh --retrain"));
}

}  // namespace
}  // namespace nibble::cli_test
