// The committed traces, at full resolution.
#include <catch2/catch.hpp>

#include "sw/compiler/compiler.h"
#include "sw/compiler/recipe.h"
#include "sw/golden/compare.h"
#include "sw/golden/golden.h"
#include "sw/trace/file.h"
#include "tests/trace/small_network.h"

namespace nibble::compiler {
namespace {

const std::string kTraces = std::string(NIBBLE_SOURCE_DIR) + "/traces/";

TEST_CASE("the committed traces are what the recipes make") {
  const test::TemporaryDirectory directory;
  for (const std::string& name : BuiltInNetworks()) {
    CAPTURE(name);
    trace::Write(CompileBuiltIn(name), directory / "made.trc");
    const std::vector<uint8_t> made = test::ReadFile(directory / "made.trc");
    REQUIRE(made.size() <= 45056);  // structure alone: ViT-Tiny has 342 layers
    REQUIRE(made == test::ReadFile(kTraces + name + ".trc"));
  }
  REQUIRE(test::ReadFile(kTraces + "mobilenet.trc") ==
          test::ReadFile(kTraces + "mobilenet_v2.trc"));
}

TEST_CASE("signals of every network stay alive and bounded, and inputs tell in the logits") {
  for (const std::string& name : BuiltInNetworks()) {
    const trace::Network net = trace::Read(kTraces + name + ".trc");
    const auto first = golden::RunFp32(net, GeneratedInput(net, 0));
    const auto second = golden::RunFp32(net, GeneratedInput(net, 1));
    for (const trace::Layer& l : net.layers) {
      const std::vector<float>& y = first[l.output];
      size_t alive = 0;
      double power = 0;
      for (const float x : y) {
        alive += x != 0;
        power += double{x} * x / static_cast<double>(y.size());
      }
      CAPTURE(name, l.name, power);
      REQUIRE(alive * 10 > y.size() * 3);  // a rectifier passes about half
      if (l.op == trace::Op::kSoftmax) {
        // Squares of n shares that sum to 1 sum to 1/n, where all are equal, to 1.
        const int n = net.tensors[l.output].shape.channels;
        REQUIRE(power * n > 1.2 / n);
        REQUIRE(power * n < 0.5);
        continue;
      }
      REQUIRE(power > 0.01);
      REQUIRE(power < 100);
      REQUIRE(net.tensors[l.output].amax > 0.4f);
      REQUIRE(net.tensors[l.output].amax < 100);
    }
    CAPTURE(name);
    REQUIRE(golden::Sqnr(first[net.output], second[net.output]) < 33);
  }
}

}  // namespace
}  // namespace nibble::compiler
