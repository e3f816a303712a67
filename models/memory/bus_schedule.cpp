#include "models/memory/bus_schedule.h"

#include <algorithm>

namespace nibble::memory {

void BusSchedule::Drain(uint64_t cycles) {
  if (config_.arbitration == Arbitration::kPriority) {
    for (uint64_t& work : work_) {
      const uint64_t moved = std::min(work, cycles);
      work -= moved;
      cycles -= moved;
    }
    return;
  }
  // Rounds in which the same masters take part, all at once.
  while (cycles > 0) {
    uint64_t active = 0, least = ~uint64_t{0};
    for (const uint64_t work : work_) {
      if (work == 0) continue;
      ++active;
      least = std::min(least, work);
    }
    if (active == 0) return;
    const uint64_t rounds = std::min(least, cycles / active);
    if (rounds == 0) {  // the masters' last turns
      for (uint64_t& work : work_) {
        if (work == 0 || cycles == 0) continue;
        --work;
        --cycles;
      }
      continue;
    }
    for (uint64_t& work : work_) work -= work == 0 ? 0 : rounds;
    cycles -= rounds * active;
  }
}

BusSchedule::Transfer BusSchedule::Place(size_t master, uint64_t now_ps, uint64_t bytes) {
  const uint64_t now = (now_ps + cycle_ps_ - 1) / cycle_ps_;
  Drain(now - now_);
  now_ = now;
  const uint64_t cycles = (bytes + config_.width - 1) / config_.width;
  work_[master] += cycles;
  uint64_t until_end = 0;
  for (size_t other = 0; other < work_.size(); ++other) {
    if (config_.arbitration == Arbitration::kPriority) {
      until_end += other <= master ? work_[other] : 0;
    } else {
      until_end += std::min(work_[other], work_[master]);
    }
  }
  const uint64_t end_ps = (now + until_end) * cycle_ps_;
  return {end_ps, cycles * cycle_ps_, end_ps - now_ps - cycles * cycle_ps_};
}

}  // namespace nibble::memory
