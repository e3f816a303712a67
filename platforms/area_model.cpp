#include "platforms/area_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "models/accel/datapath_cost.h"
#include "models/numerics/accumulate.h"

namespace nibble::platforms {

namespace {

using nlohmann::json;

// A gate's share of a full adder's 28 transistors, as its energy (energy_model.cpp).
constexpr double kMuxOfAdder = 6.0 / 28, kXorOfAdder = 12.0 / 28;

class Logic {
 public:
  Logic() : path_(DataFolder() + "/platforms/area/logic.json") {
    std::ifstream file(path_);
    file_ = json::parse(file, nullptr, false);
    if (file_.is_discarded()) throw ParameterError(path_ + ": expected a JSON object");
  }
  struct Entry {
    double value = 0, node = 0;
    std::string source;
  };
  Entry Of(const std::string& field) const {
    try {
      const json& entry = file_.at(field);
      return {entry.at("value"), entry.at("node"), entry.at("source")};
    } catch (const json::exception&) {
      throw ParameterError(path_ + ": " + field + ": expected {value, node, source}");
    }
  }

 private:
  std::string path_;
  json file_;
};

class Estimate {
 public:
  explicit Estimate(const DesignPoint& design) : d_(design), node_(std::stod(design.sram_node)) {
    area_.node = design.sram_node;
  }

  // `parts`: (how many, of what). Areas scale by the square of the node.
  struct Part {
    double count;
    const char* field;
    const char* what;
  };
  void AddLogic(const std::string& name, const std::vector<Part>& parts) {
    AreaBlock block{name, 0.0, 0, 0, ""};
    for (const Part& part : parts) {
      if (part.count == 0) continue;
      const Logic::Entry entry = logic_.Of(part.field);
      const double shrink = node_ / entry.node;
      *block.mm2 += part.count * entry.value * shrink * shrink * 1e-6;
      block.source += fmt::format("{}{:.6g} {} x {:g} um2 at {:g} nm, x ({:g}/{:g})^2: {}",
                                  block.source.empty() ? "" : "; ", part.count, part.what,
                                  entry.value, entry.node, node_, entry.node, entry.source);
    }
    if (*block.mm2 == 0) return;
    block.low_mm2 = *block.mm2 * logic_.Of("logic_low").value;
    block.high_mm2 = *block.mm2 * logic_.Of("logic_high").value;
    area_.blocks.push_back(std::move(block));
  }
  void AddSram(const std::string& name, const SramFigures& figures) {
    area_.blocks.push_back({"sram." + name, figures.area_mm2,
                            figures.area_mm2 * logic_.Of("sram_low").value,
                            figures.area_mm2 * logic_.Of("sram_high").value, figures.area_source});
  }
  void AddUnknown(const std::string& name, const std::string& why) {
    area_.blocks.push_back({name, std::nullopt, 0, 0, why});
  }

  void AddTensor(const accel::DatapathSize& size);
  Area Take() { return std::move(area_); }

 private:
  void AddAccumulators(double adds, const accel::DatapathSize& size);

