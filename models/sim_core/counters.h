// Counters: plain uint64_t members of a struct, one row of that struct per layer, registered once
// by reference.
//
// Engines work on different layers at the same time, so a module adds each event to the row of the
// layer whose command caused it, instead of snapshotting at a layer boundary: rows are exact and
// sum to the totals.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace nibble::sim {

struct CounterInfo {
  std::string component;      // "tensor", "sram.act", "dram", ...
  std::string name;           // "busy_cycles"
  std::string unit;           // "cycles", "bytes", "1" ...
  std::string meaning;        // one line
  bool costs_energy = false;  // the energy model must know a sourced value for it, or refuse to run
  std::string key() const { return component + "." + name; }
};

template <class C>
struct CounterField {
  const char* name;
  const char* unit;
  const char* meaning;
  uint64_t C::*member;
  bool costs_energy = false;
};

// All counters of a machine. Rows must outlive the registry.
class CounterRegistry {
 public:
  template <class C>
  void Register(const std::string& component, const std::vector<C>& rows,
                std::initializer_list<CounterField<C>> fields) {
    for (const auto& f : fields) {
      columns_.push_back({{component, f.name, f.unit, f.meaning, f.costs_energy},
                          [&rows, m = f.member](size_t layer) { return rows[layer].*m; }});
    }
  }
  // A counter that is no member of a row struct.
  void RegisterColumn(CounterInfo info, std::function<uint64_t(size_t layer)> read) {
    columns_.push_back({std::move(info), std::move(read)});
  }
  struct Column {
    CounterInfo info;
    std::function<uint64_t(size_t layer)> read;
  };
  const std::vector<Column>& columns() const { return columns_; }

 private:
  std::vector<Column> columns_;
};

// What a run counted: values[layer][counter].
struct RunStats {
  std::vector<CounterInfo> counters;
  std::vector<std::vector<uint64_t>> values;
  std::vector<uint64_t>
      layer_cycles;     // from the end of the layer before to the end of this one; sums to cycles
  uint64_t cycles = 0;  // machine clock cycles from start to the last command's end

  // Index of counter "component.name"; throws std::out_of_range that names it.
  size_t Index(const std::string& key) const;
  bool Has(const std::string& key) const;
  uint64_t Value(size_t layer, const std::string& key) const { return values[layer][Index(key)]; }
  uint64_t Total(const std::string& key) const;
};

}  // namespace nibble::sim
