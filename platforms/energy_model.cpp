#include "platforms/energy_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "models/memory/dram_energy.h"
#include "platforms/energy_files.h"
#include "platforms/params/value.h"
#include "platforms/sram_model.h"

namespace nibble::platforms {
namespace {

// Collects the terms of one design point.
class Pricing {
 public:
  Pricing(const DesignPoint& design, const SramModel& srams)
      : d_(design), prices_(ReadArithmeticPrices(design.energy_preset)), srams_(srams) {}

  // A dot-product datapath; `component` is that of its counters. Multipliers cost in proportion to
  // bit^2 and adders to bits, from the 8-bit multiplier and the 32-bit adder.
  void AddDotProducts(const std::string& component) {
    const SourcedValue& mul = prices_.int8_mul;
    const std::string per_bit2 = "int8 multiply / 64 per bit^2, derived; " + mul.source;
    if (d_.compute.multiplier == numerics::Multiplier::kArray) {
      Add(component, component + ".product_bits2", mul.value / 64, per_bit2);
    } else {
      AddTableProducts(component);
    }
    Add(component, component + ".scale_bits2", mul.value / 64, per_bit2);
    Add(component, component + ".scale_apply_bits2", mul.value / 64, per_bit2);
    Add(component, component + ".exponent_bits", prices_.int8_add.value / 8,
        "int8 add / 8 per bit, derived; " + prices_.int8_add.source);
    Add(component, component + ".tree_bits", prices_.int32_add.value / 32,
        "int32 add / 32 per bit, derived; " + prices_.int32_add.source);
    AddAccumulations(component);
  }

  // No figures of table multipliers are published at these nodes: gates cost in proportion to their
  // transistors, of which a full adder has 28.
  void AddTableProducts(const std::string& component) {
    const double full_adder = prices_.int32_add.value / 32;
    const std::string adder = "int32 add / 32 per bit, derived; " + prices_.int32_add.source;
    const auto gate = [&](const char* counter, int transistors, const char* what) {
      Add(component, component + counter, transistors / 28.0 * full_adder,
          fmt::format("{}/28 of an adder bit by transistor count: {}, mirror adder 28 (N. Weste, "
                      "D. Harris, \"CMOS VLSI Design\", 4th ed., chapters 1 and 11; counts quoted "
                      "from memory); every gate counts, an upper bound; {}",
                      transistors, what, adder));
    };
    Add(component, component + ".product_exponent_bits", full_adder, adder);
    gate(".product_signs", 12, "static XOR with its inverters 12");
    gate(".product_muxes", 6, "transmission-gate multiplexer with its select inverter 6");
  }

  void AddAccumulations(const std::string& component) {
    using numerics::Accumulation;
    const auto add = [&](const char* counter, const std::optional<SourcedValue>& price) {
      if (!price) {
        throw ParameterError(
            fmt::format("energy.preset = \"{}\" lacks a value: one addition in {}, which "
                        "datapath.accumulator asks for",
                        d_.energy_preset, numerics::AccumulatorName(d_.datapath.accumulator.kind)));
      }
      Add(component, component + counter, price->value, price->source);
    };
    switch (d_.datapath.accumulator.kind) {
      case Accumulation::kFp32:
      case Accumulation::kFp32Rz:
      case Accumulation::kLanes:
        add(".fp32_adds", prices_.fp32_add);
        break;
      case Accumulation::kFp16:
        add(".fp16_adds", prices_.fp16_add);
        break;
      case Accumulation::kBf16:
        add(".bf16_adds", prices_.bf16_add);
        break;
      case Accumulation::kExact:
      case Accumulation::kFused:
      case Accumulation::kFixed:
        Add(component, component + ".fixed_add_bits", prices_.int32_add.value / 32,
            "int32 add / 32 per bit, derived; " + prices_.int32_add.source);
        break;
    }
  }

  void AddVector() {
    Add("vector", "vector.fp32_muls", prices_.fp32_mul.value, prices_.fp32_mul.source);
    Add("vector", "vector.fp32_adds", prices_.fp32_add.value, prices_.fp32_add.source);
    Add("vector", "vector.compares", prices_.int32_add.value,
        "as an int32 add, which compares the bit patterns, derived; " + prices_.int32_add.source);
    Add("vector", "vector.divides", 4 * prices_.fp32_mul.value,
        "four FP32 multiplies: two Newton-Raphson steps of two, derived; " +
            prices_.fp32_mul.source);
    const SramPrice table =
        srams_.table().Price(d_.sram_node, d_.sram_cell, 64, kSmallestBank, "a function's table");
    Add("vector", "vector.table_reads", table.read_pj,
        fmt::format("{} nm {}, {}, 64-bit port: two neighbouring entries of 2,049; {}",
                    d_.sram_node, d_.sram_cell, FormatSize(kSmallestBank),
                    srams_.table().source()));
    const SramPrice strip =
        srams_.table().Price(d_.sram_node, d_.sram_cell, 128, kSmallestBank, "the strip buffer");
    const std::string of_strip = fmt::format(
        "{} nm {}, {}, 128-bit port, a byte: the smallest in the table, an upper bound for a "
        "buffer "
        "of {} lanes x block x 4 bytes, derived; {}",
        d_.sram_node, d_.sram_cell, FormatSize(kSmallestBank), d_.vector.lanes,
        srams_.table().source());
    Add("vector", "vector.strip_write_bytes", strip.write_pj / 16, of_strip);
    Add("vector", "vector.strip_read_bytes", strip.read_pj / 16, of_strip);
    Add("vector", "vector.encodes", prices_.int8_add.value,
        "as an int8 add, the increment of a rounding, derived; " + prices_.int8_add.source);
  }

