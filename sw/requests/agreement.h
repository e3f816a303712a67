// The controllers beside cycle-ticked reference simulators: the same requests, the same timings.
#pragma once

#include <string>
#include <vector>

#include "models/memory/request_run.h"

namespace nibble::requests {

// What another simulator found (tests/data/dram/references.json).
struct Reference {
  std::string simulator;
  uint64_t cycles = 0;
  double latency = 0;  // mean of reads, clocks; 0: not given
  uint64_t activates = 0, refreshes = 0, reads = 0, writes = 0;  // 0: not given
};

struct Comparison {
  std::string device, mapping, pattern;
  std::vector<Reference> references;
  memory::RequestRunResult ours;
  // How far `ours` is from the nearest of DRAMsim3 and Ramulator, in the quantity that the pattern
  // is about (the mean latency for rand_serial, else cycles), relative to it; 0 between the two
  // where they need not agree (look-ahead and write batching). `bound`: the most that is asked for.
  double off = 0, bound = 0;
  // The same of the activates, bound 6 %, and of the refreshes, which follow from the time taken.
  double activates_off = 0, refreshes_off = 0;
  bool within() const;
};
inline constexpr double kActivatesBound = 0.06;

// Runs every combination of device, mapping and pattern in `references` (a file). Device files are
// in folder `devices`. Throws FileError.
std::vector<Comparison> Compare(const std::string& references, const std::string& devices);

// A Markdown table, one line a comparison.
std::string Markdown(const std::vector<Comparison>& comparisons);

}  // namespace nibble::requests
