// The order in which a value runs through the elements of a map, whatever dimensions it has: what
// Reshape keeps and Transpose changes.
#pragma once

#include <cstdint>
#include <vector>

#include "sw/compiler/onnx_graph.h"
#include "sw/trace/network.h"

namespace nibble::compiler {

// Nested loops over the elements of a map as ONNX counts them, [channel][row][column]; the last
// loop is the innermost. Loops of one turn are left out, and two that run as one are one.
class ElementOrder {
 public:
  static ElementOrder Identity(const trace::Shape& map);      // channel, pixel
  static ElementOrder ChannelsLast(const trace::Shape& map);  // pixel, channel
  // Output channel c is channel c % groups * (channels / groups) + c / groups.
  static ElementOrder Shuffled(const trace::Shape& map, int groups);

  // The order after a transposition of the value, which has dimensions `dims`. False where `dims`
  // do not divide the loops.
  bool Transpose(const Dims& dims, const std::vector<int64_t>& permutation);

  // The number of groups for which this is Shuffled; 0 if it is none, or the identity.
  int ShuffleGroups(const trace::Shape& map) const;

  bool operator==(const ElementOrder& o) const { return loops_ == o.loops_; }

 private:
  struct Loop {
    int64_t turns, stride;
    bool operator==(const Loop& o) const { return turns == o.turns && stride == o.stride; }
  };
  explicit ElementOrder(const std::vector<Loop>& loops);

  std::vector<Loop> loops_;
};

}  // namespace nibble::compiler
