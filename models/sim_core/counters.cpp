#include "models/sim_core/counters.h"

#include <stdexcept>

namespace nibble::sim {

bool RunStats::Has(const std::string& key) const {
  for (const CounterInfo& c : counters) {
    if (c.key() == key) return true;
  }
  return false;
}

size_t RunStats::Index(const std::string& key) const {
  for (size_t i = 0; i < counters.size(); ++i) {
    if (counters[i].key() == key) return i;
  }
  throw std::out_of_range("no counter named " + key);
}

uint64_t RunStats::Total(const std::string& key) const {
  const size_t index = Index(key);
  uint64_t sum = 0;
  for (const auto& row : values) sum += row[index];
  return sum;
}

}  // namespace nibble::sim
