// What mixed precision is made of: places in a network that have a format of their own, and the
// formats to choose from.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "platforms/design_point.h"
#include "sw/trace/network.h"

namespace nibble::evaluation {

// One choice: fields of `layers.PATTERN.FIELD` and their values, "weights=nvfp4",
// "weights.block=16".
struct Choice {
  std::string name;
  std::vector<std::string> fields;
};

enum class Operand { kActivations, kWeights };

// "nvfp4:16", "mxfp6:32", "fp16", "nvfp4:16:weights.scale=channel": a format, and behind colons a
// block or further fields. Throws std::invalid_argument for an empty word. What a format or field
// may be is checked where a design point is resolved.
Choice ParseChoice(Operand operand, const std::string& text);
std::vector<Choice> ParseChoices(Operand operand, const std::string& list);  // between commas

// Unless others are asked for: one of each width, most exact first. Weights of 6 bits are not for
// layers near the memory, whose columns they do not fill.
std::string DefaultChoices(Operand operand, platforms::Platform platform);

// What has a format of its own: stored tensors whose format the same layers' fields say, or the
// weights of one layer.
struct Slot {
  Operand operand = Operand::kActivations;
  std::vector<int> tensors;  // of activations, in the order in which they are written
  int layer = 0;             // the first that a change of the slot changes the result of
  std::vector<int> layers;   // whose fields say the format
};
// Every tensor that a layer reads is in one slot; the output, which stays FP32, in none.
std::vector<Slot> FindSlots(const trace::Network& net);

struct PrecisionSpace {
  std::vector<Slot> slots;
  std::vector<Choice> activations, weights;  // most exact first

  const std::vector<Choice>& ChoicesOf(size_t slot) const {
    return slots[slot].operand == Operand::kActivations ? activations : weights;
  }
};

// Choices by slot, as indices into the list of the slot's operand.
using Assignment = std::vector<int>;

// An assignment as --set takes it: layers by their names, with what fnmatch would take for
// wildcards escaped, and so that none is taken for an operator, `first` or `last`.
std::vector<std::string> SetsOf(const trace::Network& net, const PrecisionSpace& space,
                                const Assignment& assignment);

// What makes a design point of further --set.
using Resolver = std::function<platforms::DesignPoint(const std::vector<std::string>&)>;

}  // namespace nibble::evaluation
