#include "platforms/sram_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "platforms/params/value.h"

namespace nibble::platforms {

namespace {

// A second port, of CACTI's own scaling of the cell: 146 F^2 with an aspect ratio of 1.46 is 10 F
// by 14.6 F, and another port adds two wires of 2.5 F pitch to each side: 15 F by 19.6 F = 294 F^2.
// Wires grow with the side, so their energy does with the root of the area; two access transistors
// join six.
constexpr double kDualPortArea = 294.0 / 146.0;
constexpr double kDualPortLeakage = 8.0 / 6.0;
constexpr char kDualPortSource[] =
    "second port: area x 294/146, energy x its root, leakage x 8/6, derived from CACTI's cell "
    "(146 F^2, aspect 1.46, wires of 2.5 F pitch)";

// Exclusive ors of two bits to make or check the code of a word: 216 ones in Hsiao's matrix, less
// the eight sums' first.
constexpr double kCodingXors = 208;

// To a millionth, for 0.432 V / 0.8 V is 0.54; no voltage is the nominal one.
double RatioOf(double vdd, double nominal) {
  return vdd == 0 ? 1 : std::round(vdd / nominal * 1e6) / 1e6;
}

}  // namespace

std::vector<std::pair<std::string, const memory::SramConfig*>> SramsOf(const DesignPoint& d) {
  return {
      {"act", &d.sram_act}, {"weight", &d.sram_weight}, {"acc", &d.sram_acc}, {"out", &d.sram_out}};
}

SramPrice SramModel::BankPrice(const DesignPoint& d, const std::string& name,
                               const memory::SramConfig& sram) const {
  return table_.Price(
      d.sram_node, d.sram_cell, sram.width * 8, sram.size / sram.banks,
      fmt::format("sram.{0}.size = \"{1}\", sram.{0}.banks = \"{2}\", sram.{0}.width = \"{3}\"",
                  name, FormatSize(sram.size), sram.banks, sram.width),
      d.sram_extrapolate);
}

SramFigures SramModel::FiguresOf(const DesignPoint& d, const std::string& name,
                                 const memory::SramConfig& sram) const {
  const SramPrice bank = BankPrice(d, name, sram);
  const double bits = sram.width * 8;
  SramFigures f;
  f.read_pj = bank.read_pj;
  f.write_pj = bank.write_pj;
  f.check_read_pj = bank.read_pj / bits;
  f.check_write_pj = bank.write_pj / bits;
  f.leakage_mw = bank.leakage_mw * sram.banks;
  f.area_mm2 = bank.area_mm2 * sram.banks;
  f.access_ns = bank.access_ns;
  f.source =
      fmt::format("{} nm {}, one bank of {}, {}-bit port, log2-interpolated; {}", d.sram_node,
                  d.sram_cell, FormatSize(sram.size / sram.banks), bits, table_.source());
  f.leakage_source = f.area_source =
      fmt::format("{} banks of sram.{}: {}", sram.banks, name, f.source);
  f.check_source = "one bit of an access; " + f.source;
  if (sram.ports == 2) {
    for (double* pj : {&f.read_pj, &f.write_pj, &f.check_read_pj, &f.check_write_pj}) {
      *pj *= std::sqrt(kDualPortArea);
    }
    f.area_mm2 *= kDualPortArea;
    f.leakage_mw *= kDualPortLeakage;
    for (std::string* source : {&f.source, &f.check_source, &f.leakage_source, &f.area_source}) {
      *source += std::string("; ") + kDualPortSource;
    }
  }
  const double nominal = voltage_.Nominal(d.sram_node, d.sram_cell);
  const double ratio = RatioOf(sram.vdd, nominal);
  if (ratio != 1) {
    for (double* pj : {&f.read_pj, &f.write_pj, &f.check_read_pj, &f.check_write_pj}) {
      *pj *= ratio * ratio;
    }
    f.leakage_mw *= ratio;
    const std::string at =
        fmt::format("; at {:g} V of {:g} V ({})", sram.vdd, nominal, voltage_.nominal_source());
    f.source += at + ", by the square";
    f.check_source += at + ", by the square";
    f.leakage_source += at + ", in proportion: " + voltage_.leakage_source();
  }
  f.error_source =
      sram.error_rate == voltage_.ErrorRate(ratio)
          ? fmt::format("{:g} V of {:g} V; {}", sram.vdd, nominal, voltage_.rate_source())
          : "given as sram." + name + ".error_rate";
  if (sram.ecc != memory::Ecc::kNone) {
    // Tiles lie anywhere, so that any word may be one that is protected.
    constexpr double kMore =
        1 + static_cast<double>(memory::kEccCheckBits) / (8 * memory::kEccWordBytes);
    f.area_mm2 *= kMore;
    f.leakage_mw *= kMore;
    f.area_source += "; x 72/64 for check bits of every word, derived";
    f.leakage_source += "; x 72/64 for check bits of every word, derived";
    const SourcedValue adder = ReadArithmeticPrices(d.energy_preset).int32_add;
    const double coding = kCodingXors * adder.value / 64 / memory::kEccCheckBits;
    f.check_read_pj += coding;
    f.check_write_pj += coding;
    f.check_source +=
        fmt::format("; and {:g} exclusive ors a word, each half a bit of an int32 add, derived; {}",
                    kCodingXors, adder.source);
  }
  return f;
}

void SramModel::Resolve(DesignPoint& d) const {
  const double nominal = voltage_.Nominal(d.sram_node, d.sram_cell);
  const std::pair<const char*, memory::SramConfig*> srams[] = {
      {"act", &d.sram_act}, {"weight", &d.sram_weight}, {"acc", &d.sram_acc}, {"out", &d.sram_out}};
  for (const auto& [name, sram] : srams) {
    if (sram->latency == 0) {
      const double cycles = BankPrice(d, name, *sram).access_ns * d.clock_mhz / 1000;
      sram->latency = static_cast<uint32_t>(std::max(1.0, std::ceil(cycles)));
    }
    if (sram->vdd == 0) sram->vdd = nominal;
    const double ratio = RatioOf(sram->vdd, nominal);
    if (ratio < voltage_.lowest_ratio() || ratio > 1) {
      throw ParameterError(fmt::format(
          "sram.{}.vdd = \"{:g}\": out of range; expected {:g}..{:g} V, {:g} to 1 of the nominal "
          "voltage of {} nm {}: below, the measured memory stops",
          name, sram->vdd, nominal * voltage_.lowest_ratio(), nominal, voltage_.lowest_ratio(),
          d.sram_node, d.sram_cell));
    }
    if (sram->error_rate < 0) sram->error_rate = voltage_.ErrorRate(ratio);
  }
}

}  // namespace nibble::platforms
