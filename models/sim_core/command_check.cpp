#include "models/sim_core/command_check.h"

namespace nibble::sim {

namespace {

constexpr int kFirstOpcode = static_cast<int>(Opcode::kLoad);
constexpr int kLastOpcode = static_cast<int>(Opcode::kVectorTranspose);

uint8_t FlagsOf(Opcode opcode) {
  switch (opcode) {
    case Opcode::kLoad:
      return kHoldsScales;
    case Opcode::kStore:
    case Opcode::kForward:
      return kHoldsScales | kEndOfLayer;
    case Opcode::kVectorPool:
      return kFirst | kLast;
    case Opcode::kVectorMultiply:
      return kBroadcast;
    case Opcode::kVectorWindow:
      return kLargest | kCountPadding;
    default:
      return 0;
  }
}

bool ReservedFieldsAreZero(const Command& c) {
  switch (c.opcode) {
    case Opcode::kLoad:
    case Opcode::kStore:
      return c.copy.reserved == 0;
    case Opcode::kForward:
      return c.move.reserved == 0;
    case Opcode::kVectorConfig:
      return c.epilogue.reserved == 0 &&
             (c.epilogue.flags &
              ~(kPerChannelScale | kHasResidual | kStrips | kTrackAmax | kStoredWeights)) == 0;
    case Opcode::kVectorScales:
      return c.scales.reserved == 0;
    case Opcode::kVectorCopy:
    case Opcode::kVectorTranspose:
      return c.channel_copy.reserved == 0;
    case Opcode::kVectorWindow:
      return c.window.reserved == 0;
    default:
      return true;
  }
}

}  // namespace

FaultCode CheckWord(const Command& command, uint8_t engines, uint32_t layers) {
  const int opcode = static_cast<int>(command.opcode);
  if (opcode < kFirstOpcode || opcode > kLastOpcode) return FaultCode::kOpcode;
  if ((command.flags & ~FlagsOf(command.opcode)) != 0 || !ReservedFieldsAreZero(command)) {
    return FaultCode::kReservedBits;
  }
  const uint8_t needed = EngineBit(EngineOf(command.opcode)) | command.wait | command.signal;
  if ((needed & ~engines) != 0) return FaultCode::kNoEngine;
  if (command.layer >= layers) return FaultCode::kLayer;
  return FaultCode::kNone;
}

}  // namespace nibble::sim
