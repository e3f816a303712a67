// The order in which a value runs through the elements of a map, whatever dimensions it has: what
// Reshape keeps and Transpose changes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sw/compiler/onnx_graph.h"
#include "sw/trace/network.h"

namespace nibble::compiler {

// Nested loops over the elements of a map as ONNX counts them, [channel][row][column]; the last
// loop is the innermost. Loops of one turn are left out, and two that run as one are one.
class ElementOrder {
 public:
  struct Loop {
    int64_t turns, stride;
    bool operator==(const Loop& o) const { return turns == o.turns && stride == o.stride; }
  };
  using Loops = std::vector<Loop>;

  explicit ElementOrder(const Loops& loops);
  static ElementOrder Identity(const trace::Shape& map);      // channel, pixel
  static ElementOrder ChannelsLast(const trace::Shape& map);  // pixel, channel
  // Output channel c is channel c % groups * (channels / groups) + c / groups.
  static ElementOrder Shuffled(const trace::Shape& map, int groups);

  // The loops of each axis of a value of dimensions `dims`, without loops of one turn. Nothing
  // where `dims` do not divide the loops.
  std::optional<std::vector<Loops>> Axes(const Dims& dims) const;

  // The order after a transposition of the value, which has dimensions `dims`. False where `dims`
  // do not divide the loops.
  bool Transpose(const Dims& dims, const std::vector<int64_t>& permutation);

  // The number of groups for which this is Shuffled; 0 if it is none, or the identity.
  int ShuffleGroups(const trace::Shape& map) const;

  // Where in the map each element of the value is, [channel][row][column].
  std::vector<int64_t> Places() const;

  bool operator==(const ElementOrder& o) const { return loops_ == o.loops_; }

 private:
  Loops loops_;
};

}  // namespace nibble::compiler
