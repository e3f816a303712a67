#include "sw/lowering/emitter.h"

#include <algorithm>
#include <cstring>

namespace nibble::lowering {

sim::Command MakeCommand(sim::Opcode opcode, uint8_t flags) {
  sim::Command command;
  std::memset(static_cast<void*>(&command), 0, sizeof command);
  command.opcode = opcode;
  command.flags = flags;
  return command;
}

CommandId Emitter::Emit(sim::Command command, const std::vector<CommandId>& after) {
  command.layer = layer_;
  command.tile = tile_;
  const auto consumer = static_cast<int>(sim::EngineOf(command.opcode));
  CommandId latest[sim::kEngines];
  std::fill(std::begin(latest), std::end(latest), kNone);
  for (CommandId id : after) {
    if (id == kNone) continue;
    const auto producer = static_cast<int>(sim::EngineOf(commands_[id].opcode));
    latest[producer] = std::max(latest[producer], id);
  }
  for (int producer = 0; producer < sim::kEngines; ++producer) {
    if (producer == consumer || latest[producer] < awaited_[producer][consumer]) continue;
    awaited_[producer][consumer] = latest[producer] + 1;
    command.wait |= static_cast<uint8_t>(1u << producer);
    commands_[latest[producer]].signal |= static_cast<uint8_t>(1u << consumer);
  }
  commands_.push_back(command);
  return static_cast<CommandId>(commands_.size()) - 1;
}

}  // namespace nibble::lowering
