// Refresh, power-down and all-bank work of a channel's controller.
#include "models/memory/dram_channel.h"

namespace nibble::memory {

void DramChannel::Refresh(uint32_t rank, DramCounters& count) {
  const uint64_t due = Wake(rank, next_refresh_[rank]);
  if (config_.refresh == DramConfig::Refresh::kAllBank) {
    RefreshAll(rank, due, count);
  } else {
    RefreshBanks(rank, due, count);
  }
  next_refresh_[rank] += refresh_interval_;
  refresh_due_ = *std::min_element(next_refresh_.begin(), next_refresh_.end());
  chosen_ = false;
}

// Waits until every row can be closed, closes them, refreshes.
void DramChannel::RefreshAll(uint32_t rank, uint64_t due, DramCounters& count) {
  const uint32_t first = rank * d_.banks();
  const uint64_t begin = Block(first, d_.banks(), due, d_.rfc_ab, count);
  Record(Command::Kind::kRefreshAll, first, begin);
  ++count.refreshes;
}

// The banks of a rank take turns, some at a time; the others go on.
void DramChannel::RefreshBanks(uint32_t rank, uint64_t due, DramCounters& count) {
  // Banks that one command refreshes lie banks() / pb_banks apart (JESD209-5: B and B + 8).
  const auto stride = static_cast<uint32_t>(d_.banks() / d_.pb_banks);
  for (uint32_t i = 0; i < d_.pb_banks; ++i) {
    const uint32_t bank = rank * d_.banks() + refresh_bank_[rank] + i * stride;
    const uint64_t begin = Block(bank, 1, due, d_.rfc_pb, count);
    // It takes the place of an ACT in the rank. That place is booked when the refresh is due, since
    // the refresh itself may wait for its bank, and no other bank with it.
    timing_.DelayActivates(rank, due + d_.rrd_s);
    Record(Command::Kind::kRefreshBank, bank, begin);
  }
  refresh_bank_[rank] = (refresh_bank_[rank] + 1) % stride;
  ++count.bank_refreshes;
}

// Closes the rows of `banks` banks and blocks them for `duration`; returns when that begins.
uint64_t DramChannel::Block(uint32_t first, uint32_t banks, uint64_t due, uint64_t duration,
                            DramCounters& count) {
  const size_t recorded = commands_ == nullptr ? 0 : commands_->size();
  for (uint32_t b = first; b < first + banks; ++b) {
    if (timing_.bank(b).open_row != DramTiming::kClosed) Record(Command::Kind::kPrecharge, b, 0);
  }
  uint64_t close = 0;
  const uint64_t begin = timing_.Block(first, banks, due, duration, close, count.precharges);
  if (commands_ != nullptr) {
    for (size_t i = recorded; i < commands_->size(); ++i) (*commands_)[i].time = close;
  }
  for (uint32_t b = first; b < first + banks; ++b) {
    Find(b, false);
    Find(b, true);
  }
  return begin;
}

// Accounts for the idleness of a rank that is needed from clock `t` on, and returns when it can
// take a command.
uint64_t DramChannel::Wake(uint32_t rank, uint64_t t) {
  if (config_.power_down == 0 || rank_waiting_[rank] > 0) return std::max(t, ready_[rank]);
  if (timing_.AddIdle(rank, t, config_.power_down)) {
    ready_[rank] = t + d_.xp;
    timing_.SetBusy(rank, ready_[rank]);
  }
  return std::max(t, ready_[rank]);
}

// Refreshes that fall due while nothing uses the channel. Only the first can find open rows and
// only the last can delay a command, so those between are merely counted, with the power-down time
// between them.
void DramChannel::RefreshUntil(uint64_t now, uint32_t layer) {
  if (now < refresh_due_) return;
  DramCounters& count = rows_[layer];
  const bool all_banks = config_.refresh == DramConfig::Refresh::kAllBank;
  for (uint32_t r = 0; r < config_.ranks; ++r) {
    // Until all rows are closed, and the power-down between refreshes, one by one.
    while (next_refresh_[r] <= now) {
      Refresh(r, count);
      if (config_.power_down > 0 || !all_banks || now < next_refresh_[r]) continue;
      const uint64_t skipped = (now - next_refresh_[r]) / refresh_interval_;
      count.refreshes += skipped;
      next_refresh_[r] += skipped * refresh_interval_;
    }
  }
  refresh_due_ = *std::min_element(next_refresh_.begin(), next_refresh_.end());
}

uint64_t DramChannel::IdleTime(uint64_t start) const {
  uint64_t time = start;
  for (uint32_t b = 0; b < timing_.banks(); ++b) {
    const DramTiming::Bank& bank = timing_.bank(b);
    const uint64_t closed =
        bank.open_row == DramTiming::kClosed
            ? bank.activate
            : std::max(bank.activate, std::max(start, bank.precharge) + d_.rp_ab);
    time = std::max(time, closed);
  }
  return time;
}

void DramChannel::Occupy(uint64_t begin, uint64_t end, uint64_t refreshes_per_rank,
                         uint32_t layer) {
  DramCounters& count = rows_[layer];
  for (uint32_t r = 0; r < config_.ranks; ++r) {
    Wake(r, begin);
    const uint64_t close = begin > d_.rp_ab ? begin - d_.rp_ab : 0;
    Block(r * d_.banks(), d_.banks(), close, 0, count);
    timing_.Hold(r, end);
    timing_.AddActive(r, end - begin);
    next_refresh_[r] += refreshes_per_rank * refresh_interval_;
  }
  (config_.refresh == DramConfig::Refresh::kAllBank ? count.refreshes : count.bank_refreshes) +=
      refreshes_per_rank * config_.ranks;
  refresh_due_ = *std::min_element(next_refresh_.begin(), next_refresh_.end());
  chosen_ = false;
}

void DramChannel::AccountTime(uint64_t now_ps, uint32_t layer) {
  if (now_ps <= accounted_until_ps_) return;
  DramCounters& count = rows_[layer];
  const uint64_t elapsed = now_ps - accounted_until_ps_;
  const uint64_t now = now_ps / d_.tck_ps;
  for (uint32_t r = 0; r < config_.ranks; ++r) {
    if (config_.power_down > 0 && rank_waiting_[r] == 0) {
      timing_.AddIdle(r, now, config_.power_down);
    }
    // What was reserved beyond `now` is left for the next time.
    Accounted& done = accounted_[r];
    const DramTiming::Residency& clocks = timing_.residency(r);
    const auto take = [this](uint64_t& counted, uint64_t total, uint64_t at_most) {
      const uint64_t part =
          std::min(total * d_.tck_ps - std::min(counted, total * d_.tck_ps), at_most);
      counted += part;
      return part;
    };
    const uint64_t active = take(done.active, timing_.ActiveUntil(r, now), elapsed);
    const uint64_t active_down = take(done.active_power_down, clocks.active_power_down, active);
    const uint64_t closed_down =
        take(done.precharge_power_down, clocks.precharge_power_down, elapsed - active);
    count.active_power_down_ps += active_down;
    count.active_standby_ps += active - active_down;
    count.precharge_power_down_ps += closed_down;
    count.precharge_standby_ps += elapsed - active - closed_down;
  }
  accounted_until_ps_ = now_ps;
}

}  // namespace nibble::memory
