// What a run says: one data model, printed as text, JSON or CSV.
//
// All numbers come from the run's counters, the program's layer table and the energy table; nothing
// is estimated here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/accel/datapath_size.h"
#include "models/sim_core/counters.h"
#include "models/sim_core/program.h"
#include "platforms/area_model.h"
#include "platforms/control_processor.h"
#include "platforms/design_point.h"
#include "platforms/energy_model.h"
#include "sw/report/quality.h"
#include "sw/trace/network.h"

namespace nibble::report {

// Cycles by cause ("load", "vector", "sram", ...): the counters COMPONENT.stall_CAUSE_cycles that a
// machine has.
using Stalls = std::map<std::string, uint64_t>;

struct LayerRow {
  std::string name, op, source, shape;
  std::string engine;   // what computes the layer: "tensor", "bank" or "vector"
  uint64_t macs = 0;    // analytic
  uint64_t cycles = 0;  // from the end of the layer before to the end of this one
  // macs / (cycles * the engine's peak MACs a cycle); 0 without MACs. A layer can end sooner after
  // the one before than its engine worked on it, for engines run ahead: then the engine's busy
  // cycles are what counts.
  double utilisation = 0;
  // Cycles that `engine` worked on the layer at full speed; those lost to SRAM bandwidth are a
  // stall.
  uint64_t busy_cycles = 0;
  // Cycles of the layer, the one before being complete, that `engine` waited.
  Stalls stalls;
  uint64_t dram_read_bytes = 0, dram_write_bytes = 0;
  uint64_t compulsory_bytes = 0;                            // DRAM bytes that no schedule avoids
  std::vector<uint64_t> sram_read_bytes, sram_write_bytes;  // as Report::sram_buffers
  std::vector<double> energy_pj;                            // as Report::energy_components
  std::vector<uint64_t> counters;                           // as Report::counters

  uint64_t stall_cycles() const;
  double total_energy_pj() const;
};

// How one engine spends the run; the rest of the run's cycles it is idle (no command to start).
struct EngineTime {
  std::string engine;
  uint64_t busy_cycles = 0;
  Stalls stalls;
  uint64_t idle_cycles = 0;
};

// How firmware drove the machine.
struct FirmwareRun {
  std::string firmware, wait;  // "native" or a file; "interrupt" or "poll"
  uint64_t inferences = 1;     // of each network
  uint64_t register_accesses = 0;
  uint64_t machine_cycles = 0;  // from power-on to the firmware's end, of all inferences
  // Of the core that it ran on, from power-on to its end; not part of Totals.
  uint32_t core_mhz = 0;
  std::optional<platforms::CoreOutcome> core;
};

struct Totals {
  uint64_t macs = 0, cycles = 0;
  uint64_t overflows = 0;  // accumulations whose result did not fit the accumulator
  uint64_t zero_products = 0, zero_blocks = 0, block_terms = 0;  // 0 where Report::zeros is empty
  double latency_ns = 0;
  double inferences_per_s = 0;
  double tops = 0;        // effective: 2 operations a MAC over the latency, 10^12 / s
  double tops_per_w = 0;  // 2 operations a MAC over the energy
  double energy_pj = 0;   // of one inference
  double utilisation =
      0;  // macs / sum over layers of (cycles * peak MACs a cycle of the layer's engine)
  double bits_per_activation = 0;  // stored, scales included; the FP32 network output left out
  double bits_per_weight = 0;      // stored, scales included
  uint64_t dram_read_bytes = 0, dram_write_bytes = 0, compulsory_bytes = 0;
  uint64_t dram_used_bytes = 0;
  std::vector<uint64_t> sram_used_bytes, sram_size_bytes;  // as Report::sram_buffers
  double sram_area_mm2 = 0;
  // Bits and words that scratchpads did not hold, of all scratchpads.
  uint64_t fault_bits = 0, corrected_words = 0, detected_words = 0, silent_words = 0;
};

// A scratchpad as a memory: what it is built of.
struct SramRow {
  std::string buffer;  // as Report::sram_buffers
  double vdd = 0;      // V
  double error_rate = 0;
  uint32_t latency_cycles = 0;
  double area_mm2 = 0;
  double leakage_mw = 0;
  std::string area_source, error_source;
};

// Layers whose weights the trace has as codes, quantised elsewhere.
struct ImportedWeights {
  size_t layers = 0;
  size_t as_they_are =
      0;  // the datapath takes the codes; the rest is requantised from their values
};

struct EngineSize {
  std::string engine;
  accel::DatapathSize size;
};

// What the machine can do at most, per machine cycle: the roofs of a roofline. 0: it has no such
// engine.
struct Peaks {
  double tensor_macs = 0, bank_macs = 0;
  double dram_bytes = 0;  // over the pins of all channels
  double near_bytes = 0;  // from the banks to the units beside them, all channels
  uint32_t dram_burst_bytes = 0;
};

struct Report {
  std::string version;  // of the tool
  std::string trace_file, trace_name, trace_hash, producer, calibration;
  std::string platform, design_line, datapath;
  bool timing_only = false;
  // Where zeros come from that energy depends on: "counted" in the bits, "expected" from the shares
  // that the trace records, or empty where the design asks for none.
  std::string zeros;
  uint32_t clock_mhz = 0;
  std::vector<platforms::Parameter> parameters;
  std::vector<sim::CounterInfo> counters;
  std::vector<std::string> sram_buffers;  // "act", "weight", "acc", "out"
  std::vector<std::string> energy_components;
  std::vector<platforms::EnergyTerm> energy_terms;
  std::vector<LayerRow> layers;
  std::vector<EngineTime> engines;
  std::vector<EngineSize> datapath_sizes;  // of the engines with dot-product units
  std::vector<SramRow> srams;
  Peaks peaks;
  platforms::Area area;
  Totals totals;
  std::optional<ImportedWeights> imported_weights;  // where the trace has some
  std::optional<Quality> quality;
  std::optional<size_t>
      verified_tensors;  // equal to golden's bit for bit, over all images (--verify)
  std::optional<FirmwareRun> firmware;
};

// What BuildReport cannot find in the machine's own structures.
struct RunIdentity {
  std::string version, trace_file, trace_hash;
  bool timing_only = false;
};

// Throws std::out_of_range naming the counter when `stats` lacks one that every machine has (DRAM
// and SRAM bytes).
Report BuildReport(const RunIdentity& identity, const trace::Network& net,
                   const platforms::DesignPoint& design, const sim::Program& program,
                   const sim::RunStats& stats, const platforms::EnergyModel& energy);

// Most MACs that `engine` ("tensor" or "bank") can do in a machine cycle.
double PeakMacsPerCycle(const platforms::DesignPoint& design, const std::string& engine);

struct TextStyle {
  bool wide = false;    // every column, however wide; otherwise 120 columns
  bool colour = false;  // ANSI colours
};
std::string ToText(const Report& report, const TextStyle& style);
// How firmware drove the machine, as ToText ends.
std::string FirmwareText(const FirmwareRun& firmware);
std::string ToJson(const Report& report);  // schema "nibble.run/1", described in docs/results.md
// Of several networks in one machine: schema "nibble.runs/1".
std::string ToJson(const std::vector<Report>& reports, const std::optional<FirmwareRun>& firmware);
// `totals` and, where the report has it, `quality` of ToJson, in one line.
std::string TotalsToJson(const Report& report);
std::string ToCsv(const Report& report);  // one line of headings, one line per layer

}  // namespace nibble::report
