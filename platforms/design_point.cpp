#include "platforms/design_point.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <map>

#include "models/numerics/accumulate.h"
#include "models/numerics/weight_profiles.h"
#include "platforms/energy_files.h"
#include "platforms/energy_model.h"
#include "platforms/params/layer_overrides.h"
#include "platforms/params/preset.h"
#include "platforms/params/schema.h"
#include "platforms/params/value.h"
#include "platforms/sram_model.h"

namespace nibble::platforms {
namespace po = boost::program_options;

namespace {

constexpr Platform kPlatforms[] = {Platform::kAccel, Platform::kNearmem};

std::string Quote(const std::string& key, const std::string& value) {
  return key + " = \"" + value + "\": ";
}

Setting ParseSet(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw ParameterError("\"" + text + "\": expected key=value");
  }
  return {Trim(text.substr(0, equals)), Trim(text.substr(equals + 1)), "", 0};
}

[[noreturn]] void RefuseKey(const Setting& s, Platform platform,
                            const std::vector<SchemaEntry>& schema) {
  const std::string message = s.where + Quote(s.key, s.value);
  for (const Platform other : kPlatforms) {
    if (other == platform) continue;
    for (const SchemaEntry& e : Schema(other)) {
      if (e.info.name == s.key) {
        throw ParameterError(message + "parameter of platform " + PlatformName(other) +
                             ", not of " + PlatformName(platform));
      }
    }
  }
  std::vector<std::string> names;
  names.reserve(schema.size());
  for (const SchemaEntry& e : schema) names.push_back(e.info.name);
  const std::string nearest = Nearest(s.key, names);
  std::string hint = "known: " + Join(names, ", ");
  for (const SchemaEntry& e : schema) {
    if (e.info.name == nearest) {
      hint = "did you mean " + nearest + " (" + e.info.range + ")?";
    }
  }
  throw ParameterError(message + "unknown parameter; " + hint);
}

// Rules between parameters; those within one are in the schema.
void CheckSram(const std::string& name, const memory::SramConfig& sram) {
  const uint32_t stripe = sram.banks * sram.width;
  if (sram.size % stripe != 0) {
    throw ParameterError(Quote("sram." + name + ".size", FormatSize(sram.size)) +
                         fmt::format("not divisible by sram.{0}.banks * sram.{0}.width = {1} * "
                                     "{2} = {3} B",
                                     name, sram.banks, sram.width, stripe));
  }
}

// A quantiser of another library brings its own rounding and tensor scale.
void CheckProfile(const numerics::Datapath& d) {
  if (d.weight_profile == numerics::Profile::kNv) return;
  const std::string key =
      Quote("datapath.weights.profile", numerics::ProfileName(d.weight_profile));
  if (d.weights != numerics::Format::kNvfp4) {
    throw ParameterError(key + "a quantiser of nvfp4, and datapath.weights is " +
                         numerics::FormatName(d.weights));
  }
  if (d.weight_rounding.mode != numerics::RoundingMode::kNearestEven) {
    throw ParameterError(key + "rounds as its library does; datapath.weights.rounding is another");
  }
  if (d.tensor_scale == numerics::ScaleSource::kNone &&
      numerics::HasTensorScale(d.weight_profile)) {
    throw ParameterError(key + "has a tensor scale, and datapath.tensor_scale is none");
  }
}

void CheckTogether(const DesignPoint& d) {
  CheckProfile(d.datapath);
  try {
    numerics::CheckWeightScale(d.datapath);
  } catch (const std::invalid_argument& error) {
    throw ParameterError(error.what());
  }
  try {
    numerics::CheckOperands(d.datapath.accumulator, d.datapath.activations, d.datapath.weights);
  } catch (const std::invalid_argument& error) {
    throw ParameterError(
        Quote("datapath.accumulator", numerics::AccumulatorName(d.datapath.accumulator.kind)) +
        error.what());
  }
  try {
    numerics::CheckMultiplier(d.compute.multiplier, d.datapath.activations, d.datapath.weights);
  } catch (const std::invalid_argument& error) {
    throw ParameterError(
        Quote("datapath.multiplier", numerics::MultiplierName(d.compute.multiplier)) +
        error.what());
  }
  CheckSram("act", d.sram_act);
  CheckSram("weight", d.sram_weight);
  CheckSram("acc", d.sram_acc);
  CheckSram("out", d.sram_out);
  if (d.dma.chunk % d.dram.burst_bytes != 0) {
    throw ParameterError(Quote("dma.chunk", FormatSize(d.dma.chunk)) +
                         fmt::format("not divisible by the burst of dram.device {}, {} B",
                                     d.dram.name, d.dram.burst_bytes));
  }
  try {
    memory::CheckDramConfig(d.dram, d.dram_config);
  } catch (const std::invalid_argument& error) {
    throw ParameterError(error.what());
  }
  if (d.cpu.ram_bytes % 4096 != 0) {  // all else that CpuConfig::Check() asks is in the schema
    throw ParameterError(Quote("cpu.ram", FormatSize(d.cpu.ram_bytes)) +
                         "not a multiple of 4096 B");
  }
  if (d.platform != Platform::kNearmem) return;
  if (d.dram_config.ranks > 1) {
    throw ParameterError(Quote("dram.ranks", std::to_string(d.dram_config.ranks)) +
                         "platform nearmem has its units in one rank a channel");
  }
  if (d.dram_config.refresh == memory::DramConfig::Refresh::kPerBank) {
    throw ParameterError(
        "dram.refresh = \"per-bank\": platform nearmem works in all banks at "
        "once, which needs all-bank refresh");
  }
  if (!memory::DramMapping(d.dram, d.dram_channels, d.dram_mapping).row_first()) {
    throw ParameterError(Quote("dram.mapping", d.dram_mapping) +
                         "\"row\" does not come first, as platform nearmem needs: its weights take "
                         "whole rows of all banks");
  }
  if (d.nearmem.buffer_bytes % d.dram.burst_bytes != 0) {
    throw ParameterError(Quote("nearmem.buffer", FormatSize(d.nearmem.buffer_bytes)) +
                         fmt::format("not divisible by the burst of dram.device {}, {} B",
                                     d.dram.name, d.dram.burst_bytes));
  }
  const uint32_t codes =
      d.dram.burst_bytes * 8 / static_cast<uint32_t>(numerics::ElementBits(d.datapath.weights));
  const uint32_t pixels = std::min(d.nearmem.pixels, d.nearmem.accumulators);
  if (d.nearmem.lanes > codes * pixels) {
    throw ParameterError(
        Quote("nearmem.lanes", std::to_string(d.nearmem.lanes)) +
        fmt::format("more than the {} codes of one column access of dram.device {} for {} pixels "
                    "(nearmem.pixels, nearmem.accumulators)",
                    codes, d.dram.name, pixels));
  }
  if (d.nearmem.mode == nearmem::BankMode::kPerBank &&
      d.nearmem.activation != nearmem::BankActivation::kFaw) {
    throw ParameterError(
        "nearmem.activation: one command opens several banks in all-bank mode "
        "only; nearmem.mode is per-bank");
  }
}

}  // namespace

