#include "platforms/params/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "platforms/params/value.h"

namespace nibble::platforms {
namespace {

using Names = std::vector<std::string>;

// Builds entries; `At` of each is a lambda from DesignPoint& to the member that the parameter sets.
class Builder {
 public:
  template <class At>
  void Whole(const char* name, const char* unit, uint32_t lo, uint32_t hi, uint32_t def,
             const char* meaning, At at) {
    Add(name, "integer", unit, fmt::format("{}..{}", lo, hi), std::to_string(def), meaning,
        [lo, hi, at](const std::string& text, DesignPoint& d) {
          at(d) = ParseWhole(text, lo, hi);
          return std::to_string(at(d));
        });
  }

  // A whole number of a short list.
  template <class At>
  void OneOf(const char* name, const char* unit, std::vector<uint32_t> allowed, uint32_t def,
             const char* meaning, At at) {
    Names names;
    for (const uint32_t a : allowed) names.push_back(std::to_string(a));
    const std::string range = Join(names, " | ");
    Add(name, "integer", unit, range, std::to_string(def), meaning,
        [allowed = std::move(allowed), at](const std::string& text, DesignPoint& d) {
          const uint32_t n = ParseWhole(text, 0, UINT32_MAX);
          if (std::find(allowed.begin(), allowed.end(), n) == allowed.end()) {
            throw ValueError("out of range");
          }
          at(d) = n;
          return std::to_string(n);
        });
  }

  template <class At>
  void Size(const char* name, uint32_t lo, uint32_t hi, uint32_t def, const char* meaning, At at) {
    Add(name, "size", "B", FormatSize(lo) + ".." + FormatSize(hi), FormatSize(def), meaning,
        [lo, hi, at](const std::string& text, DesignPoint& d) {
          at(d) = ParseSize(text, lo, hi);
          return FormatSize(at(d));
        });
  }

  // `planned`: names that the design knows and no platform can run.
  template <class Set>
  void Choice(const char* name, Names names, const char* def, const char* meaning, Set set,
              Names planned = {}) {
    const std::string range = Join(names, " | ");
    Add(name, "name", "", range, def, meaning,
        [names = std::move(names), planned = std::move(planned), set](const std::string& text,
                                                                      DesignPoint& d) {
          if (std::find(planned.begin(), planned.end(), text) != planned.end()) {
            throw ValueError("not supported by this platform", "supported: ");
          }
          if (std::find(names.begin(), names.end(), text) == names.end()) {
            throw ValueError("unknown name");
          }
          set(d, text);
          return text;
        });
  }

  void Add(const char* name, const char* type, const char* unit, const std::string& range,
           const std::string& def, const char* meaning,
           std::function<std::string(const std::string&, DesignPoint&)> set) {
    entries_.push_back({{name, type, unit, range, def, meaning, def, true}, std::move(set)});
  }

  std::vector<SchemaEntry> Take() { return std::move(entries_); }

