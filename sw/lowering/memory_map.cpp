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

std::vector<Lifetime> Lifetimes(const trace::Network& net,
                                const std::vector<sim::TensorPlacement>& tensors) {
  const int layers = static_cast<int>(net.layers.size());
  std::vector<Lifetime> lives(net.tensors.size(), {layers, -1});
  for (int l = 0; l < layers; ++l) {
    const trace::Layer& layer = net.layers[l];
    lives[layer.output].first = std::min(lives[layer.output].first, l);
    lives[layer.output].last = std::max(lives[layer.output].last, l);
    for (const int t : trace::TensorsRead(layer)) lives[t].last = l;
  }
  for (size_t t = 0; t < tensors.size(); ++t) {
    if (net.tensors[t].constant) lives[t] = {-1, layers};
  }
  lives[net.input].first = -1;
  lives[net.output].last = layers;
  for (size_t t = 0; t < tensors.size(); ++t) {  // a tensor lives as long as what lies in it
    Lifetime& root = lives[static_cast<size_t>(tensors[t].root)];
    root.first = std::min(root.first, lives[t].first);
    root.last = std::max(root.last, lives[t].last);
  }
  return lives;
}

}  // namespace

MemoryMap::MemoryMap(uint64_t end, uint64_t begin)
    : begin_(AlignUp(begin)), end_(end), next_(begin_) {}

uint64_t MemoryMap::Reserve(uint64_t bytes) {
  const uint64_t address = next_;
  next_ = AlignUp(next_ + bytes);
  if (next_ > end_) {
    throw LoweringError(fmt::format(
        "the network needs more than the {} bytes of DRAM that dram.device and dram.channels give"
        "{}",
        end_ - std::min(begin_, end_), begin_ > 0 ? " beside other networks" : ""));
  }
  return address;
}

void MemoryMap::PlaceTensors(const trace::Network& net,
                             std::vector<sim::TensorPlacement>& tensors) {
  struct Placed {
    uint64_t begin, end;
    Lifetime life;
  };
  const std::vector<Lifetime> lives = Lifetimes(net, tensors);
  std::vector<size_t> order(tensors.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto has_place = [&](size_t i) {
    return tensors[i].in_dram && tensors[i].root == static_cast<int>(i);
  };
  const auto bytes = [&](size_t i) {
    if (!has_place(i)) return uint64_t{0};
    return AlignUp(tensors[i].layout.code_bytes()) + AlignUp(tensors[i].layout.scale_bytes());
  };
  // Largest first leaves the fewest holes; equal sizes in network order.
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return bytes(a) > bytes(b); });

  std::vector<Placed> placed;  // sorted by begin
  uint64_t top = 0;
  for (size_t i : order) {
    if (!has_place(i)) continue;
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
  for (size_t i = 0; i < tensors.size(); ++i) {
    sim::TensorPlacement& tensor = tensors[i];
    tensor.codes += base;
    tensor.scales += base;
    tensor.code_stride = tensor.layout.code_bytes_per_pixel();
    tensor.scale_stride = tensor.layout.scale_row_bytes();
  }
  for (sim::TensorPlacement& tensor : tensors) {
    const sim::TensorPlacement& root = tensors[static_cast<size_t>(tensor.root)];
    if (&tensor == &root) continue;
    numerics::ActivationLayout before = root.layout;
    before.channels = tensor.root_channel;
    tensor.codes = root.codes + before.code_bytes_per_pixel();
    tensor.scales = root.scales + before.scale_row_bytes();
    tensor.code_stride = root.code_stride;
    tensor.scale_stride = root.scale_stride;
  }
}

}  // namespace nibble::lowering