const char* PlatformName(Platform platform) {
  return platform == Platform::kAccel ? "accel" : "nearmem";
}

Platform ParsePlatform(const std::string& name) {
  std::vector<std::string> names;
  for (const Platform p : kPlatforms) {
    if (name == PlatformName(p)) return p;
    names.emplace_back(PlatformName(p));
  }
  throw ParameterError("platform \"" + name + "\": expected " + Join(names, " | "));
}

std::vector<Parameter> ListParameters(Platform platform) {
  std::vector<Parameter> list;
  for (SchemaEntry& e : Schema(platform)) list.push_back(std::move(e.info));
  return list;
}

DesignPoint Resolve(Platform platform, const std::string& config,
                    const std::vector<std::string>& sets) {
  std::vector<SchemaEntry> schema = Schema(platform);
  po::options_description options;
  for (const SchemaEntry& e : schema) {
    options.add_options()(e.info.name.c_str(),
                          po::value<std::string>()->default_value(e.info.default_value),
                          e.info.meaning.c_str());
  }

  // The command line after the preset; the last of the same key wins.
  std::vector<Setting> settings;
  if (!config.empty()) settings = ReadPreset(config, platform);
  for (const std::string& s : sets) settings.push_back(ParseSet(s));
  const auto network =
      std::stable_partition(settings.begin(), settings.end(),
                            [](const Setting& s) { return s.key.rfind(kLayersPrefix, 0) != 0; });
  std::vector<Setting> of_layers;  // of the same key the last, in the order of these
  for (auto s = network; s != settings.end(); ++s) {
    const auto again = [&](const Setting& later) { return later.key == s->key; };
    if (std::none_of(s + 1, settings.end(), again)) of_layers.push_back(*s);
  }
  settings.erase(network, settings.end());
  std::map<std::string, std::string> where;
  po::variables_map values;
  for (auto s = settings.rbegin(); s != settings.rend(); ++s) {
    if (options.find_nothrow(s->key, false) == nullptr) RefuseKey(*s, platform, schema);
    where.emplace(s->key, s->where);
    po::parsed_options one(&options);
    one.options.emplace_back(s->key, std::vector<std::string>{s->value});
    po::store(one, values);  // ignores keys that have a value already
  }
  po::parsed_options defaults(&options);
  po::store(defaults, values);

  DesignPoint d;
  d.platform = platform;
  for (SchemaEntry& e : schema) {
    const std::string text = values[e.info.name].as<std::string>();
    try {
      e.info.value = e.set(text, d);
    } catch (const ValueError& error) {
      throw ParameterError(where[e.info.name] + Quote(e.info.name, text) + error.what() + "; " +
                           error.range_is + e.info.range +
                           (e.info.unit.empty() ? "" : " (" + e.info.unit + ")"));
    } catch (const std::invalid_argument& error) {  // a data file is wrong
      throw ParameterError(where[e.info.name] + Quote(e.info.name, text) + error.what());
    }
    if (e.info.name == "sram.node" && values[e.info.name].defaulted()) {
      const std::string preset = values["energy.preset"].as<std::string>();
      if (HasEnergyPreset(preset)) e.info.value = d.sram_node = SramNodeOfPreset(preset);
    }
    e.info.is_default = e.info.value == e.info.default_value;
    d.parameters.push_back(e.info);
  }
  for (const Setting& s : of_layers) {
    d.layer_overrides.push_back(ParseLayerOverride(s));
    d.parameters.push_back(DescribeLayerOverride(s));
  }
  CheckTogether(d);
  const SramModel srams;
  srams.Resolve(d);
  // Refuses here, and not after a run, what the energy tables do not cover.
  static_cast<void>(EnergyModel(d, srams));
  return d;
}

