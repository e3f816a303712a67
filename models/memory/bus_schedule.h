// When a bus that several masters share has moved their transfers. Plain reservations.
//
// The bus moves `width` bytes a cycle of its clock and is never idle while a transfer waits:
//
// - round-robin: all masters with work waiting move in turn, a bus cycle each;
// - priority: the first master with work waiting moves, in order of the masters' numbers.
//
// A transfer is placed when it is asked for, behind its own master's, and its end is told at once:
// that at which it will have moved if nobody asks for more. Transfers placed afterwards that share
// the bus with it, or pass it, do not change what was told, but the work that is left is kept
// exactly, so that whatever is placed next waits for all of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace nibble::memory {

enum class Arbitration : uint8_t { kRoundRobin, kPriority };

struct BusConfig {
  uint32_t width = 64;  // bytes a cycle
  uint32_t mhz = 0;     // 0: the machine's clock
  Arbitration arbitration = Arbitration::kRoundRobin;
};

class BusSchedule {
 public:
  // `cycle_ps`: of the bus.
  BusSchedule(const BusConfig& config, uint64_t cycle_ps, size_t masters)
      : config_(config), cycle_ps_(cycle_ps), work_(masters) {}

  struct Transfer {
    uint64_t end_ps = 0;   // its last byte has moved
    uint64_t move_ps = 0;  // in which it moves itself
    uint64_t wait_ps = 0;  // from the call to the end, in which it does not
  };
  // `master` asks at `now_ps`, not before any earlier call, to move `bytes`. Whole bus cycles from
  // the first that begins at `now_ps` or later.
  Transfer Place(size_t master, uint64_t now_ps, uint64_t bytes);

 private:
  void Drain(uint64_t cycles);  // lets so many bus cycles pass

  BusConfig config_;
  uint64_t cycle_ps_;
  uint64_t now_ = 0;            // bus cycle of the last call
  std::vector<uint64_t> work_;  // bus cycles that each master's transfers have still to move then
};

}  // namespace nibble::memory
