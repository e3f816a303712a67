// The kernels of the bit-accurate path, each on every instruction set that this processor has,
// beside OpenBLAS sgemm of the same shape on the same core.
#include <benchmark/benchmark.h>
#include <cblas.h>

#include <string>
#include <vector>

#include "models/numerics/activation_store.h"
#include "models/numerics/dot.h"
#include "models/numerics/kernels/kernels.h"

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

// Decoded operands to accumulators under datapath D0, as a tile of the tensor unit computes it.
void Gemm(benchmark::State& state, const Kernels* kernels, Format weights, Shape shape) {
  numerics::kernels::Select(*kernels);
  Random random;
  numerics::WeightPanel panel(weights, kBlock, shape.n, 1, shape.k);
  const bool bytes = weights == Format::kFp8 || weights == Format::kFp16;
  for (int n = 0; n < shape.n; ++n) {
    for (int k = 0; k < shape.k; ++k) {
      panel.SetCode(n, 0, k, static_cast<uint16_t>(random.Next() % (bytes ? 0x70 : 16)));
    }
    for (int b = 0; weights == Format::kNvfp4 && b < numerics::BlockCount(shape.k, kBlock); ++b) {
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
      benchmark::RegisterBenchmark(name.c_str(), Gemm, kernels, Format::kNvfp4, shape);
    }
  }
  for (const Kernels* kernels : numerics::kernels::Available()) {
    const std::string name = kernels->name;
    benchmark::RegisterBenchmark(("Gemm/fp8/" + name + "/196x576x96").c_str(), Gemm, kernels,
                                 Format::kFp8, kShapes[0]);
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
