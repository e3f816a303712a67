#include <algorithm>

#include "platforms/params/schema_builder.h"

namespace nibble::platforms {

using nearmem::BankActivation;
using nearmem::BankMode;
using nearmem::ScalePlace;

namespace {

void AddLayers(Builder& b) {
  b.Add("nearmem.layers", "list", "", "auto, none, or pointwise, conv, fc with commas between",
        "auto",
        "kinds of layers that run near the memory, the others on the host side; auto: each layer "
        "where it is estimated to be better",
        [](const std::string& text, DesignPoint& d) {
          const Names asked = Split(text, ',');
          Names kept;
          for (const char* kind : {"pointwise", "conv", "fc"}) {
            if (std::count(asked.begin(), asked.end(), kind) > 0) kept.emplace_back(kind);
          }
          const bool word = text == "none" || text == "auto";
          if (!word && kept.size() != asked.size()) {
            throw ValueError("unknown or repeated kind of layer");
          }
          d.nearmem_layers = word ? text : Join(kept, ",");
          return d.nearmem_layers;
        });
  b.Choice("nearmem.auto", {"time", "energy"}, "energy", "what nearmem.layers = auto compares",
           [](DesignPoint& d, const std::string& s) {
             d.nearmem_auto = s == "time" ? NearmemAuto::kTime : NearmemAuto::kEnergy;
           });
}

void AddUnit(Builder& b) {
  b.OneOf("nearmem.unit_banks", "", {1, 2}, 1, "banks that share a unit and take turns",
          [](DesignPoint& d) -> uint32_t& { return d.nearmem.unit_banks; });
  b.OneOf("nearmem.lanes", "", {16, 32, 64, 128, 256, 512}, 256,
          "multipliers of one unit; more than a column has codes: several pixels at once",
          [](DesignPoint& d) -> uint32_t& { return d.nearmem.lanes; });
  b.Whole("nearmem.pixels", "", 1, 256, 16,
          "output pixels that one read of a weight column serves at most",
          [](DesignPoint& d) -> uint32_t& { return d.nearmem.pixels; });
  b.Whole("nearmem.accumulators", "", 1, 256, 64, "FP32 accumulators of one unit",
          [](DesignPoint& d) -> uint32_t& { return d.nearmem.accumulators; });
  b.Size("nearmem.buffer", 64, 1u << 16, 2304,
         "broadcast buffer of one channel: activations, codes and scales",
         [](DesignPoint& d) -> uint32_t& { return d.nearmem.buffer_bytes; });
  b.Whole("nearmem.broadcast", "GB/s", 1, 1024, 36,
          "from the buffer to all units of a channel, codes and scales",
          [](DesignPoint& d) -> uint32_t& { return d.nearmem.broadcast_gbps; });
}

}  // namespace

void AddNearmem(Builder& b) {
  AddUnit(b);
  b.Choice("nearmem.scales", {"row-end", "beside"}, "row-end",
           "columns of block scales: after all data columns of a row, or each after those that it "
           "serves",
           [](DesignPoint& d, const std::string& s) {
             d.nearmem.scales = s == "beside" ? ScalePlace::kBeside : ScalePlace::kRowEnd;
           });
  b.Choice("nearmem.mode", {"all-bank", "per-bank"}, "all-bank",
           "a column command reaches all banks of a channel in lock step, or one bank",
           [](DesignPoint& d, const std::string& s) {
             d.nearmem.mode = s == "all-bank" ? BankMode::kAllBank : BankMode::kPerBank;
           });
  b.Choice("nearmem.activation", {"faw", "group4", "all"}, "faw",
           "activates of all banks: one by one within tRRD and tFAW, four at once every tFAW, or "
           "all at once, which exceeds what tFAW allows",
           [](DesignPoint& d, const std::string& s) {
             d.nearmem.activation = s == "faw"      ? BankActivation::kFaw
                                    : s == "group4" ? BankActivation::kGroup4
                                                    : BankActivation::kAll;
           });
  b.Whole("nearmem.mode_switch", "ns", 0, 10000, 16,
          "from host mode to all-bank mode, and as long back",
          [](DesignPoint& d) -> uint32_t& { return d.nearmem.mode_switch_ns; });
  AddLayers(b);
}

}  // namespace nibble::platforms