std::string ConfigText(const DesignPoint& design) {
  size_t width = 0;
  for (const Parameter& p : design.parameters) {
    width = std::max(width, p.name.size() + 3 + p.value.size());
  }
  std::string text =
      fmt::format("# {}\nplatform = {}\n", design.OneLine(), PlatformName(design.platform));
  for (const Parameter& p : design.parameters) {
    const std::string setting = p.name + " = " + p.value;
    text += fmt::format("{:<{}}  # {}{}{}\n", setting, width, p.is_default ? "default" : "set",
                        p.unit.empty() ? "" : ", ", p.unit);
  }
  return text;
}

std::string DesignPoint::OneLine() const {
  const auto kib = [](const memory::SramConfig& s) { return s.size / 1024.0; };
  std::string line = fmt::format(
      "{}x{}x{} {} @ {} MHz, sram {:g}+{:g}+{:g}+{:g} KiB, {} x{}", tensor.rows, tensor.cols,
      tensor.lanes, tensor.dataflow == accel::Dataflow::kOutputStationary ? "os" : "ws", clock_mhz,
      kib(sram_act), kib(sram_weight), kib(sram_acc), kib(sram_out), dram.name, dram_channels);
  if (platform == Platform::kNearmem) {
    line += fmt::format(", near memory {} lanes {} ({})", nearmem.lanes,
                        nearmem.unit_banks == 1 ? "a bank" : "two banks", nearmem_layers);
    if (nearmem.activation == nearmem::BankActivation::kAll) {
      line += fmt::format(", {} banks of a channel activated at once where tFAW allows 4",
                          dram.banks() / nearmem.unit_banks);
    }
  }
  return line + fmt::format(", energy {}/{}nm {}", energy_preset, sram_node, sram_cell);
}

}  // namespace nibble::platforms
