// The kernels of the bit-accurate path, each on every instruction set that this processor has,
// beside OpenBLAS sgemm of the same shape on the same core.
#include <benchmark/benchmark.h>
#include <cblas.h>

#include <algorithm>
#include <string>
#include <vector>

#include "models/numerics/activation_store.h"
#include "models/numerics/block_tensor.h"
#include "models/numerics/dot.h"
#include "models/numerics/kernels/kernels.h"
#include "models/numerics/wide_panel.h"

extern "C" void openblas_set_num_threads(int);

namespace {

namespace numerics = nibble::numerics;
using numerics::Format;
using numerics::kernels::Kernels;

constexpr int kBlock = 16;

// Any bits, the same in every run.
class Random {
 public:
  uint32_t Next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(state_ >> 33);
  }
  float Value() { return static_cast<float>(Next() % 2001) / 1000.0f - 1.0f; }
  std::vector<float> Values(size_t count) {
    std::vector<float> values(count);
    for (float& value : values) value = Value();
    return values;
  }

 private:
  uint64_t state_ = 1;
};

// C = A x B as a pointwise convolution: m pixels, k input and n output channels.
struct Shape {
  int m, k, n;
  std::string name() const {
    return std::to_string(m) + "x" + std::to_string(k) + "x" + std::to_string(n);
  }
  double macs() const { return 1.0 * m * k * n; }
};
constexpr Shape kShapes[] = {
    {196, 576, 96}, {3136, 24, 144}, {49, 960, 320}, {12544, 32, 16}, {1024, 1024, 1024}};

void CountMacs(benchmark::State& state, double macs) {
  state.counters["GMAC/s"] = benchmark::Counter(
      macs * 1e-9 * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void Sgemm(benchmark::State& state, Shape shape) {
  Random random;
  const auto m = static_cast<size_t>(shape.m), k = static_cast<size_t>(shape.k),
             n = static_cast<size_t>(shape.n);
  const std::vector<float> a = random.Values(m * k), b = random.Values(k * n);
  std::vector<float> c(m * n);
  for (auto _ : state) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, shape.m, shape.n, shape.k, 1.0f,
                a.data(), shape.k, b.data(), shape.n, 0.0f, c.data(), shape.n);
    benchmark::DoNotOptimize(c.data());
  }
  CountMacs(state, shape.macs());
}

// Decoded NVFP4 operands to accumulators under datapath D0, as a tile of the tensor unit computes
// it.
void Gemm(benchmark::State& state, const Kernels* kernels, Shape shape) {
  numerics::kernels::Select(*kernels);
  Random random;
  numerics::WeightPanel panel(Format::kNvfp4, kBlock, shape.n, 1, shape.k);
  for (int n = 0; n < shape.n; ++n) {
    for (int k = 0; k < shape.k; ++k) {
      panel.SetCode(n, 0, k, static_cast<uint16_t>(random.Next() % 16));
    }
    for (int b = 0; b < numerics::BlockCount(shape.k, kBlock); ++b) {
      panel.SetScale(n, 0, b, static_cast<uint8_t>(random.Next() % 0x7F));
    }
  }
  const int blocks = numerics::BlockCount(shape.k, kBlock);
  std::vector<uint8_t> a(static_cast<size_t>(shape.m) * static_cast<size_t>(shape.k));
  for (uint8_t& element : a) element = static_cast<uint8_t>(random.Next() % 25);
  std::vector<float> a_scales(static_cast<size_t>(shape.m) * static_cast<size_t>(blocks), 0.25f);
  const ptrdiff_t tile_stride = ptrdiff_t{shape.m} * numerics::WeightPanel::kTile;
  std::vector<float> acc(static_cast<size_t>((shape.n + 15) / 16 * tile_stride));
  for (auto _ : state) {
    panel.Accumulate(0, {a.data(), shape.k, a_scales.data(), blocks, shape.m},
                     numerics::WeightPanel::Start::kFromZero, acc.data(), tile_stride);
    benchmark::DoNotOptimize(acc.data());
  }
  CountMacs(state, shape.macs());
}

