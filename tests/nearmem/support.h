// What the near-memory tests share.
#pragma once

#include <string>
#include <vector>

#include "models/nearmem/bank_layout.h"
#include "tests/memory/devices.h"
#include "tests/numerics/testing.h"

namespace nibble::nearmem {

inline memory::DramDevice Device(const std::string& name) {
  return memory::ReadDramDevice(memory::DevicePath(name));
}

inline accel::WeightLayout Weights(numerics::Format format, int block, uint32_t segments,
                                   uint32_t segment) {
  accel::WeightLayout weights;
  weights.format = format;
  weights.block = block;
  weights.segments = segments;
  weights.segment = segment;
  return weights;
}

inline constexpr numerics::Format kWeightFormats[] = {
    numerics::Format::kNvfp4, numerics::Format::kFp4,    numerics::Format::kFp8,
    numerics::Format::kFp16,  numerics::Format::kMxfp4,  numerics::Format::kInt4,
    numerics::Format::kInt8,  numerics::Format::kMxfp8,  numerics::Format::kInt4Fp32,
    numerics::Format::kBf16,  numerics::Format::kNvint4, numerics::Format::kInt8Channel};
inline constexpr int kBlocks[] = {8, 16, 32, 64, 128};

}  // namespace nibble::nearmem
