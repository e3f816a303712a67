#include <functional>
#include <string>

#include "platforms/params/schema_builder.h"

namespace nibble::platforms {
namespace {

using memory::Ecc;
using memory::FaultModel;
using memory::SramConfig;
using Member = std::function<SramConfig&(DesignPoint&)>;

// The parameter `name` of one scratchpad: `word`, its default, which stands for the value that
// `or_else` has, or a decimal number.
void AddNumberOr(Builder& b, const std::string& name, const char* unit, const char* word,
                 double or_else, double lo, double hi, const char* range, const char* meaning,
                 const std::function<void(DesignPoint&, double)>& set) {
  b.Add(name.c_str(), "number", unit, std::string(word) + ", or " + range, word, meaning,
        [=](const std::string& text, DesignPoint& d) {
          set(d, text == word ? or_else : ParseDecimal(text, lo, hi));
          return text;
        });
}

void AddSram(Builder& b, const std::string& name, uint32_t kib, uint32_t banks,
             const std::string& holds, bool has_scales, const Member& at) {
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
  b.OneOf((prefix + "ports").c_str(), "", {1, 2}, 1,
          "a bank reads or writes in a cycle, or does one of each",
          [at](DesignPoint& d) -> uint32_t& { return at(d).ports; });
  b.Add((prefix + "latency").c_str(), "integer", "cycles", "auto, or 1..64", "auto",
        "from an address to its data, pipelined; auto: the table's access time",
        [at](const std::string& text, DesignPoint& d) {
          at(d).latency = text == "auto" ? 0 : ParseWhole(text, 1, 64);
          return text;
        });
  AddNumberOr(b, prefix + "vdd", "V", "nominal", 0, 0.1, 1.5, "0.54 to 1 of the nominal voltage",
              "supply voltage: energy goes with its square, leakage with it, and bits that do not "
              "hold appear",
              [at](DesignPoint& d, double v) { at(d).vdd = v; });
  AddNumberOr(b, prefix + "error_rate", "", "table", -1, 0, 0.5, "0..0.5",
              "share of bits that do not hold; table: that measured at the voltage",
              [at](DesignPoint& d, double v) { at(d).error_rate = v; });
  Names ecc = has_scales ? Names{"none", "scales", "all"} : Names{"none", "all"};
  b.Choice((prefix + "ecc").c_str(), ecc, "none",
           has_scales ? "words of 64 bits with 8 check bits, one error corrected and two detected: "
                        "those of block scales and parameters, or all"
                      : "words of 64 bits with 8 check bits, one error corrected and two detected",
           [at](DesignPoint& d, const std::string& s) {
             at(d).ecc = s == "none" ? Ecc::kNone : s == "all" ? Ecc::kAll : Ecc::kScales;
           });
}

// The same of every scratchpad.
template <class Set>
void ForEach(DesignPoint& d, Set set) {
  for (SramConfig* sram : {&d.sram_act, &d.sram_weight, &d.sram_acc, &d.sram_out}) set(*sram);
}

}  // namespace

void AddSrams(Builder& b) {
  AddSram(b, "act", 192, 8, "activations", true,
          [](DesignPoint& d) -> SramConfig& { return d.sram_act; });
  b.Choice(
      "sram.act.interleave", {"swizzled", "linear"}, "swizzled",
      "bank of word w: (w xor w / banks) mod banks, or w mod banks; what the other scratchpads "
      "hold is read in the order in which it lies",
      [](DesignPoint& d, const std::string& s) { d.sram_act.swizzle = s == "swizzled"; });
  b.Choice("sram.act.keep", {"on", "off"}, "on",
           "keep an output there, instead of in DRAM, when the next layer is its reader and it "
           "fits in half",
           [](DesignPoint& d, const std::string& s) { d.keep_activations = s == "on"; });
  AddSram(b, "weight", 128, 16, "weights", true,
          [](DesignPoint& d) -> SramConfig& { return d.sram_weight; });
  AddSram(b, "acc", 128, 16, "accumulators", false,
          [](DesignPoint& d) -> SramConfig& { return d.sram_acc; });
  AddSram(b, "out", 64, 8, "parameters, residuals and outputs", true,
          [](DesignPoint& d) -> SramConfig& { return d.sram_out; });
  b.Choice("sram.faults", {"cells", "upsets"}, "cells",
           "bits that do not hold: cells, the same in every layer and image, or any bit of any "
           "write",
           [](DesignPoint& d, const std::string& s) {
             ForEach(d, [&s](SramConfig& sram) {
               sram.fault_model = s == "cells" ? FaultModel::kCells : FaultModel::kUpsets;
             });
           });
  b.Whole("sram.seed", "", 0, UINT32_MAX, 0, "which bits do not hold",
          [](DesignPoint& d, uint32_t seed) {
            ForEach(d, [seed](SramConfig& sram) { sram.seed = seed; });
          });
  b.Choice("sram.node", {"22", "32", "45"}, "22",
           "nm, row set of the CACTI table; unless given it follows energy.preset: 45 for "
           "horowitz-45nm, 22 (the smallest in the table) for jouppi-7nm",
           [](DesignPoint& d, const std::string& s) { d.sram_node = s; });
  b.Choice("sram.cell", {"itrs-hp", "itrs-lop", "itrs-lstp"}, "itrs-lstp",
           "transistors of the CACTI table: high performance, low operating or standby power",
           [](DesignPoint& d, const std::string& s) { d.sram_cell = s; });
  b.Choice("sram.extrapolate", {"off", "on"}, "off",
           "banks smaller or larger than the CACTI table's: refused, or by the power of the size "
           "that its last two rows make",
           [](DesignPoint& d, const std::string& s) { d.sram_extrapolate = s == "on"; });
}

}  // namespace nibble::platforms
