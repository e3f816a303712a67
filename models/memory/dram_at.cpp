#include "models/memory/dram_at.h"

#include <algorithm>
#include <stdexcept>

namespace nibble::memory {

DramAt::DramAt(const sc_core::sc_module_name& name, const DramDevice& device,
               const DramConfig& config, const DramMapping& mapping, uint32_t channel)
    : sc_module(name),
      socket("socket"),
      d_(device),
      config_(config),
      mapping_(mapping),
      channel_(channel),
      banks_(device.banks()),
      next_refresh_(device.refi) {
  if (config.ranks != 1 || config.page != DramConfig::Page::kOpen ||
      config.refresh != DramConfig::Refresh::kAllBank ||
      config.scheduler != DramConfig::Scheduler::kFrFcfs || config.power_down != 0) {
    throw std::invalid_argument(
        "the AT reference knows one rank, FR-FCFS, open pages and all-bank refresh, no power-down");
  }
  socket.register_nb_transport_fw(this, &DramAt::Transport);
  SC_HAS_PROCESS(DramAt);
  SC_METHOD(Tick);
  sensitive << tick_;
  dont_initialize();
}

tlm::tlm_sync_enum DramAt::Transport(Payload& payload, tlm::tlm_phase& phase, sc_core::sc_time&) {
  if (phase == tlm::END_RESP) return tlm::TLM_COMPLETED;
  if (payload.get_address() >= mapping_.capacity() ||
      mapping_.Locate(payload.get_address()).channel != channel_) {
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return tlm::TLM_COMPLETED;
  }
  offered_.push_back(&payload);
  if (!ticking_) {
    ticking_ = true;
    const uint64_t now = sc_core::sc_time_stamp().value();
    const uint64_t clock = (now + d_.tck_ps - 1) / d_.tck_ps * d_.tck_ps;
    RefreshWhileIdle(static_cast<int64_t>(clock / d_.tck_ps));
    tick_.notify(sc_core::sc_time::from_value(clock - now));
  }
  return tlm::TLM_ACCEPTED;
}

void DramAt::Tick() {
  const uint64_t now = sc_core::sc_time_stamp().value() / d_.tck_ps;
  Respond(now);
  Admit(now);
  if (!Refresh(static_cast<int64_t>(now))) Schedule(static_cast<int64_t>(now));
  ticking_ = !offered_.empty() || !queue_[0].empty() || !queue_[1].empty() || !responses_.empty();
  if (ticking_) tick_.notify(sc_core::sc_time::from_value(d_.tck_ps));
}

void DramAt::Respond(uint64_t now) {
  while (!responses_.empty() && responses_.top().at <= now) {
    Payload* payload = responses_.top().payload;
    responses_.pop();
    payload->set_response_status(tlm::TLM_OK_RESPONSE);
    tlm::tlm_phase phase = tlm::BEGIN_RESP;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    socket->nb_transport_bw(*payload, phase, delay);
  }
}

void DramAt::Admit(uint64_t now) {
  if (offered_.empty()) return;
  Payload* payload = offered_.front();
  const bool write = payload->is_write();
  if (queue_[write].size() >= (write ? config_.write_buffer : config_.window)) return;
  const DramLocation at = mapping_.Locate(payload->get_address());
  for (const Request& r : queue_[!write]) {
    if (r.at.bank != at.bank || r.at.row != at.row || r.at.column != at.column) continue;
    if (write) return;  // until the read is served
    draining_ = true;
  }
  offered_.pop_front();
  queue_[write].push_back({payload, at, now + 1});
  if (write) responses_.push({now + 1, payload});
  tlm::tlm_phase phase = tlm::END_REQ;
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  socket->nb_transport_bw(*payload, phase, delay);
}

// Those that fell due up to `now`, when nothing was there to do.
void DramAt::RefreshWhileIdle(int64_t now) {
  while (static_cast<int64_t>(next_refresh_) < now) {
    refresh_ = static_cast<int64_t>(next_refresh_);
    for (Bank& bank : banks_) {
      if (!bank.open) continue;
      bank.open = false;
      ++counters_.precharges;
      refresh_ = static_cast<int64_t>(next_refresh_ + d_.rp_ab);
    }
    next_refresh_ += d_.refi;
    ++counters_.refreshes;
  }
}

// When a refresh is due nothing else is given until it has begun. Returns whether that is so.
bool DramAt::Refresh(int64_t now) {
  if (static_cast<uint64_t>(now) < next_refresh_) return false;
  const bool any_open =
      std::any_of(banks_.begin(), banks_.end(), [](const Bank& b) { return b.open; });
  if (any_open) {  // precharge all, together
    for (const Bank& bank : banks_) {
      if (bank.open && !CanPrecharge(bank, now)) return true;
    }
    for (Bank& bank : banks_) {
      if (!bank.open) continue;
      bank.open = false;
      bank.precharge = now;
      ++counters_.precharges;
    }
    return true;
  }
  for (const Bank& bank : banks_) {
    if (now < bank.precharge + static_cast<int64_t>(d_.rp_ab)) return true;
  }
  refresh_ = now;
  next_refresh_ += d_.refi;
  ++counters_.refreshes;
  return true;
}

bool DramAt::CanActivate(uint32_t index, int64_t now) const {
  const auto after = [now](int64_t last, uint64_t clocks) {
    return now >= last + static_cast<int64_t>(clocks);
  };
  const Bank& own = banks_[index];
  if (!after(own.activate, d_.rc) || !after(own.precharge, d_.rp) || !after(refresh_, d_.rfc_ab)) {
    return false;
  }
  if (activates_.size() == 4 && !after(activates_.front(), d_.faw)) return false;
  for (uint32_t b = 0; b < banks_.size(); ++b) {
    const bool group = b / d_.banks_per_group == index / d_.banks_per_group;
    if (!after(banks_[b].activate, group ? d_.rrd_l : d_.rrd_s)) return false;
  }
  return true;
}

bool DramAt::CanPrecharge(const Bank& bank, int64_t now) const {
  return now >= bank.activate + static_cast<int64_t>(d_.ras) &&
         now >= bank.read + static_cast<int64_t>(d_.rtp) &&
         now >= bank.write + static_cast<int64_t>(d_.cwl + d_.burst + d_.wr);
}

bool DramAt::CanColumn(uint32_t index, bool write, int64_t now) const {
  const Bank& own = banks_[index];
  if (now < own.activate + static_cast<int64_t>(write ? d_.rcd_wr : d_.rcd)) return false;
  for (uint32_t b = 0; b < banks_.size(); ++b) {
    const Bank& other = banks_[b];
    const bool group = b / d_.banks_per_group == index / d_.banks_per_group;
    const uint64_t same = group ? d_.ccd_l : std::max(d_.ccd_s, d_.burst);
    const uint64_t to_read = d_.cwl + d_.burst + (group ? d_.wtr_l : d_.wtr_s);
    const uint64_t to_write = d_.cl + d_.burst + d_.rtw_gap - d_.cwl;
    if (now < other.read + static_cast<int64_t>(write ? to_write : same)) return false;
    if (now < other.write + static_cast<int64_t>(write ? same : to_read)) return false;
  }
  return true;
}

// Gives one command, or one on each bus: the oldest column command that can be given, else the
// oldest of the others.
void DramAt::Schedule(int64_t now) {
  const size_t reads = queue_[0].size(), writes = queue_[1].size();
  if (writes == 0) {
    writing_ = draining_ = false;
  } else if (draining_ || reads == 0 || writes >= config_.write_high) {
    writing_ = true;
  } else if (writes <= config_.write_low) {
    writing_ = false;
  }
  std::deque<Request>& queue = queue_[writing_];
  const bool column_bus = now >= bus_free_;
  const bool row_bus = now >= (d_.command_buses == 1 ? bus_free_ : row_bus_free_);
  const auto occupy = [&](bool row, uint64_t clocks) {
    (row && d_.command_buses == 2 ? row_bus_free_ : bus_free_) = now + static_cast<int64_t>(clocks);
  };
  for (auto r = queue.begin(); column_bus && r != queue.end(); ++r) {
    Bank& bank = banks_[r->at.bank];
    if (now < static_cast<int64_t>(r->ready) || !bank.open || bank.row != r->at.row ||
        !CanColumn(r->at.bank, writing_, now)) {
      continue;
    }
    (writing_ ? bank.write : bank.read) = now;
    ++(writing_ ? counters_.writes : counters_.reads);
    counters_.row_hits += r->missed ? 0 : 1;
    if (!writing_) {
      responses_.push({static_cast<uint64_t>(now) + d_.cl + d_.burst, r->payload});
    }
    queue.erase(r);
    occupy(false, d_.column_clocks);
    if (d_.command_buses == 1) return;
    break;
  }
  if (!row_bus) return;
  uint64_t seen = 0;  // banks that an older request, or one that hits, speaks for
  for (const Request& r : queue) {
    if (banks_[r.at.bank].open && banks_[r.at.bank].row == r.at.row)
      seen |= uint64_t{1} << r.at.bank;
  }
  for (Request& r : queue) {
    if ((seen >> r.at.bank & 1) != 0) continue;
    seen |= uint64_t{1} << r.at.bank;
    if (now < static_cast<int64_t>(r.ready)) continue;
    Bank& bank = banks_[r.at.bank];
    if (bank.open) {
      if (!CanPrecharge(bank, now)) continue;
      bank.open = false;
      bank.precharge = now;
      ++counters_.precharges;
      occupy(true, d_.pre_clocks);
    } else {
      if (!CanActivate(r.at.bank, now)) continue;
      bank.open = true;
      bank.row = r.at.row;
      bank.activate = now;
      activates_.push_back(now);
      if (activates_.size() > 4) activates_.pop_front();
      ++counters_.activates;
      occupy(true, d_.act_clocks);
    }
    r.missed = true;
    return;
  }
}

}  // namespace nibble::memory
