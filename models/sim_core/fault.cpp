#include "models/sim_core/fault.h"

namespace nibble::sim {

const std::array<FaultInfo, 23>& FaultCodes() {
  using F = FaultCode;
  static const std::array<FaultInfo, 23> kCodes{{
      {F::kNone, "NONE", "no error"},
      {F::kUnmapped, "UNMAPPED", "access to an offset that has no register"},
      {F::kAccessSize, "ACCESS_SIZE", "access that is not 4 bytes at a multiple of 4"},
      {F::kReadOnly, "READ_ONLY", "write of a read-only register"},
      {F::kWriteOnly, "WRITE_ONLY", "read of a write-only register"},
      {F::kBusyRegister, "BUSY_REGISTER",
       "write of RING_BASE or RING_SIZE while CONTROL.ENABLE is set"},
      {F::kRingSize, "RING_SIZE", "ring size is no power of two from 1 to 65536"},
      {F::kRingBase, "RING_BASE", "ring is not aligned to 32 bytes, or not inside the DRAM"},
      {F::kRingOverrun, "RING_OVERRUN", "tail is ahead of head by more than the ring's size"},
      {F::kDescriptor, "DESCRIPTOR",
       "descriptor with reserved bits set, without words or layers, with more layers than LAYERS, "
       "or with words that are not aligned to 32 bytes"},
      {F::kCommandMemory, "COMMAND_MEMORY", "command words are not inside the DRAM"},
      {F::kOpcode, "OPCODE", "command word with an unknown opcode"},
      {F::kReservedBits, "RESERVED_BITS", "command word with a reserved bit set"},
      {F::kNoEngine, "NO_ENGINE",
       "command word for, or with tokens from or to, an engine that the machine lacks"},
      {F::kLayer, "LAYER", "command word of a layer beyond those of its descriptor"},
      {F::kDramAddress, "DRAM_ADDRESS", "DRAM address beyond the memory"},
      {F::kSramRange, "SRAM_RANGE", "range beyond the end of its scratchpad"},
      {F::kNotConfigured, "NOT_CONFIGURED",
       "word that needs a configuration which the job has not given"},
      {F::kGeometry, "GEOMETRY", "sizes of a convolution or window that do not fit each other"},
      {F::kFormat, "FORMAT", "unknown storage format, block size, activation or buffer"},
      {F::kOperands, "OPERANDS",
       "tile whose rows, channels or registers are not those that its configuration allows"},
      {F::kEngine, "ENGINE", "the engine cannot execute the word for another reason"},
      {F::kWatchdog, "WATCHDOG",
       "no engine has worked for WATCHDOG cycles: command words wait for each other"},
  }};
  return kCodes;
}

const char* FaultName(FaultCode code) {
  for (const FaultInfo& info : FaultCodes()) {
    if (info.code == code) return info.name;
  }
  return "UNKNOWN";
}

}  // namespace nibble::sim