 private:
  std::vector<SchemaEntry> entries_;
};

// A whole number that may be negative.
int ParseSigned(const std::string& text, int lo, int hi) {
  size_t used = 0;
  int value = 0;
  try {
    value = std::stoi(text, &used);
  } catch (const std::exception&) {
    throw ValueError("not a whole number");
  }
  if (used != text.size()) throw ValueError("not a whole number");
  if (value < lo || value > hi) throw ValueError("out of range");
  return value;
}

void AddAccumulator(Builder& b) {
  using Spec = numerics::AccumulatorSpec;
  const auto whole = [&b](const char* name, const char* unit, int lo, int hi, const char* meaning,
                          int Spec::*member) {
    b.Add(name, "integer", unit, fmt::format("{}..{}", lo, hi), std::to_string(Spec().*member),
          meaning, [lo, hi, member](const std::string& text, DesignPoint& d) {
            d.datapath.accumulator.*member = ParseSigned(text, lo, hi);
            return std::to_string(d.datapath.accumulator.*member);
          });
  };
  b.Choice(
      "datapath.accumulator",
      {"fp32", "fp32-rz", "exact", "fused", "lanes", "fp16", "bf16", "fixed"}, "fp32",
      "accumulation of block terms: binary32 to nearest even or toward zero; a fixed-point "
      "register that loses nothing; aligned and truncated groups; one binary32 a lane; binary16; "
      "bfloat16; a narrow fixed-point register",
      [](DesignPoint& d, const std::string& s) {
        d.datapath.accumulator.kind = numerics::ParseAccumulator(s);
      });
  whole("accumulator.fused_bits", "bits", 1, 64, "fused: kept below the largest exponent of a step",
        &Spec::fused_bits);
  whole("accumulator.fused_group", "terms", 1, 64, "fused: terms of 16 elements that a step adds",
        &Spec::fused_group);
  whole("accumulator.pre_shift", "bits", 0, 64,
        "fp16 and bf16: terms are divided by 2 to this power", &Spec::pre_shift);
  whole("accumulator.fixed_bits", "bits", 2, 64, "fixed: width of the register", &Spec::fixed_bits);
  whole("accumulator.fixed_lsb", "", -64, 64, "fixed: the unit is 2 to this power",
        &Spec::fixed_lsb);
  b.Choice("accumulator.fixed_rounding", {"rz", "floor", "rne"}, "rz",
           "fixed: how a term drops bits", [](DesignPoint& d, const std::string& s) {
             d.datapath.accumulator.fixed_rounding = numerics::ParseAddRounding(s);
           });
  b.Choice("accumulator.fixed_overflow", {"saturate", "wrap"}, "saturate",
           "fixed: what a sum beyond the register becomes; either is counted",
           [](DesignPoint& d, const std::string& s) {
             d.datapath.accumulator.fixed_saturate = s == "saturate";
           });
}

void AddDatapath(Builder& b) {
  b.Choice(
      "datapath.activations", {"nvfp4", "fp4"}, "nvfp4",
      "storage format of activations; fp4 has no scale at all",
      [](DesignPoint& d, const std::string& s) {
        d.datapath.activations = numerics::ParseFormat(s);
      },
      {"fp4-tensor", "mxfp4", "mxfp6", "mxfp8", "int4", "nvint4", "int8", "fp8", "fp16", "bf16"});
  b.Choice(
      "datapath.weights", {"nvfp4", "fp4", "fp8", "fp16"}, "nvfp4",
      "storage format of weights; fp4 and fp16 have no scale, fp8 one per output channel",
      [](DesignPoint& d, const std::string& s) { d.datapath.weights = numerics::ParseFormat(s); },
      {"fp4-tensor", "mxfp4", "mxfp6", "mxfp8", "int4", "nvint4", "int8", "bf16"});
  b.OneOf("datapath.block", "elements", {8, 16, 32, 64, 128}, 16,
          "elements that share a block scale and form one exact block term",
          [](DesignPoint& d) -> int& { return d.datapath.block; });
  b.Choice("datapath.tensor_scale", {"static", "dynamic", "none"}, "static",
           "scale of an nvfp4 activation tensor: calibrated, or from its own amax in a second "
           "pass; none: block scales alone, for nvfp4 weights, too. fp4 has none, and every run "
           "says so",
           [](DesignPoint& d, const std::string& s) {
             using numerics::ScaleSource;
             d.datapath.tensor_scale = s == "static"    ? ScaleSource::kStatic
                                       : s == "dynamic" ? ScaleSource::kDynamic
                                                        : ScaleSource::kNone;
           });
  AddAccumulator(b);
}

void AddEngines(Builder& b, bool nearmem) {
  b.Whole("clock.mhz", "MHz", 10, 5000, 1000, "clock of the engines and scratchpads",
          [](DesignPoint& d) -> uint32_t& { return d.clock_mhz; });
  b.Whole("tensor.rows", "", 1, 256, 16, "output channels in parallel",
          [](DesignPoint& d) -> uint32_t& { return d.tensor.rows; });
  b.Whole("tensor.cols", "", 1, 256, nearmem ? 1 : 4, "output pixels in parallel",
          [](DesignPoint& d) -> uint32_t& { return d.tensor.cols; });
  b.OneOf("tensor.lanes", "", {8, 16, 32, 64, 128}, nearmem ? 8 : 16,
          "multipliers of one dot-product unit, along the input channels",
          [](DesignPoint& d) -> uint32_t& { return d.tensor.lanes; });
  b.Choice("tensor.dataflow", {"os", "ws"}, "os",
           "output stationary: accumulators in registers; weight stationary: a weight block",
           [](DesignPoint& d, const std::string& s) {
             d.tensor.dataflow = s == "os" ? accel::Dataflow::kOutputStationary
                                           : accel::Dataflow::kWeightStationary;
           });
  b.Whole("tensor.latency", "cycles", 1, 64, 8, "from the last operand to the accumulator",
          [](DesignPoint& d) -> uint32_t& { return d.tensor.latency; });
  b.OneOf("vector.lanes", "", {1, 2, 4, 8, 16, 32, 64, 128, 256}, 16, "elements a cycle",
          [](DesignPoint& d) -> uint32_t& { return d.vector.lanes; });
  b.Whole("vector.latency", "cycles", 1, 64, 12, "pipeline depth",
          [](DesignPoint& d) -> uint32_t& { return d.vector.latency; });
  b.Size("dma.chunk", 64, 1u << 16, 4096, "bytes of one bus transaction at most",
         [](DesignPoint& d) -> uint32_t& { return d.dma.chunk; });
  b.Whole("fetch.queue_depth", "", 1, 1024, 32, "command words waiting at each engine at most",
          [](DesignPoint& d) -> uint32_t& { return d.fetch.queue_depth; });
  b.Whole("fetch.batch", "", 1, 1024, 32, "command words fetched in one transaction",
          [](DesignPoint& d) -> uint32_t& { return d.fetch.batch; });
}

template <class At>
void AddSram(Builder& b, const std::string& name, uint32_t kib, uint32_t banks,
             const std::string& holds, At at) {
  const std::string prefix = "sram." + name + ".";
  // 16-bit addresses of 64-byte units reach 4 MiB.
  b.Size((prefix + "size").c_str(), 8u << 10, 4u << 20, kib << 10,
         ("scratchpad of " + holds + ", all banks together").c_str(),
         [at](DesignPoint& d) -> uint32_t& { return at(d).size; });
  b.OneOf((prefix + "banks").c_str(), "", {1, 2, 4, 8, 16, 32, 64}, banks,
          "banks, accessed in parallel", [at](DesignPoint& d) -> uint32_t& { return at(d).banks; });
  b.OneOf((prefix + "width").c_str(), "B", {8, 16}, 16,
          "bytes per bank and cycle; the energy table has ports of 64 and 128 bits",
          [at](DesignPoint& d) -> uint32_t& { return at(d).width; });
}

void AddDramController(Builder& b) {
  using memory::DramConfig;
  b.OneOf("dram.ranks", "", {1, 2, 4}, 1, "ranks of each channel",
          [](DesignPoint& d) -> uint32_t& { return d.dram_config.ranks; });
  b.Add(
      "dram.mapping", "list", "", "row, rank, bank, bankgroup, column, channel in any order",
      "row rank bank column bankgroup channel",
      "fields of an address from most to least significant; rank may be missing when there is one",
      [](const std::string& text, DesignPoint& d) {
        Names fields = Split(text, ' ');
        fields.erase(std::remove(fields.begin(), fields.end(), ""), fields.end());
        d.dram_mapping = Join(fields, " ");
        memory::DramMapping(d.dram, d.dram_channels, d.dram_mapping,
                            d.dram_config.ranks);  // refuses in its own words
        return d.dram_mapping;
      });
  b.Choice("dram.scheduler", {"fr-fcfs", "fcfs"}, "fr-fcfs",
           "which command is given next: the first that is ready, or the oldest request's",
           [](DesignPoint& d, const std::string& s) {
             d.dram_config.scheduler =
                 s == "fcfs" ? DramConfig::Scheduler::kFcfs : DramConfig::Scheduler::kFrFcfs;
           });
  b.Whole("dram.window", "bursts", 1, memory::kMaxQueue, 32,
          "reads of a channel that the scheduler sees at a time",
          [](DesignPoint& d) -> uint32_t& { return d.dram_config.window; });
  b.Whole("dram.write_buffer", "bursts", 1, memory::kMaxQueue, 32,
          "writes that wait in a channel's controller, acknowledged",
          [](DesignPoint& d) -> uint32_t& { return d.dram_config.write_buffer; });
  b.Whole("dram.write_high", "bursts", 1, memory::kMaxQueue, 26,
          "writes waiting that start a drain, at most dram.write_buffer",
          [](DesignPoint& d) -> uint32_t& { return d.dram_config.write_high; });
  b.Whole("dram.write_low", "bursts", 0, memory::kMaxQueue - 1, 6,
          "writes waiting that end it, less than dram.write_high",
          [](DesignPoint& d) -> uint32_t& { return d.dram_config.write_low; });
  b.Choice("dram.page_policy", {"open", "closed", "adaptive"}, "open",
           "when a row is closed: when another is needed; when no waiting burst needs it; the "
           "latter in banks whose rows of late served one burst each",
           [](DesignPoint& d, const std::string& s) {
             d.dram_config.page = s == "open"     ? DramConfig::Page::kOpen
                                  : s == "closed" ? DramConfig::Page::kClosed
                                                  : DramConfig::Page::kAdaptive;
           });
  b.Choice("dram.refresh", {"all-bank", "per-bank"}, "all-bank",
           "per-bank: the banks take turns and the others go on, where the device can",
           [](DesignPoint& d, const std::string& s) {
             d.dram_config.refresh =
                 s == "all-bank" ? DramConfig::Refresh::kAllBank : DramConfig::Refresh::kPerBank;
           });
  b.Whole("dram.power_down", "clocks", 0, 100000, 0,
          "idle device clocks after which a rank is powered down; 0: never",
          [](DesignPoint& d) -> uint32_t& { return d.dram_config.power_down; });
}

void AddMemories(Builder& b) {
  AddSram(b, "act", 192, 8, "activations",
          [](DesignPoint& d) -> memory::SramConfig& { return d.sram_act; });
  b.Choice("sram.act.keep", {"on", "off"}, "on",
           "keep an output there, instead of in DRAM, when the next layer is its reader and it "
           "fits in half",
           [](DesignPoint& d, const std::string& s) { d.keep_activations = s == "on"; });
  AddSram(b, "weight", 128, 16, "weights",
          [](DesignPoint& d) -> memory::SramConfig& { return d.sram_weight; });
  AddSram(b, "acc", 128, 16, "accumulators",
          [](DesignPoint& d) -> memory::SramConfig& { return d.sram_acc; });
  AddSram(b, "out", 64, 8, "parameters, residuals and outputs",
          [](DesignPoint& d) -> memory::SramConfig& { return d.sram_out; });
  b.Choice("sram.node", {"22", "32", "45"}, "22",
           "nm, row set of the CACTI table; unless given it follows energy.preset: 45 for "
           "horowitz-45nm, 22 (the smallest in the table) for jouppi-7nm",
           [](DesignPoint& d, const std::string& s) { d.sram_node = s; });
  b.Choice("sram.cell", {"itrs-hp", "itrs-lop", "itrs-lstp"}, "itrs-lstp",
           "transistors of the CACTI table: high performance, low operating or standby power",
           [](DesignPoint& d, const std::string& s) { d.sram_cell = s; });
  b.Choice("dram.device", DataFileNames("platforms/dram", ".json"), "lpddr5-6400-x16",
           "device of every channel, a file of platforms/dram",
           [](DesignPoint& d, const std::string& s) {
             d.dram = memory::ReadDramDevice(DataFolder() + "/platforms/dram/" + s + ".json");
           });
  b.OneOf("dram.channels", "", {1, 2, 4, 8, 16}, 2, "channels, each of one device",
          [](DesignPoint& d) -> uint32_t& { return d.dram_channels; });
  AddDramController(b);
}

void AddNearmem(Builder& b) {
  b.OneOf("nearmem.lanes", "", {16, 32, 64, 128}, 64,
          "multipliers of one bank unit: E2M1 products per column access",
          [](DesignPoint& d) -> uint32_t& { return d.nearmem.lanes; });
  b.Whole("nearmem.accumulators", "", 1, 256, 16, "FP32 accumulators of one bank unit",
          [](DesignPoint& d) -> uint32_t& { return d.nearmem.accumulators; });
  b.Size("nearmem.buffer", 288, 1u << 16, 2304,
         "broadcast buffer of one channel: eight parts codes, one part scales",
         [](DesignPoint& d) -> uint32_t& { return d.nearmem.buffer_bytes; });
  b.Add("nearmem.layers", "list", "", "none, or pointwise, conv, fc with commas between",
        "pointwise,fc", "kinds of layers that run near the memory; the others on the host side",
        [](const std::string& text, DesignPoint& d) {
          const Names asked = Split(text, ',');
          Names kept;
          for (const char* kind : {"pointwise", "conv", "fc"}) {
            if (std::count(asked.begin(), asked.end(), kind) > 0) kept.emplace_back(kind);
          }
          if (text != "none" && kept.size() != asked.size()) {
            throw ValueError("unknown or repeated kind of layer");
          }
          d.nearmem_layers = kept.empty() ? "none" : Join(kept, ",");
          return d.nearmem_layers;
        });
}

}  // namespace

std::vector<SchemaEntry> Schema(Platform platform) {
  Builder b;
  AddDatapath(b);
  AddEngines(b, platform == Platform::kNearmem);
  AddMemories(b);
  if (platform == Platform::kNearmem) AddNearmem(b);
  b.Choice(
      "energy.preset",
      [] {
        Names names = DataFileNames("platforms/energy", ".json");
        names.erase(std::remove(names.begin(), names.end(), "cacti"), names.end());
        return names;
      }(),
      "jouppi-7nm", "energy of arithmetic, a file of platforms/energy",
      [](DesignPoint& d, const std::string& s) { d.energy_preset = s; });
  return b.Take();
}

}  // namespace nibble::platforms
