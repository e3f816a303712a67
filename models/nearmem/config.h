// Parameters of the compute units beside the DRAM banks.
#pragma once

#include <cstdint>

namespace nibble::nearmem {

struct NearmemConfig {
  uint32_t lanes = 64;         // multipliers of one bank unit: E2M1 products per column access
  uint32_t accumulators = 16;  // FP32 accumulators of one bank unit
  uint32_t buffer_bytes =
      2304;  // broadcast buffer of one channel: 2 KiB of codes and 256 B of scales
};

}  // namespace nibble::nearmem
