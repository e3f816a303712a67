// The registers of both platforms, each declared once: from these declarations come the register
// file of the simulated machine, the C header of the firmware and docs/registers.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/sim_core/command.h"

namespace nibble::control {

enum class Access : uint8_t {
  kReadOnly,
  kReadWrite,
  kWriteOneToClear,  // writing 1 to a bit clears it, 0 leaves it
  kWriteOnly,        // a command; reading is an error
};
const char* AccessName(Access access);  // "RO", "RW", "W1C", "WO"

struct Field {
  std::string name;
  uint8_t high = 31, low = 0;
  std::string meaning;

  uint32_t mask() const { return ~uint32_t{0} >> (31 - high + low) << low; }
};

struct Register {
  std::string name;
  uint32_t offset = 0;  // bytes from the base of the block
  Access access = Access::kReadOnly;
  uint32_t reset = 0;  // after power-on and soft reset
  std::string meaning;
  std::vector<Field> fields{};  // empty: one number of 32 bits

  // Bits that exist; the others read as zero, and writing them has no effect.
  uint32_t mask() const;
};

// What the registers say of the machine they belong to, and which of them there are.
struct Capabilities {
  uint8_t engines = 0;       // mask of sim::EngineBit
  bool near_memory = false;  // the platform is `nearmem`
  uint32_t layers = 0;       // for how many layers of a program the machine counts events
  uint64_t dram_bytes = 0;
};

// In order of offset.
using RegisterMap = std::vector<Register>;

// Registers whose number of bits or meaning depends on the machine take them from `capabilities`.
RegisterMap MakeRegisterMap(const Capabilities& capabilities);
// Those of a platform, for headers and documents: what depends on the design point is zero.
RegisterMap PlatformRegisterMap(bool near_memory);

inline constexpr uint32_t kBlockBytes = 0x1000;  // size of the register block

// Offsets.
inline constexpr uint32_t kId = 0x000, kVersion = 0x004, kCapabilities = 0x008, kLayers = 0x00C,
                          kDramBytesLo = 0x010, kDramBytesHi = 0x014;
inline constexpr uint32_t kControl = 0x020, kReset = 0x024, kStatus = 0x028, kWatchdog = 0x02C;
inline constexpr uint32_t kRingBaseLo = 0x040, kRingBaseHi = 0x044, kRingSize = 0x048,
                          kRingHead = 0x04C, kRingTail = 0x050;
inline constexpr uint32_t kIntStatus = 0x060, kIntEnable = 0x064;
inline constexpr uint32_t kErrorCode = 0x070, kErrorWord = 0x074, kErrorAddressLo = 0x078,
                          kErrorAddressHi = 0x07C, kErrorTag = 0x080;
inline constexpr uint32_t kLastTag = 0x090, kLastLayer = 0x094;
inline constexpr uint32_t kBootLo = 0x0A0, kBootHi = 0x0A4;
inline constexpr uint32_t kCycleLo = 0x100, kCycleHi = 0x104;
inline constexpr uint32_t kJobsDone = 0x108;
// Pairs: reading the low half holds the high half until it is read.
inline constexpr uint32_t kJobCyclesLo = 0x110, kCommandsLo = 0x118, kReadBytesLo = 0x120,
                          kWriteBytesLo = 0x128, kBusyLo = 0x130;  // one pair an engine
inline constexpr uint32_t BusyLo(sim::Engine engine) {
  return kBusyLo + 8 * static_cast<uint32_t>(engine);
}

inline constexpr uint32_t kIdValue = 0x4E49424C;       // "NIBL"
inline constexpr uint32_t kVersionValue = 0x00010000;  // 1.0

// Bits.
inline constexpr uint32_t kControlEnable = 1;
inline constexpr uint32_t kResetRequest = 1;
inline constexpr uint32_t kStatusBusy = 1, kStatusStopped = 2, kStatusResetting = 4;
inline constexpr uint32_t kInterruptDone = 1, kInterruptError = 2;
inline constexpr uint32_t kCapabilityNearMemory = 1u << 8;

inline constexpr uint32_t kLargestRing = 1u << 16;     // descriptors
inline constexpr uint32_t kNoLayer = 0xFFFFFFFF;       // LAST_LAYER before the first is complete
inline constexpr uint32_t kWatchdogReset = 16u << 20;  // cycles: 16.8 ms at 1 GHz

// A job, as it lies in the ring: 32 bytes, little-endian.
struct JobDescriptor {
  uint64_t commands = 0;  // DRAM address of the command words, a multiple of 32
  uint32_t count = 0;     // of words
  uint32_t layers = 0;    // of the program: its words name layers below
  uint32_t tag = 0;       // for the firmware: LAST_TAG and ERROR_TAG show it
  uint32_t flags = 0;
  uint32_t reserved[2] = {};
};
static_assert(sizeof(JobDescriptor) == 32, "ring entries are 32 bytes");
inline constexpr uint32_t kDescriptorBytes = 32;
inline constexpr uint32_t kInterruptWhenDone = 1;  // flags

}  // namespace nibble::control
