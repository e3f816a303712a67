#include "sw/evaluation/precision.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "platforms/params/value.h"

namespace nibble::evaluation {
namespace {

// Layer patterns that are words (docs/numerics.md), and might be a layer's name.
bool IsWord(const std::string& name) {
  if (name == "first" || name == "last" || name == "pointwise") return true;
  for (int op = 0; op <= static_cast<int>(trace::kLastOp); ++op) {
    if (name == trace::OpName(static_cast<trace::Op>(op))) return true;
  }
  return false;
}

// A pattern that matches this layer alone.
std::string PatternOf(const std::string& name) {
  std::string pattern = IsWord(name) ? "\\" : "";
  for (const char c : name) {
    if (c == '*' || c == '?' || c == '[' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern;
}

// The layers whose fields say how tensor `t` is stored: those that multiply it, or else the first
// that reads it (golden::Datapaths).
std::vector<int> LayersOf(const trace::Network& net, int t) {
  std::vector<int> multiply, read;
  for (size_t i = 0; i < net.layers.size(); ++i) {
    const trace::Layer& l = net.layers[i];
    const std::vector<int> inputs = trace::TensorsRead(l);
    if (l.multiplies(t)) multiply.push_back(static_cast<int>(i));
    if (read.empty() && std::find(inputs.begin(), inputs.end(), t) != inputs.end()) {
      read.push_back(static_cast<int>(i));
    }
  }
  return multiply.empty() ? read : multiply;
}

// Slots of activations. Tensors that share a layer are in one: both summands of an addition, the
// operands of a concatenation, a convolution's input and the residual that nobody multiplies.
std::vector<Slot> ActivationSlots(const trace::Network& net) {
  std::vector<int> group(net.layers.size(), -1);  // by layer: one of the tensors it speaks for
  const auto join = [&](int tensor) {
    for (const int layer : LayersOf(net, tensor)) {
      const int other = group[static_cast<size_t>(layer)];
      if (other >= 0) std::replace(group.begin(), group.end(), other, tensor);
      group[static_cast<size_t>(layer)] = tensor;
    }
  };
  std::vector<Slot> slots(net.tensors.size());  // by group
  const auto put = [&](int tensor, int next_layer) {
    const std::vector<int> layers = LayersOf(net, tensor);
    if (layers.empty()) return;  // nobody reads it
    const int g = group[static_cast<size_t>(layers[0])];
    Slot& slot = slots[static_cast<size_t>(g)];
    if (slot.tensors.empty()) {
      slot.layer = next_layer;
      for (size_t i = 0; i < group.size(); ++i) {
        if (group[i] == g) slot.layers.push_back(static_cast<int>(i));
      }
    }
    slot.tensors.push_back(tensor);
  };
  for (size_t t = 0; t < net.tensors.size(); ++t) join(static_cast<int>(t));
  put(net.input, 0);
  for (size_t i = 0; i < net.layers.size(); ++i) put(net.layers[i].output, static_cast<int>(i) + 1);
  slots.erase(std::remove_if(slots.begin(), slots.end(),
                             [](const Slot& slot) { return slot.tensors.empty(); }),
              slots.end());
  return slots;
}

}  // namespace

Choice ParseChoice(Operand operand, const std::string& text) {
  const std::string field = operand == Operand::kActivations ? "activations" : "weights";
  const std::vector<std::string> words = platforms::Split(text, ':');
  Choice choice{text, {}};
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.empty()) break;
    const bool number = word.find_first_not_of("0123456789") == std::string::npos;
    if (i == 0) {
      choice.fields.push_back(fmt::format("{}={}", field, word));
    } else if (number) {
      choice.fields.push_back(fmt::format("{}.block={}", field, word));
    } else {
      choice.fields.push_back(word);
    }
  }
  if (choice.fields.size() != words.size()) {
    throw std::invalid_argument(
        fmt::format("choice \"{}\": expected FORMAT[:BLOCK][:FIELD=VALUE]", text));
  }
  return choice;
}

std::vector<Choice> ParseChoices(Operand operand, const std::string& list) {
  std::vector<Choice> choices;
  for (const std::string& word : platforms::Split(list, ',')) {
    choices.push_back(ParseChoice(operand, word));
  }
  return choices;
}

std::string DefaultChoices(Operand operand, platforms::Platform platform) {
  const bool six_bits =
      operand == Operand::kActivations || platform != platforms::Platform::kNearmem;
  return six_bits ? "fp16,fp8,mxfp6:32,nvfp4:16" : "fp16,fp8,nvfp4:16";
}

std::vector<Slot> FindSlots(const trace::Network& net) {
  std::vector<Slot> slots = ActivationSlots(net);
  for (size_t i = 0; i < net.layers.size(); ++i) {
    const int layer = static_cast<int>(i);
    if (net.layers[i].has_weights()) slots.push_back({Operand::kWeights, {}, layer, {layer}});
  }
  return slots;
}

std::vector<std::string> SetsOf(const trace::Network& net, const PrecisionSpace& space,
                                const Assignment& assignment) {
  std::vector<std::string> sets;
  for (size_t s = 0; s < space.slots.size(); ++s) {
    const Choice& choice = space.ChoicesOf(s)[static_cast<size_t>(assignment[s])];
    for (const int layer : space.slots[s].layers) {
      const std::string pattern = PatternOf(net.layers[static_cast<size_t>(layer)].name);
      for (const std::string& field : choice.fields) {
        sets.push_back(fmt::format("layers.{}.{}", pattern, field));
      }
    }
  }
  return sets;
}

}  // namespace nibble::evaluation
