// A reader of value change dumps, after IEEE 1364-2005 clause 18, as strict as it can be.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace nibble::timeline_test {

struct Signal {
  int bits = 0;
  std::vector<std::pair<uint64_t, uint64_t>> changes;  // (time, value); the first is at 0

  uint64_t TimeAt(uint64_t value) const;  // how long it had that value, to the last change
};

// Signals by "scope.name" (without the outermost scope). Throws std::runtime_error for anything
// that the format does not allow: an undeclared identifier, time that goes back, a value too wide,
// scopes that do not close.
std::map<std::string, Signal> ReadVcd(const std::string& text);

}  // namespace nibble::timeline_test
