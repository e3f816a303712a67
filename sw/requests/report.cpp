#include "sw/requests/report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "models/memory/dram_energy.h"

namespace nibble::requests {

namespace {

using memory::DramConfig;

const char* PageName(DramConfig::Page page) {
  switch (page) {
    case DramConfig::Page::kOpen:
      return "open";
    case DramConfig::Page::kClosed:
      return "closed";
    default:
      return "adaptive";
  }
}
const char* RefreshName(DramConfig::Refresh refresh) {
  return refresh == DramConfig::Refresh::kAllBank ? "all-bank" : "per-bank";
}
const char* SchedulerName(DramConfig::Scheduler scheduler) {
  return scheduler == DramConfig::Scheduler::kFrFcfs ? "fr-fcfs" : "fcfs";
}

// What both forms show, derived from the counts.
struct Figures {
  Figures(const memory::Dram& dram, const memory::RequestRunResult& r) {
    const memory::DramDevice& d = dram.device();
    const memory::DramCounters& c = r.counters;
    tck_ns = static_cast<double>(d.tck_ps) * 1e-3;
    time_ns = static_cast<double>(r.cycles) * tck_ns;
    bytes = c.read_bytes + c.write_bytes;
    gb_per_s = time_ns > 0 ? static_cast<double>(bytes) / time_ns : 0;
    const auto burst_ns = static_cast<double>(std::max(d.burst, d.ccd_s)) * tck_ns;
    peak_gb_per_s = dram.channels() * d.burst_bytes / burst_ns;
    const uint64_t bursts = c.reads + c.writes;
    hit_rate = bursts > 0 ? static_cast<double>(c.row_hits) / static_cast<double>(bursts) : 0;
    energy = memory::DramEnergy(d, c);
    for (const auto& [component, pj] : energy) total_pj += pj;
    pj_per_bit = bytes > 0 ? total_pj / (8.0 * static_cast<double>(bytes)) : 0;
    rank_ps = c.rank_ps();
  }
  double Share(uint64_t ps) const {
    return rank_ps > 0 ? 100.0 * static_cast<double>(ps) / static_cast<double>(rank_ps) : 0;
  }

