// What the near-memory tests share.
#pragma once

#include <string>
#include <vector>

#include "models/nearmem/bank_cost.h"
#include "tests/memory/devices.h"
#include "tests/numerics/testing.h"

namespace nibble::nearmem {

inline memory::DramDevice Device(const std::string& name) {
  return memory::ReadDramDevice(memory::DevicePath(name));
}

// A convolution of `segments` taps in one row over `segment` input channels, of NVFP4 activations.
inline sim::Geometry Taps(numerics::Format weights, int block, uint32_t segments,
                          uint32_t segment) {
  sim::Geometry g{};
  g.in_height = g.out_height = g.in_width = g.out_width = 64;
  g.in_channels = static_cast<uint16_t>(segment);
  g.kernel_w = static_cast<uint8_t>(segments);
  g.kernel_h = g.stride_h = g.stride_w = g.dilation_h = g.dilation_w = 1;
  g.activation_format = static_cast<uint8_t>(numerics::Format::kNvfp4);
  g.weight_format = static_cast<uint8_t>(weights);
  g.activation_block = g.weight_block = static_cast<uint8_t>(block);
  return g;
}

inline sim::Geometry Pointwise(uint32_t channels, numerics::Format weights) {
  return Taps(weights, 16, 1, channels);
}

// Any unit, and any way to work with it.
inline NearmemConfig RandomUnit(numerics::Random& random) {
  NearmemConfig c;
  c.mode = random.Int(0, 2) == 0 ? BankMode::kPerBank : BankMode::kAllBank;
  c.activation = static_cast<BankActivation>(c.mode == BankMode::kPerBank ? 0 : random.Int(0, 2));
  c.scales = static_cast<ScalePlace>(random.Int(0, 1));
  c.unit_banks = static_cast<uint32_t>(random.Int(1, 2));
  c.lanes = 16u << random.Int(0, 5);
  c.pixels = static_cast<uint32_t>(random.Int(1, 20));
  c.accumulators = static_cast<uint32_t>(random.Int(1, 64));
  c.buffer_bytes = 32u * static_cast<uint32_t>(random.Int(5, 80));
  c.broadcast_gbps = static_cast<uint32_t>(random.Int(8, 100));
  return c;
}

inline constexpr numerics::Format kWeightFormats[] = {
    numerics::Format::kNvfp4, numerics::Format::kFp4,    numerics::Format::kFp8,
    numerics::Format::kFp16,  numerics::Format::kMxfp4,  numerics::Format::kInt4,
    numerics::Format::kInt8,  numerics::Format::kMxfp8,  numerics::Format::kInt4Fp32,
    numerics::Format::kBf16,  numerics::Format::kNvint4, numerics::Format::kInt8Channel};
inline constexpr int kBlocks[] = {8, 16, 32, 64, 128};

}  // namespace nibble::nearmem
