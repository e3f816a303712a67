// What the tables say of a design's scratchpads: energy, leakage, area, access time, bit errors.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "platforms/design_point.h"
#include "platforms/energy_files.h"
#include "platforms/sram_voltage.h"

namespace nibble::platforms {

// One scratchpad, all banks. Voltage, ports and check bits are in the figures.
struct SramFigures {
  double read_pj = 0, write_pj = 0;              // one access of one bank, its port's width
  double check_read_pj = 0, check_write_pj = 0;  // one check bit, coding included
  double leakage_mw = 0;
  double area_mm2 = 0;
  double access_ns = 0;
  std::string source, check_source, leakage_source, area_source, error_source;
};

class SramModel {
 public:
  SramModel() = default;  // reads the tables; throws ParameterError when one is wrong

  // `name`: "act", "weight", "acc" or "out". Throws ParameterError naming the parameters when the
  // table has no such memory.
  SramFigures FiguresOf(const DesignPoint& design, const std::string& name,
                        const memory::SramConfig& sram) const;

  // Fills in what the parameters leave to the tables: latency, voltage, bit error rate. Throws
  // ParameterError naming a voltage out of range.
  void Resolve(DesignPoint& design) const;

  const SramTable& table() const { return table_; }

 private:
  SramPrice BankPrice(const DesignPoint& design, const std::string& name,
                      const memory::SramConfig& sram) const;

  SramTable table_;
  SramVoltage voltage_;
};

// The scratchpads of a design by name.
std::vector<std::pair<std::string, const memory::SramConfig*>> SramsOf(const DesignPoint& design);

}  // namespace nibble::platforms
