#include "models/memory/dram.h"

#include <algorithm>
#include <stdexcept>

#include "models/memory/dram_energy.h"

namespace nibble::memory {

void CheckDramConfig(const DramDevice& d, const DramConfig& c) {
  const auto refuse = [&d](const std::string& parameter, const std::string& why) {
    throw std::invalid_argument("dram." + parameter + ": " + why + " (dram.device " + d.name + ")");
  };
  if (c.ranks == 0 || c.ranks * d.banks() > kMaxBanks) {
    refuse("ranks", std::to_string(c.ranks) + " x " + std::to_string(d.banks()) +
                        " banks; a channel has 1 to " + std::to_string(kMaxBanks));
  }
  if (c.window == 0 || c.window > kMaxQueue) refuse("window", "expected 1 to 64 reads");
  if (c.write_buffer == 0 || c.write_buffer > kMaxQueue) {
    refuse("write_buffer", "expected 1 to 64 writes");
  }
  if (c.write_high == 0 || c.write_high > c.write_buffer) {
    refuse("write_high", "expected 1 to dram.write_buffer = " + std::to_string(c.write_buffer));
  }
  if (c.write_low >= c.write_high) {
    refuse("write_low", "expected less than dram.write_high = " + std::to_string(c.write_high));
  }
  if (c.refresh == DramConfig::Refresh::kPerBank && d.rfc_pb == 0) {
    refuse("refresh", "the device has no per-bank refresh (tRFCpb, tREFIpb)");
  }
  if (c.ranks > 1 && d.rank_gap == 0) {
    refuse("ranks", "the device file lacks rank_to_rank_gap, which several ranks need");
  }
  if (c.power_down > 0 && (d.xp == 0 || !d.active_power_down_mw || !d.precharge_power_down_mw)) {
    refuse("power_down", "the device file lacks tXP or the power in power-down");
  }
}

namespace {

const DramConfig& Checked(const DramDevice& device, const DramConfig& config) {
  CheckDramConfig(device, config);
  return config;
}

}  // namespace

Dram::Dram(const DramDevice& device, uint32_t channels, const std::string& mapping, size_t layers,
           const DramConfig& config)
    : device_(device),
      config_(Checked(device, config)),
      mapping_(device, channels, mapping, config.ranks),
      rows_(layers) {
  channels_.reserve(channels);
  for (uint32_t c = 0; c < channels; ++c) channels_.emplace_back(device_, config_, rows_);
}

uint64_t Dram::Access(uint64_t address, uint64_t bytes, bool write, uint64_t start, size_t layer) {
  if (bytes == 0) return start;
  if (address >= mapping_.capacity() || bytes > mapping_.capacity() - address) {
    throw std::out_of_range("DRAM access at address " + std::to_string(address) + ", " +
                            std::to_string(bytes) + " bytes, ends beyond the capacity of " +
                            std::to_string(mapping_.capacity()) + " bytes");
  }
  const uint64_t size = device_.burst_bytes;
  const uint64_t first = address / size;
  const uint64_t last = (address + bytes - 1) / size;
  for (DramChannel& c : channels_) c.Begin(start);
  uint64_t end = start;
  for (uint64_t b = first; b <= last; ++b) {
    const DramLocation at = mapping_.Locate(b * size);
    const uint64_t accepted =
        channels_[at.channel].Accept(write, at.rank * device_.banks() + at.bank, at.row, at.column,
                                     start, static_cast<uint32_t>(layer));
    end = std::max(end, accepted + 1);
  }
  if (write) return end;
  for (DramChannel& c : channels_) end = std::max(end, c.ServeReads());
  return end;
}

uint64_t Dram::OccupyAllBanks(uint64_t clocks, uint64_t start, size_t layer) {
  const auto row = static_cast<uint32_t>(layer);
  Drain();
  // All rows closed and all banks idle, in every channel; a refresh that falls due until then goes
  // first.
  uint64_t begin = start;
  for (uint64_t before = begin + 1; before != begin;) {
    before = begin;
    for (DramChannel& c : channels_) {
      c.RefreshUntil(begin, row);
      begin = std::max(begin, c.IdleTime(start));
    }
  }
  // Now every channel waits for the same refresh: the first that falls due after `begin`.
  uint64_t end = begin + clocks;
  uint64_t refreshes = 0;
  const bool all_banks = config_.refresh == DramConfig::Refresh::kAllBank;
  const uint64_t interval = all_banks ? device_.refi : device_.refi_pb;
  for (uint64_t due = channels_.front().next_refresh(); due < end; due += interval) {
    end += all_banks ? device_.rfc_ab : device_.rfc_pb;
    ++refreshes;
  }
  for (DramChannel& c : channels_) c.Occupy(begin, end, refreshes, row);
  if (occupied_ != nullptr) occupied_->emplace_back(begin, end);
  return end;
}

void Dram::AccountTime(uint64_t now_ps, size_t layer) {
  const auto row = static_cast<uint32_t>(layer);
  const uint64_t now = now_ps / device_.tck_ps;
  for (DramChannel& c : channels_) {
    c.RunUntil(now);
    c.RefreshUntil(now, row);
    c.AccountTime(now_ps, row);
  }
}

uint64_t Dram::Drain() {
  uint64_t end = 0;
  for (DramChannel& c : channels_) end = std::max(end, c.Drain());
  return end;
}

const std::vector<sim::CounterField<DramCounters>>& DramCounterFields() {
  using C = DramCounters;
  static const std::vector<sim::CounterField<C>> fields = {
      {"read_bytes", "bytes", "bytes read over the pins, whole bursts", &C::read_bytes},
      {"write_bytes", "bytes", "bytes written over the pins, whole bursts", &C::write_bytes},
      {"reads", "bursts", "column reads over the pins", &C::reads, true},
      {"writes", "bursts", "column writes over the pins", &C::writes, true},
      {"activates", "rows", "rows opened (priced with their precharge)", &C::activates, true},
      {"precharges", "rows", "rows closed", &C::precharges},
      {"row_hits", "bursts", "bursts for which no row was opened", &C::row_hits},
      {"refreshes", "commands", "all-bank refreshes of one rank", &C::refreshes, true},
      {"bank_refreshes", "commands", "per-bank refresh commands", &C::bank_refreshes, true},
      {"near_reads", "bursts", "column reads that stay in the die", &C::near_reads, true},
      {"active_standby_ps", "ps", "time with a row open, all ranks added", &C::active_standby_ps,
       true},
      {"precharge_standby_ps", "ps", "time with all rows closed, all ranks added",
       &C::precharge_standby_ps, true},
      {"active_power_down_ps", "ps", "time powered down with a row open, all ranks added",
       &C::active_power_down_ps, true},
      {"precharge_power_down_ps", "ps", "time powered down with all rows closed, all ranks added",
       &C::precharge_power_down_ps, true}};
  return fields;
}

void RegisterDram(sim::CounterRegistry& registry, const std::string& component, const Dram& dram) {
  const std::vector<DramPrice> prices = DramPrices(dram.device());
  for (const auto& f : DramCounterFields()) {
    const bool priced = std::any_of(prices.begin(), prices.end(),
                                    [&f](const DramPrice& p) { return p.count == f.member; });
    registry.RegisterColumn(
        {component, f.name, f.unit, f.meaning, f.costs_energy && priced},
        [&rows = dram.rows(), member = f.member](size_t layer) { return rows[layer].*member; });
  }
}

}  // namespace nibble::memory
