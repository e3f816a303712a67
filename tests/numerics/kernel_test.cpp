// Kernels of every instruction set against the scalar definitions, special values included. Dot
// products: dot_test.cpp.
#include <catch2/catch.hpp>
#include <cfloat>
#include <cmath>

#include "models/numerics/formats.h"
#include "models/numerics/kernels/kernels.h"
#include "models/numerics/packing.h"
#include "tests/numerics/every_kernel.h"
#include "tests/numerics/testing.h"

namespace nibble::numerics {
namespace {

// Values at every scale, and now and then one that is no ordinary number.
std::vector<float> AnyValues(Random& random, int count) {
  constexpr float kSpecial[] = {0.0f,    -0.0f,    NAN,     -NAN,   INFINITY, -INFINITY,
                                FLT_MAX, -FLT_MAX, FLT_MIN, 1e-45f, -1e-45f,  0.25f,
                                0.75f,   1.25f,    1.75f,   2.5f,   3.5f,     5.0f,
                                -0.25f,  -0.75f,   -1.25f,  -1.75f, -2.5f,    6.0f};
  std::vector<float> x = random.Values(count);
  const int rarity = random.Int(1, 40);
  for (float& value : x) {
    if (random.Int(0, rarity) == 0) value = kSpecial[random.Int(0, 23)];
  }
  return x;
}

TEST_CASE("every kernel quantises as the definition of a block does") {
  const EveryKernel every_kernel;
  Random random(31);
  for (int trial = 0; trial < 600; ++trial) {
    const int block = 2 * random.Int(1, 64), count = random.Int(1, 300);
    const std::vector<float> x = AnyValues(random, count);
    const TensorScale scale =
        TensorScaleFromAmax(trial % 3 == 0 ? 1.0f : AmaxIgnoringNan(x.data(), x.size()));
    std::vector<uint8_t> codes(x.size()), packed(static_cast<size_t>(count + 1) / 2);
    std::vector<uint8_t> scales;
    for (int begin = 0; begin < count; begin += block) {
      scales.push_back(QuantizeNvfp4Block(&x[static_cast<size_t>(begin)],
                                          std::min(block, count - begin), scale,
                                          &codes[static_cast<size_t>(begin)]));
    }
    PackCodes(4, codes.data(), count, packed.data());
    for (const kernels::Kernels* kernels : every_kernel) {
      INFO(kernels->name << " B=" << block << " count " << count << " trial " << trial);
      // A byte after the end shows a store beyond it.
      std::vector<uint8_t> kernel_packed(packed.size() + 1, 0xA5);
      std::vector<uint8_t> kernel_scales(scales.size() + 1, 0xA5);
      kernels->quantize_nvfp4(x.data(), count, block, scale, kernel_packed.data(),
                              kernel_scales.data());
      CHECK(kernel_packed.back() == 0xA5);
      CHECK(kernel_scales.back() == 0xA5);
      kernel_packed.pop_back();
      kernel_scales.pop_back();
      CHECK(kernel_packed == packed);
      CHECK(kernel_scales == scales);
    }
  }
}

TEST_CASE("every kernel rounds each transition between codes as the encoder does") {
  // Scale 1 throughout: the block's largest value is 6, the tensor scale 1.
  const EveryKernel every_kernel;
  const TensorScale scale{1.0f, 1.0f};
  std::vector<float> x;
  for (const float middle : {0.25f, 0.75f, 1.25f, 1.75f, 2.5f, 3.5f, 5.0f}) {
    for (const float value : {std::nextafter(middle, 0.0f), middle, std::nextafter(middle, 9.0f)}) {
      x.push_back(value);
      x.push_back(-value);
    }
  }
  x.push_back(6.0f);
  const auto count = static_cast<int>(x.size());
  std::vector<uint8_t> codes;
  for (const float value : x) codes.push_back(EncodeE2M1(value));
  std::vector<uint8_t> expected((x.size() + 1) / 2);
  PackCodes(4, codes.data(), count, expected.data());
  for (const kernels::Kernels* kernels : every_kernel) {
    INFO(kernels->name);
    std::vector<uint8_t> packed(expected.size());
    uint8_t scale_byte = 0;
    kernels->quantize_nvfp4(x.data(), count, 64, scale, packed.data(), &scale_byte);
    CHECK(DecodeE4M3(scale_byte) == 1.0f);
    CHECK(packed == expected);
  }
}

TEST_CASE("a processor offers the portable kernels first, and runs the last of its list") {
  const std::vector<const kernels::Kernels*> available = kernels::Available();
  REQUIRE(!available.empty());
  CHECK(available.front() == &kernels::Portable());
  CHECK(&kernels::Active() == available.back());
  for (const kernels::Kernels* kernels : available) {
    kernels::Select(*kernels);
    CHECK(&kernels::Active() == kernels);
  }
  kernels::Select(*available.back());
}

}  // namespace
}  // namespace nibble::numerics
