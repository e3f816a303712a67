// An interpreter of programs that knows order, not values: which word reads and writes which bytes,
// and which words tokens put before which.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "models/sim_core/program.h"
#include "platforms/design_point.h"
#include "sw/trace/network.h"

namespace nibble::test {

// Bytes [begin, end) of a scratchpad (numbered as sim::Buffer) or of DRAM.
struct Access {
  static constexpr int kDram = sim::kBuffers;
  int space;
  uint64_t begin, end;
  bool write;
};

// What each word of a program reads and writes, from the words alone.
std::vector<std::vector<Access>> AccessesOf(const sim::Program& program);

// Before a word starts, how many words of each engine have certainly ended: from the order within
// an engine and the tokens, at any speed. Throws std::runtime_error for a token that no earlier
// word gives, and for tokens that nobody takes.
using EnginePositions = std::array<int, sim::kEngines>;
struct Order {
  std::vector<EnginePositions> before;
  std::vector<int> position;  // of each word among those of its engine, from 1
};
Order OrderOf(const std::vector<sim::Command>& words);

// The first violation, or "": a byte read before it is written, or written while another word may
// still read or write it.
std::string CheckOrder(const platforms::DesignPoint& design, const sim::Program& program);

// For networks without views, besides: a store that writes a byte of its layer's output twice, or
// not at all; a load of something that is neither a constant nor an operand of its layer.
std::string CheckProgram(const trace::Network& net, const platforms::DesignPoint& design,
                         const sim::Program& program);

}  // namespace nibble::test