  const DesignPoint& d_;
  double node_;  // nm
  Logic logic_;
  Area area_;
};

void Estimate::AddTensor(const accel::DatapathSize& size) {
  const auto count = [](uint64_t n) { return static_cast<double>(n); };
  AddLogic("tensor.multipliers",
           {{count(size.multiplier_bits2), "mul_bit2", "bit^2"},
            {count(size.exponent_adder_bits), "add_bit", "exponent adder bits"},
            {kMuxOfAdder * count(size.multiplexers), "add_bit",
             "adder bits' worth of multiplexers (6/28 by transistors)"},
            {size.multiplexers == 0 ? 0 : kXorOfAdder * count(size.multipliers), "add_bit",
             "adder bits' worth of sign gates (12/28 by transistors)"}});
  AddLogic("tensor.trees", {{count(size.tree_bits), "add_bit", "adder bits"}});
  // Terms that a unit completes in a cycle at most, each with its scales and its accumulation; with
  // an accumulator a lane, or products that are rounded one by one, every product is one.
  const numerics::Datapath& d = d_.datapath;
  const bool by_product = d.accumulator.kind == numerics::Accumulation::kLanes ||
                          !numerics::AddsBlocksExactly(d.activations, d.weights);
  const int length = by_product ? 1 : d.term_block();
  const double terms = static_cast<double>(size.units) *
                       std::max<uint32_t>(1, d_.tensor.lanes / static_cast<uint32_t>(length));
  const int a_bits = numerics::ScaleSignificandBits(d.activations);
  const int w_bits = numerics::ScaleSignificandBits(d.weights);
  const int product_bits = numerics::ProductBits(d.activations, d.weights);
  AddLogic(
      "tensor.scales",
      {{terms * (a_bits * w_bits + accel::ScaleApplyBits2(length, product_bits, a_bits + w_bits)),
        "mul_bit2", "bit^2"},
       {terms * accel::ScaleExponentBits(d.activations, d.weights), "add_bit",
        "exponent adder bits"}});
  AddAccumulators(terms, size);
  AddUnknown("tensor.registers", "operand and pipeline registers: their number is not modelled");
}

void Estimate::AddAccumulators(double adds, const accel::DatapathSize& size) {
  using numerics::Accumulation;
  const auto bits = static_cast<double>(size.accumulator_bits);
  AddLogic("tensor.accumulator_registers", {{bits, "register_bit", "bits"}});
  switch (d_.datapath.accumulator.kind) {
    case Accumulation::kFp32:
    case Accumulation::kFp32Rz:
    case Accumulation::kLanes:
      AddLogic("tensor.accumulator_adders", {{adds, "fp32_add", "binary32 adders"}});
      break;
    case Accumulation::kExact:
    case Accumulation::kFixed:
      AddLogic("tensor.accumulator_adders",
               {{adds * bits / static_cast<double>(size.units), "add_bit", "adder bits"}});
      break;
    case Accumulation::kFused:
    case Accumulation::kFp16:
    case Accumulation::kBf16:
      AddUnknown("tensor.accumulator_adders", "no published area of this accumulator's adder");
      break;
  }
}

template <typename F>
double SumOf(const std::vector<AreaBlock>& blocks, F figure) {
  double sum = 0;
  for (const AreaBlock& block : blocks) sum += block.mm2 ? figure(block) : 0;
  return sum;
}

}  // namespace

double Area::mm2() const {
  return SumOf(blocks, [](const AreaBlock& b) { return *b.mm2; });
}
double Area::low_mm2() const {
  return SumOf(blocks, [](const AreaBlock& b) { return b.low_mm2; });
}
double Area::high_mm2() const {
  return SumOf(blocks, [](const AreaBlock& b) { return b.high_mm2; });
}
size_t Area::unknown() const {
  return static_cast<size_t>(
      std::count_if(blocks.begin(), blocks.end(), [](const AreaBlock& b) { return !b.mm2; }));
}

Area EstimateArea(const DesignPoint& design, const accel::DatapathSize& tensor,
                  const std::vector<SramFigures>& srams) {
  Estimate estimate(design);
  estimate.AddTensor(tensor);
  const double lanes = design.vector.lanes;
  estimate.AddLogic("vector.lanes", {{lanes, "fp32_mul", "binary32 multipliers, one a lane"},
                                     {lanes, "fp32_add", "binary32 adders, one a lane"}});
  estimate.AddUnknown("vector.functions",
                      "function tables, dividers, comparisons, encoders, registers: no figures");
  const auto names = SramsOf(design);
  for (size_t i = 0; i < names.size(); ++i) estimate.AddSram(names[i].first, srams[i]);
  estimate.AddUnknown("fetch", "command processor, queues and tokens: no figures");
  estimate.AddUnknown("dma", "load and store engines, bus: no figures");
  estimate.AddUnknown("dram.controller", "controllers and PHY: no figures for the devices here");
  if (design.platform == Platform::kNearmem) {
    estimate.AddUnknown("bank",
                        "units and buffers beside the banks are made in a DRAM process, of whose "
                        "logic no area is published in these terms");
  }
  return estimate.Take();
}

}  // namespace nibble::platforms
