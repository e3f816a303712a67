// The space of a plan: every combination of trace, machine and values, numbered.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sw/study/plan.h"

namespace nibble::study {

struct Point {
  size_t trace = 0, machine = 0;                              // of the plan
  std::vector<std::pair<std::string, std::string>> settings;  // the axes that the platform has
};

// Numbers run through traces, within them machines, within them the axes in the plan's order, the
// last fastest. An axis that a platform lacks does not multiply its points.
class Space {
 public:
  // Every combination of values of one trace and machine.
  struct Block {
    size_t trace = 0, machine = 0;
    std::vector<size_t> axes;     // of the plan, that the platform has
    std::vector<uint32_t> sizes;  // values of each
    uint64_t first = 0, size = 0;
  };

  // The plan outlives it. Throws platforms::ParameterError when there are more than 2^62 points, or
  // a preset is wrong.
  explicit Space(const Plan& plan);

  uint64_t size() const { return size_; }  // before constraints
  const std::vector<Block>& blocks() const { return blocks_; }
  const Block& BlockOf(uint64_t number) const;
  Point At(uint64_t number) const;
  // Which value of each axis of its block a point has, and back.
  std::vector<uint32_t> Digits(uint64_t number) const;
  uint64_t Number(const Block& block, const std::vector<uint32_t>& digits) const;

  // Do all constraints hold? They see the plan's values, else the preset's, else the defaults.
  // Throws platforms::ParameterError when one cannot be evaluated.
  bool Allows(uint64_t number) const;
  // The points whose constraints hold, ascending. Throws platforms::ParameterError, naming the
  // ways out, when the space has more than kMaxGrid points.
  std::vector<uint64_t> Grid() const;

  static constexpr uint64_t kMaxGrid = 1'000'000;

 private:
  const Plan& plan_;
  std::vector<Block> blocks_;
  std::vector<std::vector<std::pair<std::string, std::string>>> base_;  // by machine, sorted
  uint64_t size_ = 0;
};

}  // namespace nibble::study
