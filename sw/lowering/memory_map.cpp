#include "sw/lowering/memory_map.h"

#include <fmt/format.h>

#include <algorithm>

#include "sw/lowering/lowering.h"

namespace nibble::lowering {

namespace {

uint64_t AlignUp(uint64_t x) {
  return (x + MemoryMap::kAlign - 1) / MemoryMap::kAlign * MemoryMap::kAlign;
}

struct Lifetime {
  int first, last;  // layers; -1: before the first
};

std::vector<Lifetime> Lifetimes(const trace::Network& net) {
  const int layers = static_cast<int>(net.layers.size());
  std::vector<Lifetime> lives(net.tensors.size(), {layers, -1});
  for (int l = 0; l < layers; ++l) {
    const trace::Layer& layer = net.layers[l];
    lives[layer.output].first = std::min(lives[layer.output].first, l);
    lives[layer.output].last = std::max(lives[layer.output].last, l);
    lives[layer.input].last = l;
    if (layer.residual >= 0) lives[layer.residual].last = l;
  }
  lives[net.input].first = -1;
  lives[net.output].last = layers;
  return lives;
}

}  // namespace

uint64_t MemoryMap::Reserve(uint64_t bytes) {
  const uint64_t address = used_;
  used_ = AlignUp(used_ + bytes);
  if (used_ > capacity_) {
    throw LoweringError(fmt::format(
        "the network needs more than the {} bytes of DRAM that dram.device and dram.channels give",
        capacity_));
  }
  return address;
}

void MemoryMap::PlaceTensors(const trace::Network& net,
                             std::vector<sim::TensorPlacement>& tensors) {
  struct Placed {
    uint64_t begin, end;
    Lifetime life;
  };
  const std::vector<Lifetime> lives = Lifetimes(net);
  std::vector<size_t> order(tensors.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto bytes = [&](size_t i) {
    if (!tensors[i].in_dram) return uint64_t{0};
    return AlignUp(tensors[i].layout.code_bytes()) + AlignUp(tensors[i].layout.scale_bytes());
  };
  // Largest first leaves the fewest holes; equal sizes in network order.
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return bytes(a) > bytes(b); });

  std::vector<Placed> placed;  // sorted by begin
  uint64_t top = 0;
  for (size_t i : order) {
    if (!tensors[i].in_dram) continue;
    uint64_t begin = 0;
    for (const Placed& p : placed) {
      const bool together = lives[i].first <= p.life.last && p.life.first <= lives[i].last;
      if (together && p.begin < begin + bytes(i) && begin < p.end) begin = p.end;
    }
    const Placed mine{begin, begin + bytes(i), lives[i]};
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), mine,
                         [](const Placed& a, const Placed& b) { return a.begin < b.begin; }),
        mine);
    tensors[i].codes = begin;
    tensors[i].scales = begin + AlignUp(tensors[i].layout.code_bytes());
    top = std::max(top, mine.end);
  }
  const uint64_t base = Reserve(top);
  for (sim::TensorPlacement& tensor : tensors) {
    tensor.codes += base;
    tensor.scales += base;
  }
}

}  // namespace nibble::lowering
