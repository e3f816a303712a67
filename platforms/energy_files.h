// The data files behind the energy model: presets of arithmetic and the table of scratchpads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace nibble::platforms {

// Files of platforms/energy other than the table of scratchpads.
bool HasEnergyPreset(const std::string& preset);
// nm: the node of the scratchpads that goes with the preset's arithmetic. Throws ParameterError.
std::string SramNodeOfPreset(const std::string& preset);

struct SourcedValue {
  double value = 0;
  std::string source;
};

// pJ of one operation.
struct ArithmeticPrices {
  SourcedValue int8_add, int32_add, fp32_add, int8_mul, fp32_mul;
  std::optional<SourcedValue> fp16_add, bf16_add;  // where the source has them
};
// Throws ParameterError when the preset is unknown or lacks a value.
ArithmeticPrices ReadArithmeticPrices(const std::string& preset);

// One scratchpad bank.
struct SramPrice {
  double read_pj = 0, write_pj = 0;  // one access of the port's width
  double leakage_mw = 0;             // sub-threshold and gate
  double area_mm2 = 0;
  double access_ns = 0;  // from an address to its data
};

// The CACTI table, platforms/energy/cacti.json. Between its rows values are linear in log2(size).
// Beyond them, where asked for, they go on as the power of the size that the last two rows make.
class SramTable {
 public:
  SramTable();  // throws ParameterError when the file is wrong
  // Throws ParameterError that starts with `keys` and names what the table has, unless
  // `extrapolate` for a size beyond it.
  SramPrice Price(const std::string& node, const std::string& cell, uint32_t port_bits,
                  uint32_t bank_bytes, const std::string& keys, bool extrapolate = false) const;
  const std::string& source() const { return source_; }

 private:
  struct Row {
    std::string node, cell;
    uint32_t port_bits = 0, bytes = 0;
    SramPrice price;
  };
  std::vector<Row> rows_;  // ascending in size
  std::string source_;
};

}  // namespace nibble::platforms