  SramFigures AddSram(const std::string& name, const memory::SramConfig& sram) {
    const std::string component = "sram." + name;
    SramFigures f = srams_.FiguresOf(d_, name, sram);
    Add(component, component + ".reads", f.read_pj, f.source);
    Add(component, component + ".writes", f.write_pj, f.source);
    if (sram.ecc != memory::Ecc::kNone) {
      Add(component, component + ".check_read_bits", f.check_read_pj, f.check_source);
      Add(component, component + ".check_write_bits", f.check_write_pj, f.check_source);
    }
    // mW * ns = pJ.
    Add("sram.leakage", "machine.cycles", f.leakage_mw * 1000 / d_.clock_mhz, f.leakage_source);
    return f;
  }

  void AddDram() {
    for (const memory::DramPrice& price : memory::DramPrices(d_.dram)) {
      for (const auto& field : memory::DramCounterFields()) {
        if (field.member != price.count) continue;
        Add("dram." + price.component, std::string("dram.") + field.name, price.pj, price.source);
      }
    }
  }

  // What the bank units add: their datapath, the broadcast buffers and the way from there to the
  // units, and bursts between host and buffers or units, which use the pins and no DRAM array.
  void AddNearMemory() {
    AddDotProducts("bank");
    const SramPrice word =
        srams_.table().Price(d_.sram_node, d_.sram_cell, 128, kSmallestBank, "nearmem.buffer");
    const std::string source = fmt::format(
        "{} nm {}, {}, 128-bit port: the smallest in the table, an upper bound for the buffer, "
        "derived; {}",
        d_.sram_node, d_.sram_cell, FormatSize(kSmallestBank), srams_.table().source());
    Add("bank", "bank.buffer_read_bytes", word.read_pj / 16, source);
    Add("bank", "bank.buffer_writes", d_.dram.burst_bytes / 16.0 * word.write_pj, source);
    // The wires of the die between banks and pins, which an ordinary read drives as well.
    const double wires = d_.dram.read_core_pj_bit - d_.dram.near_read_pj_bit;
    const std::string path =
        "read_core - near_read, the way in the die between a bank and the pins, derived; " +
        d_.dram.name + " read_core: " + d_.dram.sources.at("read_core");
    Add("dram.broadcast", "bank.buffer_read_bytes", 8 * wires, path);
    const double bits = d_.dram.burst_bytes * 8.0;
    Add("dram.core", "bank.io_reads", wires * bits, path);
    Add("dram.io", "bank.io_reads", d_.dram.read_io_pj_bit * bits,
        d_.dram.name + " read_io: " + d_.dram.sources.at("read_io"));
    Add("dram.io", "bank.io_writes", d_.dram.write_io_pj_bit * bits,
        d_.dram.name + " write_io: " + d_.dram.sources.at("write_io"));
  }

  std::vector<EnergyTerm> Take() { return std::move(terms_); }

 private:
  static constexpr uint32_t kSmallestBank = 8192;  // bytes

  void Add(std::string component, std::string counter, double pj, std::string source) {
    terms_.push_back({std::move(component), std::move(counter), pj, std::move(source)});
  }

  const DesignPoint& d_;
  ArithmeticPrices prices_;
  const SramModel& srams_;
  std::vector<EnergyTerm> terms_;
};

}  // namespace

EnergyModel::EnergyModel(const DesignPoint& design, const SramModel& srams) {
  Pricing pricing(design, srams);
  pricing.AddDotProducts("tensor");
  pricing.AddVector();
  for (const auto& [name, sram] : SramsOf(design)) srams_.push_back(pricing.AddSram(name, *sram));
  pricing.AddDram();
  if (design.platform == Platform::kNearmem) pricing.AddNearMemory();
  terms_ = pricing.Take();
}

std::vector<std::string> EnergyModel::components() const {
  std::vector<std::string> names;
  for (const EnergyTerm& t : terms_) {
    if (std::find(names.begin(), names.end(), t.component) == names.end()) {
      names.push_back(t.component);
    }
  }
  return names;
}

std::vector<std::vector<double>> EnergyModel::PerLayer(const sim::RunStats& stats) const {
  std::map<std::string, size_t> index_of_counter;
  for (size_t i = 0; i < stats.counters.size(); ++i) {
    const sim::CounterInfo& c = stats.counters[i];
    index_of_counter[c.key()] = i;
    if (c.costs_energy && std::none_of(terms_.begin(), terms_.end(), [&c](const EnergyTerm& t) {
          return t.counter == c.key();
        })) {
      throw ParameterError("counter " + c.key() + " costs energy and has no price");
    }
  }
  const std::vector<std::string> names = components();
  std::vector<std::vector<double>> energy(stats.values.size(),
                                          std::vector<double>(names.size(), 0.0));
  for (const EnergyTerm& t : terms_) {
    const auto counter = index_of_counter.find(t.counter);
    if (counter == index_of_counter.end()) continue;
    const auto component =
        static_cast<size_t>(std::find(names.begin(), names.end(), t.component) - names.begin());
    for (size_t layer = 0; layer < stats.values.size(); ++layer) {
      energy[layer][component] +=
          t.pj_per_count * static_cast<double>(stats.values[layer][counter->second]);
    }
  }
  return energy;
}

}  // namespace nibble::platforms
