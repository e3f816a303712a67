// Collects command words in order and finds the tokens that make them wait for each other.
#pragma once

#include <vector>

#include "models/sim_core/command.h"

namespace nibble::lowering {

using CommandId = int;  // index of a word in the program; kNone: no word
inline constexpr CommandId kNone = -1;

class Emitter {
 public:
  // Appends `command`, which must not start before every word in `after` is done. An engine
  // executes its words in order and token channels are counted in order, so only a dependency on a
  // later word than any that this engine has already waited for takes a token.
  CommandId Emit(sim::Command command, const std::vector<CommandId>& after = {});

  sim::Command& at(CommandId id) { return commands_[id]; }
  std::vector<sim::Command> Take() { return std::move(commands_); }
  size_t size() const { return commands_.size(); }

  // Layer and tile written into the words that follow.
  void set_layer(uint16_t layer) { layer_ = layer; }
  void set_tile(uint16_t tile) { tile_ = tile; }

 private:
  std::vector<sim::Command> commands_;
  CommandId awaited_[sim::kEngines][sim::kEngines] =
      {};  // [producer][consumer]: 1 + latest word awaited
  uint16_t layer_ = 0, tile_ = 0;
};

sim::Command MakeCommand(sim::Opcode opcode, uint8_t flags = 0);

}  // namespace nibble::lowering
