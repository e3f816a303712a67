// What each counted event of a DRAM costs.
#pragma once

#include <string>
#include <vector>

#include "models/memory/dram_config.h"
#include "models/memory/dram_device.h"

namespace nibble::memory {

// Energy of one count of a counter, booked to a component: "activate" (with the precharge), "core"
// and "io" (column accesses without the data pins, and those), "near", "refresh", "background".
struct DramPrice {
  std::string component;
  uint64_t DramCounters::*count;
  double pj = 0;
  std::string source;
};

// A price for every counter that costs energy. A state that the device file does not price is left
// out: CheckDramConfig refuses the parameters that lead to it.
std::vector<DramPrice> DramPrices(const DramDevice& device);

// Every component in order of first appearance, with its energy in pJ.
std::vector<std::pair<std::string, double>> DramEnergy(const DramDevice& device,
                                                       const DramCounters& counters);

}  // namespace nibble::memory
