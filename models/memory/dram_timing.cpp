#include "models/memory/dram_timing.h"

namespace nibble::memory {

DramTiming::DramTiming(const DramDevice& device, uint32_t ranks)
    : d_(device),
      banks_(size_t{ranks} * device.banks()),
      groups_(size_t{ranks} * device.bank_groups),
      ranks_(ranks) {
  for (uint32_t b = 0; b < banks_.size(); ++b) {
    banks_[b].group = b / device.banks_per_group;
    banks_[b].rank = b / device.banks();
  }
}

uint64_t DramTiming::Block(uint32_t first, uint32_t count, uint64_t due, uint64_t duration,
                           uint64_t& close, uint64_t& closed) {
  uint64_t begin = due;  // of what blocks the banks
  close = due;
  uint32_t open = 0;
  for (uint32_t b = first; b < first + count; ++b) {
    const Bank& bank = banks_[b];
    if (bank.open_row == kClosed) {
      RaiseTo(begin, bank.activate);  // tRP since its precharge
    } else {
      RaiseTo(close, bank.precharge);
      ++open;
    }
  }
  if (open > 0) RaiseTo(begin, close + (open > 1 ? d_.rp_ab : d_.rp));
  Rank& rank = ranks_[banks_[first].rank];
  for (uint32_t b = first; b < first + count; ++b) {
    if (banks_[b].open_row != kClosed) {
      banks_[b].open_row = kClosed;
      Closed(rank, close);
    }
    RaiseTo(banks_[b].activate, begin + duration);
  }
  RaiseTo(rank.busy_until, begin + duration);
  closed += open;
  return begin;
}

void DramTiming::Hold(uint32_t rank, uint64_t t) {
  for (Bank& bank : banks_) {
    if (bank.rank == rank) RaiseTo(bank.activate, t);
  }
  RaiseTo(ranks_[rank].busy_until, t);
}

bool DramTiming::AddIdle(uint32_t rank, uint64_t now, uint64_t after) {
  Rank& r = ranks_[rank];
  const uint64_t from = std::max(r.busy_until + after, r.idle_counted);
  if (now <= from) return now > r.busy_until + after;
  (r.open > 0 ? r.residency.active_power_down : r.residency.precharge_power_down) += now - from;
  r.idle_counted = now;
  return true;
}

uint64_t DramTiming::ActiveUntil(uint32_t rank, uint64_t now) const {
  const Rank& r = ranks_[rank];
  const uint64_t open = r.open > 0 && now > r.active_since ? now - r.active_since : 0;
  return r.residency.active + open;
}

}  // namespace nibble::memory
