// A small network with images of its own, in files, as the commands take them.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "platforms/design_point.h"
#include "sw/compiler/compiler.h"
#include "sw/compiler/network_builder.h"
#include "sw/evaluation/dataset.h"
#include "sw/npy/npy.h"
#include "sw/trace/file.h"
#include "tests/golden/random_network.h"

namespace nibble::test {

// A folder of its own, removed with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "nibble-evaluation-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline std::string FileText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline void WriteText(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

// Two residual blocks around a depthwise layer: tensors that several layers read, an addition that
// no layer multiplies at once, and layers named like operators.
inline trace::Network SmallNetwork(uint32_t seed, const std::string& name = "small") {
  using trace::Op;
  Random random(seed);
  compiler::NetworkBuilder builder(name);
  const auto add = [&](trace::Layer l, int channels, int kernel = 1) {
    l.kernel_h = l.kernel_w = kernel;
    l.pad_top = l.pad_left = l.pad_bottom = l.pad_right = kernel / 2;
    const int in = l.op == Op::kDepthwiseConv ? 1 : builder.ShapeOf(l.input).channels;
    const int64_t taps = int64_t{kernel} * kernel * in;
    l.weights = random.Values(channels * taps, 2.0f / static_cast<float>(taps));
    l.bias = random.Values(channels, 0.2f);
    if (l.op != Op::kFullyConnected) l.activation = {trace::Activation::Kind::kRelu, 0, 0};
    return builder.AddLayer(std::move(l), channels);
  };
  const int in = builder.AddInput("in", {6, 6, 3});
  const int a = add(NewLayer("conv", Op::kConv, in), 16, 3);
  const int b = add(NewLayer("expand", Op::kConv, a), 40);
  const int c = add(NewLayer("depthwise*", Op::kDepthwiseConv, b), 40, 3);
  trace::Layer project = NewLayer("project", Op::kConv, c);
  project.residual = a;
  const int d = add(std::move(project), 16);
  trace::Layer side = NewLayer("side", Op::kConv, c);
  const int e = add(std::move(side), 16);
  trace::Layer sum = NewLayer("add", Op::kAdd, d);
  sum.residual = e;
  const int f = builder.AddLayer(std::move(sum));
  const int pooled = builder.AddLayer(NewLayer("pool", Op::kGlobalAveragePool, f));
  add(NewLayer("fc", Op::kFullyConnected, pooled), 12);
  trace::Network net = std::move(builder).Finish("test");
  std::vector<std::vector<float>> inputs;
  for (uint32_t i = 0; i < 4; ++i) inputs.push_back(RandomInput(net, 1000 + i));
  compiler::Calibrate(net, inputs);
  compiler::RecordZeros(net, inputs[0]);
  return net;
}

// `count` random images for `net`, and labels.
inline evaluation::DatasetFiles WriteImages(const TemporaryFolder& folder,
                                            const trace::Network& net, int count,
                                            const std::string& name = "images") {
  const trace::Shape& shape = net.tensors[static_cast<size_t>(net.input)].shape;
  std::vector<float> values;
  std::string labels;
  for (int i = 0; i < count; ++i) {
    const std::vector<float> image = RandomInput(net, 2000 + static_cast<uint32_t>(i));
    values.insert(values.end(), image.begin(), image.end());
    labels += std::to_string(i % 12) + "\n";
  }
  const npy::Array array =
      npy::FromFloats({count, shape.height, shape.width, shape.channels}, values);
  const evaluation::DatasetFiles files{folder / (name + ".npy"), folder / (name + ".labels")};
  WriteText(files.images, npy::Serialize(array));
  WriteText(files.labels, labels);
  return files;
}

inline platforms::DesignPoint Resolved(const std::vector<std::string>& sets) {
  return platforms::Resolve(platforms::Platform::kAccel, "", sets);
}

}  // namespace nibble::test
