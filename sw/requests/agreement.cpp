#include "sw/requests/agreement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sw/requests/patterns.h"
#include "sw/requests/request_file.h"

namespace nibble::requests {

namespace {

bool IsMixed(const std::string& pattern) { return pattern == "mix_2r1w"; }
bool IsRandom(const std::string& pattern) { return pattern == "rand_read"; }
bool IsSerial(const std::string& pattern) { return pattern == "rand_serial"; }
bool IsStream(const std::string& pattern) {
  return pattern == "seq_read" || pattern == "seq_write";
}

// Patterns in which a policy decides, and the references differ from each other.
bool HasBand(const Comparison& c) {
  return IsMixed(c.pattern) || (IsStream(c.pattern) && c.mapping == "M1");
}

double Bound(const Comparison& c, const memory::DramDevice& device) {
  if (HasBand(c)) return 0.05;
  if (IsRandom(c.pattern)) return device.act_clocks > 2 ? 0.08 : 0.05;  // LPDDR4: command bus
  return IsSerial(c.pattern) ? 0.03 : 0.01;
}

// Relative distance of `ours` from the nearest of `theirs`, with its sign.
double Off(double ours, const std::vector<double>& theirs, bool band) {
  if (theirs.empty()) return 0;
  const auto [low, high] = std::minmax_element(theirs.begin(), theirs.end());
  if (band && ours >= *low && ours <= *high) return 0;
  double nearest = theirs.front();
  for (const double t : theirs) {
    if (std::abs(ours / t - 1) < std::abs(ours / nearest - 1)) nearest = t;
  }
  return ours / nearest - 1;
}

// What a pattern is about: the mean latency of a read, or the clocks of the whole.
double Quantity(const Comparison& c) {
  return IsSerial(c.pattern) ? c.ours.latency.mean() : static_cast<double>(c.ours.cycles);
}
double Quantity(const Comparison& c, const Reference& r) {
  return IsSerial(c.pattern) ? r.latency : static_cast<double>(r.cycles);
}

void Judge(Comparison& c, const memory::DramDevice& device) {
  std::vector<double> quantity, activates, refreshes;
  for (const Reference& r : c.references) {
    if (r.simulator == "DRAMSys") continue;  // for information: it groups no writes
    quantity.push_back(Quantity(c, r));
    if (r.activates > 0) activates.push_back(static_cast<double>(r.activates));
    if (r.refreshes > 0) refreshes.push_back(static_cast<double>(r.refreshes));
  }
  c.bound = Bound(c, device);
  c.off = Off(Quantity(c), quantity, HasBand(c));
  c.activates_off = Off(static_cast<double>(c.ours.counters.activates), activates, true);
  c.refreshes_off = Off(static_cast<double>(c.ours.counters.refreshes), refreshes, true);
}

}  // namespace

bool Comparison::within() const {
  return std::abs(off) <= bound && std::abs(activates_off) <= kActivatesBound;
}

std::vector<Comparison> Compare(const std::string& references, const std::string& devices) {
  std::ifstream file(references);
  if (!file) throw FileError(references + ": cannot open; expected runs of reference simulators");
  std::vector<Comparison> comparisons;
  try {
    const nlohmann::json root = nlohmann::json::parse(file);
    for (const auto& run : root.at("runs")) {
      const std::string device = run.at("device"), mapping = run.at("mapping"),
                        pattern = run.at("pattern");
      auto at = std::find_if(comparisons.begin(), comparisons.end(), [&](const Comparison& c) {
        return c.device == device && c.mapping == mapping && c.pattern == pattern;
      });
      if (at == comparisons.end()) {
        at = comparisons.insert(at, Comparison());
        at->device = device;
        at->mapping = mapping;
        at->pattern = pattern;
      }
      Reference r;
      r.simulator = run.at("simulator");
      r.cycles = run.at("cycles");
      r.latency = run.value("read_latency_cycles", 0.0);
      r.activates = run.value("ACT", uint64_t{0});
      r.refreshes = run.value("REF", uint64_t{0});
      r.reads = run.value("RD", uint64_t{0});
      r.writes = run.value("WR", uint64_t{0});
      at->references.push_back(r);
    }
  } catch (const nlohmann::json::exception& e) {
    throw FileError(references + ": " + e.what());
  }
  for (Comparison& c : comparisons) {
    const memory::DramDevice device = memory::ReadDramDevice(devices + "/" + c.device + ".json");
    memory::Dram dram(device, 1, NamedMapping(c.mapping, device), 1);
    c.ours = memory::RunRequests(dram, Pattern(c.pattern, device), IsSerial(c.pattern) ? 1 : 0);
    Judge(c, device);
  }
  return comparisons;
}

std::string Markdown(const std::vector<Comparison>& comparisons) {
  std::string text =
      "| device | map | pattern | cycles | DRAMsim3 | Ramulator 2.1 | DRAMSys 5.1 | off | asked "
      "for "
      "| ACT | off | REF | off |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n";
  for (const Comparison& c : comparisons) {
    const bool serial = IsSerial(c.pattern);
    text += fmt::format("| {} | {} | {} | {} ", c.device, c.mapping, c.pattern,
                        serial ? fmt::format("{:.1f} a read", c.ours.latency.mean())
                               : std::to_string(c.ours.cycles));
    for (const char* simulator : {"DRAMsim3", "Ramulator", "DRAMSys"}) {
      const auto r = std::find_if(c.references.begin(), c.references.end(),
                                  [&](const Reference& r) { return r.simulator == simulator; });
      const bool known = r != c.references.end() && (!serial || r->latency > 0);
      text += known ? fmt::format("| {:+.1f} % ", 100 * (Quantity(c) / Quantity(c, *r) - 1)) : "| ";
    }
    const memory::DramCounters& n = c.ours.counters;
    text += fmt::format(
        "| {:+.2f} % | {:.0f} %{} | {} | {:+.1f} %{} | {} | {:+.1f} % |\n", 100 * c.off,
        100 * c.bound, std::abs(c.off) <= c.bound ? "" : ", **missed**", n.activates,
        100 * c.activates_off, std::abs(c.activates_off) <= kActivatesBound ? "" : ", **missed**",
        n.refreshes, 100 * c.refreshes_off);
  }
  return text;
}

}  // namespace nibble::requests
