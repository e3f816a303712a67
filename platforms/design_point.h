// A design point: one complete, resolved set of hardware parameters for one platform, from one
// typed schema.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "models/accel/config.h"
#include "models/memory/bus_schedule.h"
#include "models/memory/dram.h"
#include "models/memory/sram_config.h"
#include "models/nearmem/config.h"
#include "models/numerics/datapath.h"

namespace nibble::platforms {

enum class Platform { kAccel, kNearmem };
const char* PlatformName(Platform platform);
Platform ParsePlatform(const std::string& name);  // throws ParameterError naming the known ones

// What decides where a layer runs when nearmem.layers = auto: the smaller estimate of these.
enum class NearmemAuto : uint8_t { kTime, kEnergy };

// Unknown key (nearest name suggested), wrong unit, value out of range: exit code 2. what() is one
// line.
class ParameterError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One parameter as `sim params` lists it and as every run stores it.
struct Parameter {
  std::string name;   // "tensor.rows"
  std::string type;   // "integer", "number", "size", "name", "list"
  std::string unit;   // "", "B", "MHz", ...
  std::string range;  // "1..256", "os | ws"
  std::string default_value;
  std::string meaning;  // one line
  std::string value;    // resolved, in the form that --set accepts
  bool is_default = true;
};

struct DesignPoint {
  Platform platform = Platform::kAccel;
  numerics::Datapath datapath;
  std::vector<numerics::LayerOverride> layer_overrides;  // in order: later ones count
  accel::ComputeConfig compute;
  uint32_t clock_mhz = 1000;
  accel::TensorConfig tensor;
  accel::VectorConfig vector;
  accel::DmaConfig dma;
  accel::FetchConfig fetch;
  memory::SramConfig sram_act, sram_weight, sram_acc, sram_out;
  bool sram_extrapolate = false;  // sizes beyond the CACTI table
  memory::BusConfig bus;
  bool keep_activations =
      true;  // an output stays in the activation SRAM when the next layer reads it
  memory::DramDevice dram;
  uint32_t dram_channels = 2;
  std::string dram_mapping;
  memory::DramConfig dram_config;
  nearmem::NearmemConfig nearmem;  // kNearmem only
  std::string nearmem_layers;      // which layers run near the memory: "none", "auto" or a comma
                                   // list of pointwise, conv, fc
  NearmemAuto nearmem_auto = NearmemAuto::kEnergy;
  std::string energy_preset;
  std::string sram_node, sram_cell;   // row set of the CACTI table: "22", "itrs-lstp"
  std::vector<Parameter> parameters;  // all of the platform's, in schema order, resolved

  std::string OneLine() const;  // the design point in one line, for headers
};

// The schema of a platform with its defaults (value == default_value).
std::vector<Parameter> ListParameters(Platform platform);

// Defaults, then the preset file (a path, or a name looked up in platforms/*.cfg; empty: none),
// then `sets`
// ("key=value", the last of the same key wins).
DesignPoint Resolve(Platform platform, const std::string& config,
                    const std::vector<std::string>& sets);

// The resolved design point in the form that Resolve reads as a file, defaults marked as such.
std::string ConfigText(const DesignPoint& design);

// Folder that holds platforms/ and traces/: the source tree, or share/nibble of an installation,
// found from the executable's place; the environment variable NIBBLE_DATA overrides it.
std::string DataFolder();

}  // namespace nibble::platforms
