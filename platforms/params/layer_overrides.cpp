#include "platforms/params/layer_overrides.h"

#include <fmt/format.h>

#include <algorithm>

#include "platforms/params/schema.h"
#include "platforms/params/value.h"

namespace nibble::platforms {
namespace {

constexpr const char* kFields[] = {
    "activations.block", "weights.block", "weights.scale", "depthwise.blocks",
    "activations",       "weights",       "block"};

[[noreturn]] void Refuse(const Setting& s, const std::string& why) {
  throw ParameterError(fmt::format("{}{} = \"{}\": {}", s.where, s.key, s.value, why));
}

struct Key {
  std::string pattern, field;
};

Key SplitKey(const Setting& s) {
  for (const std::string field : kFields) {
    const std::string ending = "." + field;
    const size_t begin = sizeof kLayersPrefix - 1;
    if (s.key.size() <= begin + ending.size()) continue;
    const size_t length = s.key.size() - begin - ending.size();
    if (s.key.compare(begin + length, ending.size(), ending) == 0) {
      return {s.key.substr(begin, length), field};
    }
  }
  Refuse(
      s,
      "expected layers.PATTERN.FIELD: PATTERN first, last, an operator or a layer's name (with * "
      "and ?), FIELD activations, weights, block, activations.block, weights.block, "
      "weights.scale or depthwise.blocks");
}

}  // namespace

numerics::LayerOverride ParseLayerOverride(const Setting& s) {
  const Key key = SplitKey(s);
  if (s.value == "same") Refuse(s, "expected a number of elements");
  // The value means what it means for the whole network.
  DesignPoint d;
  const std::vector<SchemaEntry> schema = Schema(d.platform);
  const auto entry = std::find_if(schema.begin(), schema.end(), [&](const SchemaEntry& e) {
    return e.info.name == "datapath." + key.field;
  });
  try {
    entry->set(s.value, d);
  } catch (const ValueError& error) {
    Refuse(s, fmt::format("{}; {}{}", error.what(), error.range_is, entry->info.range));
  }
  numerics::LayerOverride change;
  change.pattern = key.pattern;
  if (key.field == "activations") change.activations = d.datapath.activations;
  if (key.field == "weights") change.weights = d.datapath.weights;
  if (key.field == "depthwise.blocks") change.depthwise_blocks = d.datapath.depthwise_blocks;
  if (key.field == "weights.scale") change.weight_scale = d.datapath.weight_scale;
  if (key.field == "block" || key.field == "activations.block") {
    change.activation_block = d.datapath.activation_block;
  }
  if (key.field == "block" || key.field == "weights.block") {
    change.weight_block = d.datapath.weight_block;
  }
  return change;
}

Parameter DescribeLayerOverride(const Setting& s) {
  const Key key = SplitKey(s);
  Parameter p;
  p.name = s.key;
  p.type = "name";
  p.range = "as datapath." + key.field;
  p.default_value = "datapath." + key.field;
  p.meaning = "datapath." + key.field + " of layers \"" + key.pattern + "\"";
  p.value = s.value;
  p.is_default = false;
  return p;
}

}  // namespace nibble::platforms
