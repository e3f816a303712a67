#include <fmt/format.h>

#include <set>

#include "sw/report/report.h"
#include "sw/report/table.h"

namespace nibble::report {

std::string ToCsv(const Report& report) {
  std::set<std::string> causes;
  for (const LayerRow& row : report.layers) {
    for (const auto& [cause, cycles] : row.stalls) causes.insert(cause);
  }
  std::string csv = "layer,op,source,shape,engine,macs,cycles,utilisation,busy_cycles";
  for (const std::string& cause : causes) csv += fmt::format(",stall_{}_cycles", cause);
  csv += ",dram_read_bytes,dram_write_bytes,dram_compulsory_bytes";
  for (const std::string& buffer : report.sram_buffers) {
    csv += fmt::format(",sram_{0}_read_bytes,sram_{0}_write_bytes", buffer);
  }
  csv += ",energy_pj";
  for (const std::string& component : report.energy_components)
    csv += "," + CsvField("energy_" + component + "_pj");
  csv += '\n';
  for (const LayerRow& row : report.layers) {
    csv += fmt::format("{},{},{},{},{},{},{},{},{}", CsvField(row.name), CsvField(row.op),
                       CsvField(row.source), CsvField(row.shape), row.engine, row.macs, row.cycles,
                       row.utilisation, row.busy_cycles);
    for (const std::string& cause : causes) {
      const auto found = row.stalls.find(cause);
      csv += fmt::format(",{}", found == row.stalls.end() ? 0 : found->second);
    }
    csv +=
        fmt::format(",{},{},{}", row.dram_read_bytes, row.dram_write_bytes, row.compulsory_bytes);
    for (size_t b = 0; b < report.sram_buffers.size(); ++b) {
      csv += fmt::format(",{},{}", row.sram_read_bytes[b], row.sram_write_bytes[b]);
    }
    csv += fmt::format(",{}", row.total_energy_pj());
    for (double pj : row.energy_pj) csv += fmt::format(",{}", pj);
    csv += '\n';
  }
  return csv;
}

}  // namespace nibble::report
