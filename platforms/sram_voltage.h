// What a lower supply voltage does to a scratchpad: platforms/sram/voltage.json.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace nibble::platforms {

class SramVoltage {
 public:
  SramVoltage();  // throws ParameterError when the file is wrong

  // V: the supply of the CACTI rows of a node ("22") and cell ("itrs-lstp").
  double Nominal(const std::string& node, const std::string& cell) const;

  // Share of bit cells that do not hold at `ratio` = voltage / nominal. Between the measured
  // voltages its logarithm is linear; above the highest with a fault it is 0.
  double ErrorRate(double ratio) const;
  double lowest_ratio() const { return rates_.front().first; }  // below, the memory stops

  const std::string& nominal_source() const { return nominal_source_; }
  const std::string& rate_source() const { return rate_source_; }
  const std::string& leakage_source() const { return leakage_source_; }

 private:
  std::map<std::pair<std::string, std::string>, double> nominal_;
  std::vector<std::pair<double, double>> rates_;  // (ratio, rate), ascending in ratio
  std::string nominal_source_, rate_source_, leakage_source_;
};

}  // namespace nibble::platforms
