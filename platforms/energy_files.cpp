// The data files behind the energy model: presets of arithmetic and the table of scratchpads.
#include "platforms/energy_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "platforms/params/schema.h"
#include "platforms/params/value.h"

namespace nibble::platforms {

using nlohmann::json;

namespace {

std::string PathOf(const std::string& preset) {
  return DataFolder() + "/platforms/energy/" + preset + ".json";
}

json Load(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw ParameterError(path + ": cannot open");
  try {
    return json::parse(file);
  } catch (const json::parse_error& e) {
    throw ParameterError(path + ": not JSON: " + e.what());
  }
}

std::vector<std::string> Presets() {
  std::vector<std::string> names = DataFileNames("platforms/energy", ".json");
  names.erase(std::remove(names.begin(), names.end(), "cacti"), names.end());
  return names;
}

json LoadPreset(const std::string& preset) {
  if (!HasEnergyPreset(preset)) {
    throw ParameterError("energy.preset = \"" + preset + "\": unknown name; expected " +
                         Join(Presets(), " | "));
  }
  return Load(PathOf(preset));
}

SourcedValue Value(const json& file, const std::string& preset, const char* field,
                   const char* unit) {
  const std::string where = PathOf(preset) + ": " + field + ": ";
  const auto entry = file.find(field);
  if (entry == file.end()) {
    throw ParameterError("energy.preset = \"" + preset + "\" lacks a value: " + where + "missing");
  }
  const auto text = [&entry](const char* part) {
    return entry->is_object() && entry->contains(part) && (*entry)[part].is_string();
  };
  if (!text("unit") || !text("source") || !entry->contains("value") ||
      !(*entry)["value"].is_number() || (*entry)["unit"] != unit) {
    throw ParameterError(where + "expected {value, unit \"" + unit + "\", source}");
  }
  return {(*entry)["value"].get<double>(), (*entry)["source"].get<std::string>()};
}

}  // namespace

bool HasEnergyPreset(const std::string& preset) {
  const std::vector<std::string> names = Presets();
  return std::find(names.begin(), names.end(), preset) != names.end();
}

std::string SramNodeOfPreset(const std::string& preset) {
  return fmt::format("{:g}", Value(LoadPreset(preset), preset, "sram_node", "nm").value);
}

ArithmeticPrices ReadArithmeticPrices(const std::string& preset) {
  const json file = LoadPreset(preset);
  ArithmeticPrices p;
  p.int8_add = Value(file, preset, "int8_add", "pJ");
  p.int32_add = Value(file, preset, "int32_add", "pJ");
  p.fp32_add = Value(file, preset, "fp32_add", "pJ");
  if (file.contains("fp16_add")) p.fp16_add = Value(file, preset, "fp16_add", "pJ");
  if (file.contains("bf16_add")) p.bf16_add = Value(file, preset, "bf16_add", "pJ");
  p.int8_mul = Value(file, preset, "int8_mul", "pJ");
  p.fp32_mul = Value(file, preset, "fp32_mul", "pJ");
  return p;
}

SramTable::SramTable() {
  const std::string path = PathOf("cacti");
  const json file = Load(path);
  try {
    source_ = file.at("tool").get<std::string>();
    for (const json& r : file.at("rows")) {
      rows_.push_back(
          {std::to_string(r.at("node_nm").get<uint32_t>()),
           r.at("cell").get<std::string>(),
           r.at("port_bits").get<uint32_t>(),
           r.at("size_bytes").get<uint32_t>(),
           {r.at("read_pJ_per_access").get<double>(), r.at("write_pJ_per_access").get<double>(),
            r.at("leakage_mW").get<double>() + r.at("gate_leakage_mW").get<double>(),
            r.at("area_mm2").get<double>(), r.at("access_time_ns").get<double>()}});
    }
  } catch (const json::exception& e) {
    throw ParameterError(path + ": " + e.what());
  }
  std::stable_sort(rows_.begin(), rows_.end(),
                   [](const Row& a, const Row& b) { return a.bytes < b.bytes; });
}

namespace {

// Every value of two prices combined: between(a's, b's).
template <class Function>
SramPrice Combine(const SramPrice& a, const SramPrice& b, Function between) {
  return {between(a.read_pj, b.read_pj), between(a.write_pj, b.write_pj),
          between(a.leakage_mw, b.leakage_mw), between(a.area_mm2, b.area_mm2),
          between(a.access_ns, b.access_ns)};
}

}  // namespace

SramPrice SramTable::Price(const std::string& node, const std::string& cell, uint32_t port_bits,
                           uint32_t bank_bytes, const std::string& keys, bool extrapolate) const {
  std::vector<const Row*> rows;  // of the memory asked for, ascending in size
  for (const Row& r : rows_) {
    if (r.node == node && r.cell == cell && r.port_bits == port_bits) rows.push_back(&r);
  }
  if (rows.size() < 2) {
    std::set<std::string> row_sets;
    for (const Row& r : rows_) {
      row_sets.insert(fmt::format("{} nm {} {} bits", r.node, r.cell, r.port_bits));
    }
    throw ParameterError(
        fmt::format("{}: the energy table has no rows for {} nm {} {} bits; it has {}", keys, node,
                    cell, port_bits, Join({row_sets.begin(), row_sets.end()}, ", ")));
  }
  const Row& first = *rows.front();
  const Row& last = *rows.back();
  const bool outside = bank_bytes < first.bytes || bank_bytes > last.bytes;
  if (outside && !extrapolate) {
    throw ParameterError(fmt::format("{}: a bank of {} is outside the energy table, {}..{} a bank",
                                     keys, FormatSize(bank_bytes), FormatSize(first.bytes),
                                     FormatSize(last.bytes)));
  }
  // The rows on both sides; outside, the two nearest.
  size_t above = 1;
  while (above + 1 < rows.size() && rows[above]->bytes < bank_bytes) ++above;
  const Row& low = *rows[above - 1];
  const Row& high = *rows[above];
  if (bank_bytes == low.bytes) return low.price;
  if (bank_bytes == high.bytes) return high.price;
  const double t = std::log2(static_cast<double>(bank_bytes) / low.bytes) /
                   std::log2(static_cast<double>(high.bytes) / low.bytes);
  if (outside) {
    return Combine(low.price, high.price,
                   [t](double a, double b) { return a * std::pow(b / a, t); });
  }
  return Combine(low.price, high.price, [t](double a, double b) { return a + t * (b - a); });
}

}  // namespace nibble::platforms
