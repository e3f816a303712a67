// The shipped DRAM devices, for tests.
#pragma once

#include <string>

#include "models/memory/dram.h"

namespace nibble::memory {

inline std::string DevicePath(const std::string& name) {
  return std::string(NIBBLE_SOURCE_DIR) + "/platforms/dram/" + name + ".json";
}
inline const char* const kDevices[] = {"lpddr5-6400-x16", "lpddr4-3200-x16",
                                       "ddr4-3200-x64",   "hbm2-2000-pch",
                                       "gddr6-16-x16",    "lpddr5-6400-x16-16bank"};

// Bursts of a stream go round the bank groups first, then the columns of a row.
inline constexpr char kInterleaved[] = "row bank column bankgroup channel";

}  // namespace nibble::memory
