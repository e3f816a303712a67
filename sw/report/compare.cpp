#include "sw/report/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "sw/report/table.h"

namespace nibble::report {

namespace {

// Sums by name, in order of first appearance, of two runs.
class Sums {
 public:
  void Add(const std::string& name, double a, double b) {
    for (Change& c : changes_) {
      if (c.name != name) continue;
      c.a += a;
      c.b += b;
      return;
    }
    changes_.push_back({name, a, b});
  }
  void Add(const Figures& figures, const std::string& prefix, bool of_b) {
    for (const auto& [name, value] : figures) {
      Add(prefix + name, of_b ? 0 : value, of_b ? value : 0);
    }
  }
  // Those that changed, the largest change first.
  std::vector<Change> Largest() const {
    std::vector<Change> changes;
    for (const Change& c : changes_) {
      if (c.a != c.b) changes.push_back(c);
    }
    std::stable_sort(changes.begin(), changes.end(), [](const Change& x, const Change& y) {
      return std::abs(x.delta()) > std::abs(y.delta());
    });
    return changes;
  }

 private:
  std::vector<Change> changes_;
};

void AddCycles(Sums& sums, const RunLayer& layer, bool of_b) {
  double rest = layer.cycles - layer.busy_cycles;
  for (const auto& [cause, cycles] : layer.stall_cycles) rest -= cycles;
  Figures parts = {{"busy", layer.busy_cycles}};
  for (const auto& [cause, cycles] : layer.stall_cycles)
    parts.emplace_back("stall." + cause, cycles);
  parts.emplace_back("overlap", rest);
  sums.Add(parts, "", of_b);
}

void SortLayers(std::vector<LayerChange>& layers) {
  std::stable_sort(layers.begin(), layers.end(), [](const LayerChange& x, const LayerChange& y) {
    return std::abs(x.whole.delta()) > std::abs(y.whole.delta());
  });
}

std::vector<Comparison::Parameter> ParametersThatDiffer(const RunFile& a, const RunFile& b) {
  std::vector<Comparison::Parameter> differ;
  const auto value = [](const RunFile& run, const std::string& name) -> std::string {
    for (const RunParameter& p : run.parameters) {
      if (p.name == name) return p.value;
    }
    return "";
  };
  for (const RunParameter& p : a.parameters) {
    const std::string other = value(b, p.name);
    if (other != p.value) differ.push_back({p.name, p.value, other});
  }
  for (const RunParameter& p : b.parameters) {
    if (value(a, p.name).empty() && !p.value.empty()) differ.push_back({p.name, "", p.value});
  }
  return differ;
}

std::string Number(double value, const std::string& unit) {
  return unit.empty() ? Compact(value) : WithUnit(value, unit);
}

std::string Signed(double value, const std::string& unit) {
  return (value < 0 ? "-" : "+") + Number(std::abs(value), unit);
}

std::string SignedPercent(const Change& c) {
  if (c.a == 0) return "new";
  return fmt::format("{:+.1f}", 100 * c.delta() / c.a);
}

// "dram.core +12 uJ, tensor -3 uJ"
std::string LargestParts(const std::vector<Change>& parts, const std::string& unit) {
  std::string text;
  for (size_t i = 0; i < parts.size() && i < 2; ++i) {
    text += (i == 0 ? "" : ", ") + parts[i].name + ' ' + Signed(parts[i].delta(), unit);
  }
  return text;
}

Table ChangeTable(const std::string& what) {
  Table table;
  table.AddColumn(what, "", Table::Align::kLeft);
  for (const char* heading : {"a", "b", "change"}) table.AddColumn(heading, "");
  table.AddColumn("change", "%");
  return table;
}

std::vector<std::string> Cells(const Change& c, const std::string& unit) {
  return {c.name, Number(c.a, unit), Number(c.b, unit), Signed(c.delta(), unit), SignedPercent(c)};
}

// pJ are printed as J with a prefix.
Change InJoules(Change c) {
  c.a *= 1e-12;
  c.b *= 1e-12;
  return c;
}

std::string Rest(size_t shown, size_t all) {
  return shown < all ? fmt::format("  and {} more (--top 0 shows all)\n", all - shown) : "";
}

std::string Totals(const RunFile& a, const RunFile& b) {
  struct Total {
    const char* key;
    const char* name;
    const char* unit;
    double scale;
  };
  static const Total kTotals[] = {{"latency_ns", "latency", "s", 1e-9},
                                  {"cycles", "cycles", "", 1},
                                  {"energy_pj", "energy", "J", 1e-12},
                                  {"macs", "MACs", "", 1},
                                  {"dram_read_bytes", "DRAM read", "B", 1},
                                  {"dram_write_bytes", "DRAM written", "B", 1},
                                  {"area_mm2", "area, known blocks, mm2", "", 1},
                                  {"quality.sqnr_db", "SQNR, dB", "", 1},
                                  {"quality.top1_images", "top-1 images", "", 1},
                                  {"quality.top1_agree_images", "images that agree", "", 1}};
  Table table = ChangeTable("totals");
  bool any = false;
  for (const Total& t : kTotals) {
    const Change c{t.name, FigureOf(a.totals, t.key) * t.scale,
                   FigureOf(b.totals, t.key) * t.scale};
    if (c.a == c.b) continue;
    table.AddRow(Cells(c, t.unit));
    any = true;
  }
  return any ? table.Render(0) : "No total differs.\n";
}

std::string Changes(const std::string& title, const std::vector<Change>& changes,
                    const std::string& unit) {
  if (changes.empty()) return "";
  Table table = ChangeTable(title);
  for (const Change& c : changes) table.AddRow(Cells(unit == "J" ? InJoules(c) : c, unit));
  return '\n' + table.Render(0);
}

std::string Layers(const std::string& title, const std::vector<LayerChange>& layers,
                   const std::string& unit, size_t most) {
  if (layers.empty()) return "";
  const bool joules = unit == "J";
  Table table = ChangeTable(title);
  table.AddColumn("mostly", "", Table::Align::kLeft);
  const size_t shown = most == 0 ? layers.size() : std::min(most, layers.size());
  for (size_t i = 0; i < shown; ++i) {
    std::vector<Change> parts = layers[i].parts;
    if (joules) std::transform(parts.begin(), parts.end(), parts.begin(), InJoules);
    std::vector<std::string> cells =
        Cells(joules ? InJoules(layers[i].whole) : layers[i].whole, unit);
    cells.push_back(LargestParts(parts, unit));
    table.AddRow(std::move(cells));
  }
  return '\n' + table.Render(0) + Rest(shown, layers.size());
}

std::string Names(const std::string& intro, const std::vector<std::string>& names) {
  if (names.empty()) return "";
  std::string text = '\n' + intro;
  for (size_t i = 0; i < names.size(); ++i) text += (i == 0 ? " " : ", ") + names[i];
  return text + '\n';
}

std::string Heading(const char* letter, const RunFile& run) {
  return fmt::format("{}  {}: {} on {}{}\n", letter, run.path, run.trace_name, run.platform,
                     run.timing_only ? ", timing only" : "");
}

}  // namespace

Comparison Compare(const RunFile& a, const RunFile& b) {
  Comparison c;
  c.parameters = ParametersThatDiffer(a, b);
  std::map<std::string, const RunLayer*> of_b;
  for (const RunLayer& layer : b.layers) of_b[layer.name] = &layer;
  Sums energy, cycles;
  for (const RunLayer& layer : a.layers) {
    energy.Add(layer.energy_pj, "", false);
    AddCycles(cycles, layer, false);
    const auto partner = of_b.find(layer.name);
    if (partner == of_b.end()) {
      c.only_a.push_back(layer.name);
      continue;
    }
    const RunLayer& other = *partner->second;
    of_b.erase(partner);
    Sums layer_energy, layer_cycles;
    layer_energy.Add(layer.energy_pj, "", false);
    layer_energy.Add(other.energy_pj, "", true);
    AddCycles(layer_cycles, layer, false);
    AddCycles(layer_cycles, other, true);
    LayerChange e{{layer.name, layer.total_energy_pj(), other.total_energy_pj()},
                  layer_energy.Largest()};
    LayerChange t{{layer.name, layer.cycles, other.cycles}, layer_cycles.Largest()};
    if (!e.parts.empty()) c.layer_energy.push_back(std::move(e));
    if (!t.parts.empty()) c.layer_cycles.push_back(std::move(t));
  }
  for (const RunLayer& layer : b.layers) {
    energy.Add(layer.energy_pj, "", true);
    AddCycles(cycles, layer, true);
    if (of_b.count(layer.name) != 0) c.only_b.push_back(layer.name);
  }
  c.energy = energy.Largest();
  c.cycles = cycles.Largest();
  SortLayers(c.layer_energy);
  SortLayers(c.layer_cycles);
  return c;
}

std::string ToText(const Comparison& c, const RunFile& a, const RunFile& b, size_t most) {
  std::string text = Heading("a", a) + Heading("b", b) + '\n';
  if (a.trace_hash != b.trace_hash) text += "The networks differ.\n\n";
  if (a.version != b.version) {
    text += fmt::format("Versions differ: {} and {}.\n\n", a.version, b.version);
  }
  if (c.parameters.empty()) {
    text += "No parameter differs.\n\n";
  } else {
    Table table;
    for (const char* heading : {"parameter", "a", "b"}) {
      table.AddColumn(heading, "", Table::Align::kLeft);
    }
    for (const Comparison::Parameter& p : c.parameters) {
      table.AddRow({p.name, p.a.empty() ? "-" : p.a, p.b.empty() ? "-" : p.b});
    }
    text += table.Render(0) + '\n';
  }
  text += Totals(a, b);
  text += Changes("energy by component", c.energy, "J");
  text += Changes("cycles by cause", c.cycles, "");
  text += Layers("energy by layer", c.layer_energy, "J", most);
  text += Layers("cycles by layer", c.layer_cycles, "", most);
  text += Names("Layers of a alone:", c.only_a);
  text += Names("Layers of b alone:", c.only_b);
  return text;
}

}  // namespace nibble::report