  double tck_ns, time_ns, gb_per_s, peak_gb_per_s, hit_rate, pj_per_bit, total_pj = 0;
  uint64_t bytes, rank_ps;
  std::vector<std::pair<std::string, double>> energy;
};

}  // namespace

std::string Text(const memory::Dram& dram, uint64_t requests, uint32_t outstanding,
                 const memory::RequestRunResult& r) {
  const memory::DramConfig& config = dram.config();
  const memory::DramCounters& c = r.counters;
  const Figures f(dram, r);
  const auto ns = [&f](double clocks) { return clocks * f.tck_ns; };
  std::string text = fmt::format(
      "{}, {} channel{} x {} rank{}, mapping {}\n"
      "{}, window {}, write buffer {} (drain {} to {}), {} page, {} refresh{}\n\n",
      dram.device().name, dram.channels(), dram.channels() == 1 ? "" : "s", config.ranks,
      config.ranks == 1 ? "" : "s", dram.mapping().fields(), SchedulerName(config.scheduler),
      config.window, config.write_buffer, config.write_high, config.write_low,
      PageName(config.page), RefreshName(config.refresh),
      config.power_down > 0 ? fmt::format(", power-down after {} clocks", config.power_down) : "");
  text += fmt::format("  requests    {}: {} reads, {} writes of {} B{}\n", requests, c.reads,
                      c.writes, dram.device().burst_bytes,
                      outstanding > 0 ? fmt::format(", at most {} read{} under way", outstanding,
                                                    outstanding == 1 ? "" : "s")
                                      : "");
  text +=
      fmt::format("  cycles      {} of {:g} ns: {:.3f} us\n", r.cycles, f.tck_ns, f.time_ns * 1e-3);
  text += fmt::format("  bandwidth   {:.2f} GB/s, {:.1f} % of {:g}\n", f.gb_per_s,
                      100 * f.gb_per_s / f.peak_gb_per_s, f.peak_gb_per_s);
  if (r.latency.count() > 0) {
    const auto p50 = r.latency.Percentile(0.5), p99 = r.latency.Percentile(0.99);
    text += fmt::format(
        "  latency     mean {:.1f}, p50 {}, p99 {}, max {} cycles ({:.1f}, {:.1f}, {:.1f}, {:.1f} "
        "ns), of reads\n",
        r.latency.mean(), p50, p99, r.latency.max(), ns(r.latency.mean()),
        ns(static_cast<double>(p50)), ns(static_cast<double>(p99)),
        ns(static_cast<double>(r.latency.max())));
  }
  text += fmt::format("  row hits    {} ({:.1f} %)\n", c.row_hits, 100 * f.hit_rate);
  text += fmt::format("  commands    ACT {}, PRE {}, RD {}, WR {}, REFab {}, REFpb {}\n",
                      c.activates, c.precharges, c.reads, c.writes, c.refreshes, c.bank_refreshes);
  text += fmt::format(
      "  states      active {:.1f} %, precharged {:.1f} %, powered down {:.1f} % active, {:.1f} % "
      "precharged\n",
      f.Share(c.active_standby_ps), f.Share(c.precharge_standby_ps),
      f.Share(c.active_power_down_ps), f.Share(c.precharge_power_down_ps));
  text += fmt::format("  energy      {:.3f} uJ, {:.2f} pJ/bit\n", f.total_pj * 1e-6, f.pj_per_bit);
  for (const auto& [component, pj] : f.energy) {
    if (pj == 0) continue;
    text += fmt::format("    {:<12}{:>12.3f} uJ {:>5.1f} %\n", component, pj * 1e-6,
                        100 * pj / f.total_pj);
  }
  return text;
}

nlohmann::ordered_json Json(const memory::Dram& dram, uint64_t requests, uint32_t outstanding,
                            const memory::RequestRunResult& r) {
  const memory::DramConfig& config = dram.config();
  const Figures f(dram, r);
  nlohmann::ordered_json json;
  json["schema"] = "nibble.memory/1";
  json["dram"] = {{"device", dram.device().name},
                  {"channels", dram.channels()},
                  {"ranks", config.ranks},
                  {"mapping", dram.mapping().fields()},
                  {"scheduler", SchedulerName(config.scheduler)},
                  {"window", config.window},
                  {"write_buffer", config.write_buffer},
                  {"write_high", config.write_high},
                  {"write_low", config.write_low},
                  {"page_policy", PageName(config.page)},
                  {"refresh", RefreshName(config.refresh)},
                  {"power_down", config.power_down}};
  json["requests"] = requests;
  json["outstanding"] = outstanding;  // 0: as many as the windows hold
  json["cycles"] = r.cycles;
  json["tck_ns"] = f.tck_ns;
  json["time_ns"] = f.time_ns;
  json["bandwidth_gb_per_s"] = f.gb_per_s;
  json["peak_bandwidth_gb_per_s"] = f.peak_gb_per_s;
  json["read_latency_cycles"] = {{"mean", r.latency.mean()},
                                 {"p50", r.latency.Percentile(0.5)},
                                 {"p99", r.latency.Percentile(0.99)},
                                 {"max", r.latency.max()}};
  json["row_hit_rate"] = f.hit_rate;
  for (const auto& field : memory::DramCounterFields()) {
    json["counters"][field.name] = r.counters.*field.member;
  }
  json["energy_pj"] = f.total_pj;
  json["energy_pj_per_bit"] = f.pj_per_bit;
  for (const auto& [component, pj] : f.energy) json["energy_by_component_pj"][component] = pj;
  for (const memory::DramPrice& p : memory::DramPrices(dram.device())) {
    std::string counter;
    for (const auto& field : memory::DramCounterFields()) {
      if (field.member == p.count) counter = field.name;
    }
    json["energy_terms"].push_back({{"component", p.component},
                                    {"counter", counter},
                                    {"pj_per_count", p.pj},
                                    {"source", p.source}});
  }
  return json;
}

}  // namespace nibble::requests
