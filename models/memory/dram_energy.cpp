#include "models/memory/dram_energy.h"

#include <algorithm>

namespace nibble::memory {

std::vector<DramPrice> DramPrices(const DramDevice& d) {
  using C = DramCounters;
  const double bits = d.burst_bytes * 8.0;
  const auto source = [&d](const char* field) {
    return d.name + " " + field + ": " + d.sources.at(field);
  };
  std::vector<DramPrice> prices = {
      {"activate", &C::activates, d.activate_pj, source("activate")},
      {"core", &C::reads, d.read_core_pj_bit * bits, source("read_core")},
      {"core", &C::writes, d.write_core_pj_bit * bits, source("write_core")},
      {"io", &C::reads, d.read_io_pj_bit * bits, source("read_io")},
      {"io", &C::writes, d.write_io_pj_bit * bits, source("write_io")},
      {"near", &C::near_reads, d.near_read_pj_bit * bits, source("near_read")},
      {"refresh", &C::refreshes, d.refresh_pj, source("refresh")}};
  if (d.pb_banks > 0) {
    const double share = static_cast<double>(d.pb_banks) / d.banks();
    prices.push_back(
        {"refresh", &C::bank_refreshes, d.refresh_pj * share,
         "its share of the banks of an all-bank refresh, derived; " + source("refresh")});
  }
  // mW * ps = 1e-3 pJ.
  prices.push_back(
      {"background", &C::active_standby_ps, d.active_standby_mw * 1e-3, source("active_standby")});
  prices.push_back({"background", &C::precharge_standby_ps, d.precharge_standby_mw * 1e-3,
                    source("precharge_standby")});
  if (d.active_power_down_mw && d.precharge_power_down_mw) {
    prices.push_back({"background", &C::active_power_down_ps, *d.active_power_down_mw * 1e-3,
                      source("active_power_down")});
    prices.push_back({"background", &C::precharge_power_down_ps, *d.precharge_power_down_mw * 1e-3,
                      source("precharge_power_down")});
  }
  return prices;
}

std::vector<std::pair<std::string, double>> DramEnergy(const DramDevice& device,
                                                       const DramCounters& counters) {
  std::vector<std::pair<std::string, double>> energy;
  for (const DramPrice& p : DramPrices(device)) {
    auto at = std::find_if(energy.begin(), energy.end(),
                           [&p](const auto& e) { return e.first == p.component; });
    if (at == energy.end()) at = energy.insert(at, {p.component, 0.0});
    at->second += p.pj * static_cast<double>(counters.*p.count);
  }
  return energy;
}

}  // namespace nibble::memory
