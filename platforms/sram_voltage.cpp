#include "platforms/sram_voltage.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "platforms/params/schema.h"

namespace nibble::platforms {

using nlohmann::json;

SramVoltage::SramVoltage() {
  const std::string path = DataFolder() + "/platforms/sram/voltage.json";
  std::ifstream stream(path);
  if (!stream) throw ParameterError(path + ": cannot open");
  try {
    const json file = json::parse(stream);
    for (const auto& [node, cells] : file.at("nominal").items()) {
      if (!cells.is_object()) continue;  // a note
      for (const auto& [cell, vdd] : cells.items()) nominal_[{node, cell}] = vdd.get<double>();
    }
    const json& measured = file.at("error_rate");
    const double bits = measured.at("bits").get<double>();
    for (const json& row : measured.at("rows")) {
      rates_.emplace_back(row.at("ratio").get<double>(),
                          row.at("faulty_bits").get<double>() / bits);
    }
    nominal_source_ = file.at("nominal").at("source").get<std::string>();
    rate_source_ = measured.at("source").get<std::string>();
    leakage_source_ = file.at("leakage").at("source").get<std::string>();
  } catch (const json::exception& error) {
    throw ParameterError(path + ": " + error.what());
  }
  std::sort(rates_.begin(), rates_.end());
  if (rates_.empty()) throw ParameterError(path + ": no rows of error rates");
}

double SramVoltage::Nominal(const std::string& node, const std::string& cell) const {
  const auto found = nominal_.find({node, cell});
  if (found == nominal_.end()) {
    throw ParameterError("platforms/sram/voltage.json: no nominal voltage of " + node + " nm " +
                         cell);
  }
  return found->second;
}

double SramVoltage::ErrorRate(double ratio) const {
  const auto above = std::lower_bound(rates_.begin(), rates_.end(), std::pair(ratio, 0.0));
  if (above == rates_.end()) return 0;
  if (above == rates_.begin() || above->first == ratio) return above->second;
  // Bisection: the rate half way between two voltages is the geometric mean of theirs. Square roots
  // are the same on every machine, which exponentials are not.
  auto [low, low_rate] = *(above - 1);
  auto [high, high_rate] = *above;
  for (int step = 0; step < 40; ++step) {
    const double middle = 0.5 * (low + high), rate = std::sqrt(low_rate * high_rate);
    if (ratio < middle) {
      high = middle;
      high_rate = rate;
    } else {
      low = middle;
      low_rate = rate;
    }
  }
  return low_rate;
}

}  // namespace nibble::platforms
