#include "sw/trace/print.h"

#include <catch2/catch.hpp>

#include "tests/trace/small_network.h"

namespace nibble::trace {
namespace {

using Catch::Matchers::Contains;

TEST_CASE("a printed network shows what identifies it and one line per layer") {
  const std::string text = Print(test::SmallNetwork(), "0123abcd");
  for (const char* part :
       {"network      small\n", "hash         0123abcd\n", "calibration  none,",
        "then         equalised by hand\nthen         biases corrected by heart\n",
        "in  6x5x3  amax 1", "mean 0.5 0.25 0.125, stddev 0.5 0.5 0.75"}) {
    CHECK_THAT(text, Contains(part));
  }
  std::string stem;
  for (size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    if (text.compare(at, 13, "    0  stem  ") == 0) stem = text.substr(at, end - at);
  }
  for (const char* part : {"conv", "6x5x3 -> 3x5x4", "3x2 stride 2x1 pad 1,2,0,0 dilation 1x2",
                           "clip -0.5..6", " 1080 ", " 76"}) {
    CHECK_THAT(stem, Contains(part));
  }
  CHECK_THAT(text, Contains("+ a\n"));  // the residual
  // 1080 + 540 + 240 + 28 MACs; 76 + 40 + 20 + 35 parameters.
  CHECK_THAT(text, Contains("6 layers, 7 tensors, 1888 MACs, 171 parameters"));
}

TEST_CASE("every operator shows what it does") {
  const std::string text = Print(test::OperatorNetwork());
  for (const char* part :
       {"channels from 2", "3x1 stride 1x1 pad 1,0,1,0 groups 2", "hardswish", "concat",
        ", grouped\n", "groups 4", "windowpool", "counts padding", "sigmoid", "* gate\n", "silu",
        "hardsigmoid 0.2, 0.5", "maxpool", "multiply"}) {
    CHECK_THAT(text, Contains(part));
  }
}

TEST_CASE("operators on tokens show what they do, and constants what they are") {
  const std::string text = Print(test::TokenNetwork());
  for (const char* part :
       {"constant     class  1x1x4  amax 1\n", "constant     position  7x1x4", "stack", ", in\n",
        "+ position\n", "layernorm", "epsilon 1e-06", "scale 0.5", "* norm2\n", "softmax",
        "7x1x4 -> 4x1x7", "* transpose\n", "pixels from 5"}) {
    CHECK_THAT(text, Contains(part));
  }
  // 2 x 7 x 7 x 4 MACs; 2 x 8 parameters of the normalizations, 4 + 28 of the constants.
  CHECK_THAT(text, Contains("9 layers, 12 tensors, 392 MACs, 48 parameters"));
}

TEST_CASE("a layer that carries imported codes says so") {
  const std::string text = Print(test::SmallQuantizedNetwork());
  const size_t at = text.find("NVFP4 codes, block 8\n");
  REQUIRE(at != std::string::npos);
  CHECK(text.rfind("project", at) > text.rfind('\n', at));
  CHECK(text.find("NVFP4 codes", at + 1) == std::string::npos);
  CHECK_THAT(Print(test::SmallNetwork()), !Contains("codes"));
}

TEST_CASE("an uncalibrated network says so, and an unknown hash is left out") {
  Network net = test::SmallNetwork();
  net.calibration.clear();
  const std::string text = Print(net);
  CHECK_THAT(text, Contains("calibration  none\n"));
  CHECK_THAT(text, !Contains("hash"));
}

}  // namespace
}  // namespace nibble::trace
