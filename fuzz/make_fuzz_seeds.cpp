// Seeds of the fuzz targets: make_fuzz_seeds DIRECTORY fills DIRECTORY/onnx with small models,
// which between them hold every operator that the front end knows, and DIRECTORY/trace with their
// traces.
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "sw/compiler/compiler.h"
#include "sw/trace/file.h"
#include "tests/compiler/onnx_model.h"

namespace {

using nibble::test::OnnxModel;

void Convolutions(OnnxModel& m) {
  m.Floats("w0", {8, 3, 3, 3});
  m.Floats("b0", {8});
  m.Floats("w1", {8, 1, 3, 3});
  m.Floats("w2", {16, 4, 1, 1});
  m.Floats("low", {}, {0});
  m.Floats("high", {}, {6});
  m.Node("Conv", {"x", "w0", "b0"}, "c0", {{"strides", {2, 2}}, {"pads", {0, 0, 1, 1}}});
  m.Node("Clip", {"c0", "low", "high"}, "r0");
  m.Node("Conv", {"r0", "w1"}, "c1",
         {{"group", {8}}, {"dilations", {2, 2}}, {"pads", {2, 2, 2, 2}}});
  m.Node("Add", {"c1", "r0"}, "a1");
  m.Node("Relu", {"a1"}, "r1");
  m.Node("Conv", {"r1", "w2"}, "y", {{"group", {2}}});
  m.Output("y", 4);
}

void SqueezeAndExcite(OnnxModel& m) {
  m.Floats("w0", {4, 3, 1, 1});
  m.Floats("scale", {4});
  m.Floats("shift", {4});
  m.Floats("mean", {4});
  m.Floats("variance", {4}, {1, 2, 3, 4});
  m.Floats("w1", {4, 4, 1, 1});
  m.Floats("w2", {4, 10});
  m.Node("Conv", {"x", "w0"}, "c0");
  m.Node("BatchNormalization", {"c0", "scale", "shift", "mean", "variance"}, "n0");
  m.Node("HardSwish", {"n0"}, "h0");
  m.Node("GlobalAveragePool", {"h0"}, "p0");
  m.Node("Conv", {"p0", "w1"}, "e0");
  m.Node("HardSigmoid", {"e0"}, "g0");
  m.Node("Mul", {"h0", "g0"}, "m0");
  m.Node("ReduceMean", {"m0"}, "p1", {{"axes", {2, 3}}, {"keepdims", {0}}});
  m.Node("MatMul", {"p1", "w2"}, "y");
  m.Output("y", 2);
}

void Shuffle(OnnxModel& m) {
  m.Floats("w0", {8, 3, 1, 1});
  m.Ints("half", {4, 4});
  m.Ints("split", {1, 2, 4, 6, 5});
  m.Ints("join", {1, 8, 6, 5});
  m.Node("Conv", {"x", "w0"}, "c0");
  m.Node("Split", {"c0", "half"}, "left", {{"axis", {1}}}).add_output("right");
  m.Node("Sigmoid", {"left"}, "s0");
  m.Node("Mul", {"left", "s0"}, "silu");
  m.Node("Concat", {"silu", "right"}, "both", {{"axis", {1}}});
  m.Node("Reshape", {"both", "split"}, "five");
  m.Node("Transpose", {"five"}, "turned", {{"perm", {0, 2, 1, 3, 4}}});
  m.Node("Reshape", {"turned", "join"}, "y");
  m.Output("y", 4);
}

void Pools(OnnxModel& m) {
  m.Ints("starts", {0});
  m.Ints("ends", {2});
  m.Ints("axes", {1});
  m.Floats("w", {2, 8});
  m.Floats("b", {2});
  m.Node("MaxPool", {"x"}, "p0",
         {{"kernel_shape", {3, 3}}, {"strides", {2, 2}}, {"ceil_mode", {1}}});
  m.Node("Slice", {"p0", "starts", "ends", "axes"}, "s0");
  m.Node("AveragePool", {"s0"}, "p1", {{"kernel_shape", {2, 1}}, {"count_include_pad", {1}}});
  m.Node("Identity", {"p1"}, "i0");
  m.Node("Dropout", {"i0"}, "d0");
  m.Node("Flatten", {"d0"}, "f0");
  m.Node("Gemm", {"f0", "w", "b"}, "y", {{"transB", {1}}});
  m.Output("y", 2);
}

void ShapeArithmetic(OnnxModel& m) {
  m.Floats("w", {3, 3, 1, 1});
  m.Int("zero", 0);
  m.Ints("first", {0});
  m.Ints("rest", {-1});
  m.ConstantNode("half", 0.5f);
  m.Node("Conv", {"x", "w"}, "c0");
  m.Node("Sub", {"c0", "half"}, "c1");
  m.Node("Div", {"c1", "half"}, "c2");
  m.Node("Shape", {"c2"}, "shape");
  m.Node("Gather", {"shape", "zero"}, "batch", {{"axis", {0}}});
  m.Node("Unsqueeze", {"batch", "first"}, "batch1");
  m.Node("Concat", {"batch1", "rest"}, "to", {{"axis", {0}}});
  m.Node("GlobalAveragePool", {"c2"}, "p0");
  m.Node("Reshape", {"p0", "to"}, "y");
  m.Output("y", 2);
}

void Save(const std::filesystem::path& path, const std::vector<uint8_t>& bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: make_fuzz_seeds DIRECTORY\n";
    return 2;
  }
  const std::filesystem::path directory(argv[1]);
  std::filesystem::create_directories(directory / "onnx");
  std::filesystem::create_directories(directory / "trace");
  const std::pair<const char*, void (*)(OnnxModel&)> seeds[] = {
      {"convolutions", Convolutions},
      {"squeeze_and_excite", SqueezeAndExcite},
      {"shuffle", Shuffle},
      {"pools", Pools},
      {"shape_arithmetic", ShapeArithmetic}};
  try {
    for (const auto& [name, fill] : seeds) {
      OnnxModel m({1, 3, 6, 5}, 14);
      fill(m);
      const std::string path = directory / "onnx" / (std::string(name) + ".onnx");
      m.Save(path);
      Save(directory / "trace" / (std::string(name) + ".trc"),
           nibble::trace::Serialize(nibble::compiler::ImportOnnx(path)));
    }
  } catch (const std::exception& e) {
    std::cerr << "make_fuzz_seeds: " << e.what() << '\n';
    return 1;
  }
  return 0;
}