// The same for operands of other formats.
void WideGemm(benchmark::State& state, const Kernels* kernels, Format activations, Format weights,
              Shape shape) {
  numerics::kernels::Select(*kernels);
  Random random;
  const numerics::WideOperands operands{activations, weights, kBlock, kBlock, false};
  const auto m = static_cast<size_t>(shape.m), k = static_cast<size_t>(shape.k),
             n = static_cast<size_t>(shape.n);
  // Weights lie in memory as activations do, a row for a pixel.
  const auto store = [&](Format format, int rows) {
    numerics::ActivationLayout layout;
    layout.format = format;
    layout.block = kBlock;
    layout.pixels = rows;
    layout.channels = shape.k;
    const std::vector<float> x = random.Values(static_cast<size_t>(rows) * k);
    return numerics::StoreTensor(layout, numerics::OuterScaleFromAmax(format, 1.0f), x.data());
  };
  const numerics::StoredActivations w = store(weights, shape.n), a = store(activations, shape.m);
  numerics::WidePanel panel(operands, shape.n, 1, shape.k);
  for (size_t row = 0; row < n; ++row) {
    panel.SetPackedRow(static_cast<int>(row), 0,
                       w.codes.data() + row * w.layout.code_bytes_per_pixel(),
                       w.scales.data() + row * w.layout.scale_row_bytes());
  }
  const auto terms = static_cast<size_t>(numerics::BlockCount(shape.k, operands.term()));
  std::vector<double> elements(m * k), scales(m * terms);
  for (size_t p = 0; p < m; ++p) {
    numerics::DecodeWide(operands, a.codes.data() + p * a.layout.code_bytes_per_pixel(),
                         a.scales.data() + p * a.layout.scale_row_bytes(), shape.k,
                         &elements[p * k], &scales[p * terms]);
  }
  const numerics::WideRun run = {elements.data(), shape.k, scales.data(),
                                 static_cast<ptrdiff_t>(terms), shape.m};
  const ptrdiff_t tile_stride = ptrdiff_t{shape.m} * numerics::WeightPanel::kTile;
  std::vector<float> acc(static_cast<size_t>((shape.n + 15) / 16 * tile_stride));
  for (auto _ : state) {
    std::fill(acc.begin(), acc.end(), 0.0f);
    panel.Accumulate(0, run, acc.data(), tile_stride);
    benchmark::DoNotOptimize(acc.data());
  }
  CountMacs(state, shape.macs());
}

// 3 x 3 taps over a row of 14 pixels, 576 channels.
void Depthwise(benchmark::State& state, const Kernels* kernels) {
  numerics::kernels::Select(*kernels);
  constexpr int kPixels = 14, kChannels = 576, kTaps = 9;
  Random random;
  numerics::WeightPanel panel(Format::kNvfp4, kBlock, kChannels, 1, kTaps);
  for (int n = 0; n < kChannels; ++n) {
    for (int k = 0; k < kTaps; ++k) panel.SetCode(n, 0, k, random.Next() % 16);
  }
  const std::vector<float> a = random.Values(size_t{kPixels} * kChannels);
  std::vector<float> acc(a.size());
  for (auto _ : state) {
    std::fill(acc.begin(), acc.end(), 0.0f);
    for (int k = 0; k < kTaps; ++k) {
      panel.AccumulateDepthwise(k, a.data(), kChannels, kPixels, acc.data(), kPixels * 16);
    }
    benchmark::DoNotOptimize(acc.data());
  }
  CountMacs(state, 1.0 * kPixels * kChannels * kTaps);
}

// FP32 bytes a second: scales from the maximum of each block, codes, packed.
void Quantize(benchmark::State& state, const Kernels* kernels) {
  numerics::kernels::Select(*kernels);
  numerics::ActivationLayout layout;
  layout.block = kBlock;
  layout.pixels = 1024;
  layout.channels = 1024;
  Random random;
  const size_t elements = size_t{1024} * 1024;
  const std::vector<float> x = random.Values(elements);
  const numerics::TensorScale scale = numerics::TensorScaleFromAmax(1.0f);
  for (auto _ : state) benchmark::DoNotOptimize(numerics::StoreTensor(layout, scale, x.data()));
  state.SetBytesProcessed(static_cast<int64_t>(elements * sizeof(float)) * state.iterations());
}

void Register() {
  for (const Shape& shape : kShapes) {
    benchmark::RegisterBenchmark(("Sgemm/" + shape.name()).c_str(), Sgemm, shape);
    for (const Kernels* kernels : numerics::kernels::Available()) {
      const std::string name = std::string("Gemm/nvfp4/") + kernels->name + "/" + shape.name();
      benchmark::RegisterBenchmark(name.c_str(), Gemm, kernels, shape);
    }
  }
  for (const Kernels* kernels : numerics::kernels::Available()) {
    const std::string name = kernels->name;
    const Shape& shape = kShapes[0];
    const auto wide = [&](const char* formats, Format activations, Format weights) {
      benchmark::RegisterBenchmark(
          ("Gemm/" + std::string(formats) + "/" + name + "/" + shape.name()).c_str(), WideGemm,
          kernels, activations, weights, shape);
    };
    wide("nvfp4-fp8", Format::kNvfp4, Format::kFp8);
    wide("int8", Format::kInt8, Format::kInt8);
    wide("mxfp8", Format::kMxfp8, Format::kMxfp8);
    wide("fp16", Format::kFp16, Format::kFp16);
    benchmark::RegisterBenchmark(("Depthwise/" + name).c_str(), Depthwise, kernels);
    benchmark::RegisterBenchmark(("Quantize/" + name).c_str(), Quantize, kernels);
  }
}

}  // namespace

int main(int argc, char** argv) {
  openblas_set_num_threads(1);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  Register();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
