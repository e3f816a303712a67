// A run as `--json` wrote it (schema nibble.run/1, docs/results.md), read back for comparisons and
// pictures.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace nibble::report {

// A file that is no run of this schema. what() is one line: the file, what is wrong, what was
// expected.
class RunFileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Figures by name, in the order of the file.
using Figures = std::vector<std::pair<std::string, double>>;
double FigureOf(const Figures& figures, const std::string& name);  // 0 where there is none

struct RunLayer {
  std::string name, op, shape, engine;
  double macs = 0, cycles = 0, busy_cycles = 0;
  Figures stall_cycles;  // by cause
  Figures energy_pj;     // by component
  double dram_read_bytes = 0, dram_write_bytes = 0, compulsory_bytes = 0;
  Figures sram_read_bytes, sram_write_bytes;  // by scratchpad
  double near_bytes = 0;                      // column reads that stay in the DRAM die

  double total_energy_pj() const;
};

struct RunParameter {
  std::string name, value, unit;
  bool is_default = true;
};

// Machine limits, per machine cycle (docs/results.md, `peaks`); 0 where the machine has no such.
struct RunPeaks {
  double tensor_macs = 0, bank_macs = 0, dram_bytes = 0, near_bytes = 0;
};

struct RunArea {
  std::string name;
  std::optional<double> mm2;  // none: unknown
  double low_mm2 = 0, high_mm2 = 0;
  std::string source;
};

struct RunFile {
  std::string path;
  std::string version, platform, design, datapath;
  std::string trace_file, trace_name, trace_hash;
  bool timing_only = false;
  double clock_mhz = 0;
  RunPeaks peaks;
  std::vector<RunParameter> parameters;
  Figures totals;  // numbers of `totals` and `quality`, those within others as NAME.PART
  std::vector<RunLayer> layers;
  double node_nm = 0;
  std::vector<RunArea> area;
};

// Of the text of a file; `path` is for messages. Throws RunFileError.
RunFile ParseRun(const std::string& text, const std::string& path);
RunFile ReadRun(const std::string& path);

}  // namespace nibble::report
