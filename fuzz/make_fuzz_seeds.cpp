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

// An encoder block of two heads, its class token, normalization and gelu taken apart.
void Attention(OnnxModel& m) {
  m.Floats("patches", {8, 3, 2, 2});
  m.Floats("token", {1, 1, 8});
  m.Floats("position", {1, 7, 8});
  m.Floats("gamma", {8});
  m.Floats("qkv_weights", {8, 24});
  m.Floats("qkv_bias", {24});
  m.Floats("project", {8, 8});
  m.Floats("classes", {8, 2});
  m.Ints("three", {3});
  m.Ints("batch", {1, -1, -1});
  m.Ints("minus", {-1});
  m.Ints("flat", {1, 8, 6});
  m.Ints("taken_apart", {1, 7, 3, 2, 4});
  m.Ints("together", {1, 7, 8});
  for (int i = 0; i < 3; ++i) m.Int("i" + std::to_string(i), i);
  m.ConstantNode("epsilon", 1e-5f);
  m.ConstantNode("one", 1);
  m.ConstantNode("two", 2);
  m.ConstantNode("half", 0.5f);
  m.ConstantNode("root", 1.41421356f);
  m.Node("Conv", {"x", "patches"}, "map", {{"strides", {2, 2}}});
  m.Node("Reshape", {"map", "flat"}, "columns");
  m.Node("Transpose", {"columns"}, "tokens", {{"perm", {0, 2, 1}}});
  m.Node("ConstantOfShape", {"three"}, "zeros");
  m.Node("Add", {"zeros", "half"}, "halves");  // of floats, unless it says otherwise
  m.Node("Sqrt", {"halves"}, "roots");
  m.Node("Shape", {"roots"}, "still_three");
  m.Node("Sub", {"still_three", "three"}, "nothing");
  m.Node("Add", {"minus", "nothing"}, "minus1");
  m.Node("Equal", {"batch", "minus1"}, "unknown");
  m.Ints("ones", {1, 1, 1});
  m.Node("Where", {"unknown", "ones", "batch"}, "to");
  m.Node("Expand", {"token", "to"}, "class");
  m.Node("Concat", {"class", "tokens"}, "all", {{"axis", {1}}});
  m.Node("Add", {"all", "position"}, "in");
  m.Node("ReduceMean", {"in"}, "mean", {{"axes*", {-1}}});
  m.Node("Sub", {"in", "mean"}, "d");
  m.Node("Pow", {"d", "two"}, "square");
  m.Node("ReduceMean", {"square"}, "variance", {{"axes*", {-1}}});
  m.Node("Add", {"variance", "epsilon"}, "spread");
  m.Node("Sqrt", {"spread"}, "deviation");
  m.Node("Div", {"d", "deviation"}, "normal");
  m.Node("Mul", {"normal", "gamma"}, "scaled");
  m.Node("MatMul", {"scaled", "qkv_weights"}, "qkv0");
  m.Node("Add", {"qkv_bias", "qkv0"}, "qkv1");
  m.Node("Reshape", {"qkv1", "taken_apart"}, "qkv2");
  m.Node("Transpose", {"qkv2"}, "qkv", {{"perm", {2, 0, 3, 1, 4}}});
  m.Node("Gather", {"qkv", "i0"}, "q", {{"axis", {0}}});
  m.Node("Gather", {"qkv", "i1"}, "k0", {{"axis", {0}}});
  m.Node("Gather", {"qkv", "i2"}, "v", {{"axis", {0}}});
  m.Node("Transpose", {"k0"}, "k", {{"perm", {0, 1, 3, 2}}});
  m.Node("MatMul", {"q", "k"}, "scores0");
  m.Node("Mul", {"scores0", "half"}, "scores");
  m.Node("Softmax", {"scores"}, "shares", {{"axis", {3}}});
  m.Node("MatMul", {"shares", "v"}, "mixed0");
  m.Node("Transpose", {"mixed0"}, "mixed1", {{"perm", {0, 2, 1, 3}}});
  m.Node("Reshape", {"mixed1", "together"}, "mixed");
  m.Node("MatMul", {"mixed", "project"}, "projected");
  m.Node("Div", {"projected", "root"}, "g0");
  m.Node("Erf", {"g0"}, "g1");
  m.Node("Add", {"g1", "one"}, "g2");
  m.Node("Mul", {"projected", "g2"}, "g3");
  m.Node("Mul", {"g3", "half"}, "gelu");
  m.Node("Add", {"gelu", "in"}, "out");
  m.Node("Gather", {"out", "i0"}, "vector", {{"axis", {1}}});
  m.Node("Gemm", {"vector", "classes"}, "y");
  m.Output("y", 2);
}

void Normalization(OnnxModel& m) {
  m.Floats("gamma", {4});
  m.Floats("beta", {4});
  m.Floats("w", {4, 3, 1, 1});
  m.Ints("flat", {1, 4, 30});
  m.Node("Conv", {"x", "w"}, "map");
  m.Node("Reshape", {"map", "flat"}, "columns");
  m.Node("Transpose", {"columns"}, "tokens", {{"perm", {0, 2, 1}}});
  m.Node("LayerNormalization", {"tokens", "gamma", "beta"}, "normal");
  m.Node("MatMul", {"columns", "normal"}, "gram");
  m.Node("ReduceMean", {"gram"}, "y", {{"axes*", {1}}, {"keepdims", {0}}});
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
  struct Seed {
    const char* name;
    void (*fill)(OnnxModel&);
    int64_t opset = 14;
  };
  const Seed seeds[] = {{"convolutions", Convolutions},
                        {"squeeze_and_excite", SqueezeAndExcite},
                        {"shuffle", Shuffle},
                        {"pools", Pools},
                        {"shape_arithmetic", ShapeArithmetic},
                        {"attention", Attention},
                        {"normalization", Normalization, 17}};
  try {
    for (const auto& [name, fill, opset] : seeds) {
      OnnxModel m({1, 3, 6, 5}, opset);
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
