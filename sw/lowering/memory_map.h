// Where everything lies in DRAM.
#pragma once

#include <cstdint>
#include <vector>

#include "models/sim_core/program.h"
#include "sw/trace/network.h"

namespace nibble::lowering {

// Addresses upwards from where the program begins; parts that live for the whole run and parts that
// are reused.
class MemoryMap {
 public:
  static constexpr uint64_t kAlign =
      64;  // two bursts of a x16 channel: no two tensors share a burst

  // Of the memory [begin, end); `begin` is rounded up to kAlign.
  explicit MemoryMap(uint64_t end, uint64_t begin = 0);

  // `bytes` for the whole run. Throws LoweringError when the memory is full.
  uint64_t Reserve(uint64_t bytes);
  // Gives every tensor that lives in DRAM codes and scales addresses; tensors that are never needed
  // at the same time may share memory. A tensor lives from the layer that writes it to the last
  // layer that reads it; input and output to the ends; a constant all the time.
  void PlaceTensors(const trace::Network& net, std::vector<sim::TensorPlacement>& tensors);

  // What lies from `end` on is taken (rows of near-memory weights).
  void Limit(uint64_t end) { end_ = end; }
  uint64_t end() const { return end_; }
  uint64_t used_bytes() const { return next_ - begin_; }

 private:
  uint64_t begin_, end_, next_;
};

}  // namespace nibble::lowering
