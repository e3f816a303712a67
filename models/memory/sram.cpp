#include "models/memory/sram.h"

#include <utility>

namespace nibble::memory {

namespace {
uint64_t DivideUp(uint64_t a, uint64_t b) { return (a + b - 1) / b; }
}  // namespace

Sram::Sram(std::string name, const SramConfig& config, size_t layers, bool holds_data)
    : name_(std::move(name)),
      config_(config),
      bytes_(holds_data ? config.size : 0),
      rows_(layers) {}

uint64_t Sram::Read(size_t layer, uint64_t bytes) {
  const uint64_t accesses = DivideUp(bytes, config_.width);
  rows_[layer].read_bytes += bytes;
  rows_[layer].reads += accesses;
  return DivideUp(accesses, config_.banks);
}

uint64_t Sram::Write(size_t layer, uint64_t bytes) {
  const uint64_t accesses = DivideUp(bytes, config_.width);
  rows_[layer].write_bytes += bytes;
  rows_[layer].writes += accesses;
  return DivideUp(accesses, config_.banks);
}

void RegisterSram(sim::CounterRegistry& registry, const std::string& component,
                  const std::vector<SramCounters>& rows) {
  using C = SramCounters;
  registry.Register<C>(
      component, rows,
      {{"read_bytes", "bytes", "bytes asked for by reads", &C::read_bytes},
       {"write_bytes", "bytes", "bytes handed over by writes", &C::write_bytes},
       {"reads", "accesses", "reads of one bank at full port width", &C::reads, true},
       {"writes", "accesses", "writes of one bank at full port width", &C::writes, true}});
}

}  // namespace nibble::memory
