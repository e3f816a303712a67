// Who uses the ports of a scratchpad's banks, and when.
//
// Users have an order of priority. A use is a number of port cycles, spread evenly over a span of
// time; a user takes its cycles where it wants them, and those after it in the order get what is
// left. So a user whose run needs `cycles` of the port and lasts at least `span` is done at the
// first moment at which
//
//     time since its start >= span  and  time since its start >= cycles + those taken before it.
//
// Nothing is simulated access by access: a run costs a handful of operations however long it is.
// All times are machine cycles.
#pragma once

#include <cstdint>

namespace nibble::memory {

class SramPort {
 public:
  // In order of priority. DMA engines come first, for their buffers are shallow; the vector unit
  // empties what the tensor unit fills.
  enum User { kLoad, kStore, kVector, kTensor };
  static constexpr int kUsers = 4;

  // `user` takes `cycles` during [begin, end). Spans of one user do not overlap and come in order
  // of time; the one before the last has ended when a third is announced.
  void Use(User user, uint64_t begin, uint64_t end, uint64_t cycles);

  // Cycles that users before `user` have taken until `now`, which is not before the last call's.
  uint64_t TakenBefore(User user, uint64_t now) const;

 private:
  struct Span {
    uint64_t begin = 0, end = 0, cycles = 0;
    uint64_t Taken(uint64_t now) const;
  };
  struct Account {
    uint64_t past = 0;
    Span spans[2];
  };
  Account accounts_[kUsers];
};

}  // namespace nibble::memory
