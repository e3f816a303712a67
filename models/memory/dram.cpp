#include "models/memory/dram.h"

#include <algorithm>
#include <stdexcept>

namespace nibble::memory {
namespace {

void RaiseTo(uint64_t& time, uint64_t at_least) { time = std::max(time, at_least); }

}  // namespace

Dram::Dram(const DramDevice& device, uint32_t channels, const std::string& mapping, size_t layers)
    : device_(device),
      channels_(channels),
      mapping_(device, channels, mapping),
      state_(channels),
      rows_(layers) {
  for (Channel& c : state_) {
    c.banks.resize(device.banks());
    c.groups.resize(device.bank_groups);
    c.next_refresh = device.refi;
  }
}

uint64_t Dram::Access(uint64_t address, uint64_t bytes, bool write, uint64_t start, size_t layer) {
  if (bytes == 0) return start;
  if (address >= mapping_.capacity() || bytes > mapping_.capacity() - address) {
    throw std::out_of_range("DRAM access at address " + std::to_string(address) + ", " +
                            std::to_string(bytes) + " bytes, ends beyond the capacity of " +
                            std::to_string(mapping_.capacity()) + " bytes");
  }
  DramCounters& count = rows_[layer];
  const uint64_t size = device_.burst_bytes;
  const uint64_t first = address / size;
  const uint64_t last = (address + bytes - 1) / size;
  uint64_t end = start;
  for (uint64_t b = first; b <= last; ++b) {
    RaiseTo(end, Burst(mapping_.Locate(b * size), write, start, count));
  }
  const uint64_t bursts = last - first + 1;
  (write ? count.writes : count.reads) += bursts;
  (write ? count.write_bytes : count.read_bytes) += bursts * size;
  return end;
}

uint64_t Dram::Burst(const DramLocation& at, bool write, uint64_t start, DramCounters& count) {
  const DramDevice& d = device_;
  Channel& c = state_[at.channel];
  Bank& bank = c.banks[at.bank];
  Group& group = c.groups[at.bank / d.banks_per_group];
  RefreshUntil(c, start, count);

  // When the commands could be given. A refresh that falls due before the column command goes
  // first, since it closes the row: then all is reckoned again.
  const auto row = static_cast<int64_t>(at.row);
  bool hit = false, conflict = false;
  uint64_t precharge = 0, activate = 0, column = 0;
  while (true) {
    hit = bank.open_row == row;
    conflict = !hit && bank.open_row != kClosed;
    column = std::max({start, write ? c.write : c.read, write ? group.write : group.read});
    if (hit) {
      RaiseTo(column, bank.column);
    } else {
      activate = std::max({start, bank.activate, c.activate, c.window[c.oldest]});
      if (conflict) {
        precharge = std::max(start, bank.precharge);
        RaiseTo(activate, precharge + d.rp);
      }
      RaiseTo(column, activate + d.rcd);
    }
    if (column < c.next_refresh) break;
    Refresh(c, count);
  }

  if (hit) {
    ++count.row_hits;
  } else {
    count.precharges += conflict ? 1 : 0;
    ++count.activates;
    bank.open_row = row;
    bank.activate = activate + d.rc;
    bank.column = activate + d.rcd;
    bank.precharge = activate + d.ras;
    c.activate = activate + d.rrd;
    c.window[c.oldest] = activate + d.faw;
    c.oldest = (c.oldest + 1) % 4;
  }

  // Constraints on later column commands: column to column, then across the turn of the data bus.
  // Reads and writes have different latencies, so that the order of commands alone does not keep
  // data in order.
  const uint64_t data = column + (write ? d.cwl : d.cl);
  const uint64_t end = data + d.burst;
  RaiseTo(group.read, column + d.ccd_l);
  RaiseTo(group.write, column + d.ccd_l);
  RaiseTo(c.read, column + std::max(d.ccd_s, d.burst));
  RaiseTo(c.write, column + std::max(d.ccd_s, d.burst));
  if (write) {
    RaiseTo(c.read, end + d.wtr_s);
    RaiseTo(group.read, end + d.wtr_l);
    RaiseTo(bank.precharge, end + d.wr);
  } else {
    const uint64_t free = end + d.rtw_gap;
    RaiseTo(c.write, free > d.cwl ? free - d.cwl : 0);
    RaiseTo(bank.precharge, column + d.rtp);
  }
  return end;
}

// The refresh that falls due next: waits until every row can be closed, closes them, refreshes.
void Dram::Refresh(Channel& c, DramCounters& count) {
  uint64_t begin = c.next_refresh;  // of the refresh command
  uint64_t close = c.next_refresh;  // of the precharge of all banks
  bool open = false;
  for (const Bank& b : c.banks) {
    if (b.open_row == kClosed) {
      RaiseTo(begin, b.activate);  // tRP since its precharge
    } else {
      RaiseTo(close, b.precharge);
      open = true;
    }
  }
  if (open) RaiseTo(begin, close + device_.rp_ab);
  for (Bank& b : c.banks) {
    count.precharges += b.open_row != kClosed ? 1 : 0;
    b.open_row = kClosed;
    RaiseTo(b.activate, begin + device_.rfc_ab);
  }
  ++count.refreshes;
  c.next_refresh += device_.refi;
}

// Refreshes that fell due while nothing used the channel. Only the first can find open rows and
// only the last can delay a command, so those between are merely counted.
void Dram::RefreshUntil(Channel& c, uint64_t now, DramCounters& count) {
  if (now < c.next_refresh) return;
  Refresh(c, count);
  if (now < c.next_refresh) return;
  const uint64_t skipped = (now - c.next_refresh) / device_.refi;
  count.refreshes += skipped;
  c.next_refresh += skipped * device_.refi;
  Refresh(c, count);
}

uint64_t Dram::OccupyAllBanks(uint64_t clocks, uint64_t start, size_t layer) {
  DramCounters& count = rows_[layer];
  // All rows closed and all banks idle, in every channel; a refresh that falls due until then goes
  // first.
  uint64_t begin = start;
  for (uint64_t before = begin + 1; before != begin;) {
    before = begin;
    for (Channel& c : state_) {
      RefreshUntil(c, begin, count);
      for (const Bank& b : c.banks) {
        RaiseTo(begin, b.open_row == kClosed
                           ? b.activate
                           : std::max(b.activate, std::max(start, b.precharge) + device_.rp_ab));
      }
    }
  }
  // Now every channel waits for the same refresh: the first that falls due after `begin`.
  uint64_t end = begin + clocks;
  uint64_t next_refresh = state_.front().next_refresh;
  for (; next_refresh < end; next_refresh += device_.refi) {
    end += device_.rfc_ab;
    count.refreshes += channels_;
  }
  for (Channel& c : state_) {
    c.next_refresh = next_refresh;
    for (Bank& b : c.banks) {
      count.precharges += b.open_row != kClosed ? 1 : 0;
      b.open_row = kClosed;
      RaiseTo(b.activate, end);
    }
  }
  return end;
}

void Dram::AccountBackground(uint64_t now_ps, size_t layer) {
  if (now_ps <= background_until_ps_) return;
  rows_[layer].background_ps += (now_ps - background_until_ps_) * channels_;
  background_until_ps_ = now_ps;
  for (Channel& c : state_) RefreshUntil(c, now_ps / device_.tck_ps, rows_[layer]);
}

void RegisterDram(sim::CounterRegistry& registry, const std::string& component,
                  const std::vector<DramCounters>& rows) {
  using C = DramCounters;
  registry.Register<C>(
      component, rows,
      {{"read_bytes", "bytes", "bytes read over the pins, whole bursts", &C::read_bytes},
       {"write_bytes", "bytes", "bytes written over the pins, whole bursts", &C::write_bytes},
       {"reads", "bursts", "column reads over the pins", &C::reads, true},
       {"writes", "bursts", "column writes over the pins", &C::writes, true},
       {"activates", "rows", "rows opened (priced with their precharge)", &C::activates, true},
       {"precharges", "rows", "rows closed", &C::precharges},
       {"row_hits", "bursts", "bursts that found their row open", &C::row_hits},
       {"refreshes", "commands", "all-bank refreshes of one channel", &C::refreshes, true},
       {"near_reads", "bursts", "column reads that stay in the die", &C::near_reads, true},
       {"background_ps", "ps", "time, all channels added", &C::background_ps, true}});
}

}  // namespace nibble::memory
