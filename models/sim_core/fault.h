// What can be wrong with a job. Firmware's mistakes end here and never in a C++ exception.
#pragma once

#include <array>
#include <cstdint>

namespace nibble::sim {

// Values are part of the programmer's model (ERROR_CODE): new ones go to the end of their group.
enum class FaultCode : uint8_t {
  kNone = 0x00,
  // Of accesses to registers.
  kUnmapped = 0x01,
  kAccessSize = 0x02,
  kReadOnly = 0x03,
  kWriteOnly = 0x04,
  kBusyRegister = 0x05,
  // Of the ring and its descriptors.
  kRingSize = 0x10,
  kRingBase = 0x11,
  kRingOverrun = 0x12,
  kDescriptor = 0x13,
  kCommandMemory = 0x14,
  // Of command words, before an engine sees them.
  kOpcode = 0x20,
  kReservedBits = 0x21,
  kNoEngine = 0x22,
  kLayer = 0x23,
  // Of command words, found by the engine that executes them.
  kDramAddress = 0x30,
  kSramRange = 0x31,
  kNotConfigured = 0x32,
  kGeometry = 0x33,
  kFormat = 0x34,
  kOperands = 0x35,
  kEngine = 0x3F,
  // Of time.
  kWatchdog = 0x40,
};

struct FaultInfo {
  FaultCode code;
  const char* name;     // "RING_OVERRUN"
  const char* meaning;  // one line
};

// Every code that ERROR_CODE can show, ascending.
const std::array<FaultInfo, 23>& FaultCodes();
const char* FaultName(FaultCode code);  // "UNKNOWN" for what is no code

struct Fault {
  FaultCode code = FaultCode::kNone;
  uint32_t word = 0;     // index of the command word in its job
  uint64_t address = 0;  // in DRAM or a scratchpad, or the register's offset

  explicit operator bool() const { return code != FaultCode::kNone; }
};

}  // namespace nibble::sim
