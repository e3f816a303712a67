// Imports a model, and compares FP32 inference with what ONNX says.
#pragma once

#include <catch2/catch.hpp>
#include <random>

#include "sw/compiler/compiler.h"
#include "sw/golden/golden.h"
#include "tests/compiler/onnx_evaluator.h"
#include "tests/compiler/onnx_model.h"
#include "tests/trace/small_network.h"

namespace nibble::test {

inline trace::Network Import(const OnnxModel& model) {
  const TemporaryDirectory directory;
  model.Save(directory / "model.onnx");
  return compiler::ImportOnnx(directory / "model.onnx");
}

// Imports the model and checks that FP32 inference gives what ONNX says, for a few inputs.
inline trace::Network ImportAndCompare(const OnnxModel& model) {
  const trace::Network net = Import(model);
  const trace::Shape in = net.tensors[net.input].shape, out = net.tensors[net.output].shape;
  std::mt19937 random(3);
  for (int repeat = 0; repeat < 3; ++repeat) {
    std::vector<double> chw(static_cast<size_t>(in.elements()));
    std::vector<float> hwc(chw.size());
    for (size_t i = 0; i < chw.size(); ++i) {
      const size_t pixel = i % in.pixels(), c = i / in.pixels();
      hwc[pixel * in.channels + c] =
          static_cast<float>(static_cast<int>(random() % 4001) - 2000) / 1000.0f;
      chw[i] = hwc[pixel * in.channels + c];
    }
    const std::vector<double> expected = EvaluateOnnx(model.model, chw);
    const std::vector<float> actual = golden::RunFp32(net, hwc)[net.output];
    REQUIRE(expected.size() == actual.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      const size_t pixel = i % out.pixels(), c = i / out.pixels();
      REQUIRE(actual[pixel * out.channels + c] == Approx(expected[i]).epsilon(1e-6).margin(2e-5));
    }
  }
  return net;
}

}  // namespace nibble::test
