// Parameters of the compute units beside the DRAM banks.
#pragma once

#include <cstdint>

namespace nibble::nearmem {

// Which banks a column command reaches.
enum class BankMode : uint8_t {
  kAllBank,  // all of a channel, in lock step: one command, one column from every bank
  kPerBank,  // one: banks take turns on the command bus, and only those that hold weights work
};

// How the activates of all banks are spaced in all-bank mode. Per-bank mode always keeps kFaw.
enum class BankActivation : uint8_t {
  kFaw,     // one by one, as tRRD and tFAW allow
  kGroup4,  // four banks a command, a command every tFAW (the average power of kFaw; AiM's ACT4)
  kAll,     // one command for all, tFAW ignored (AiM's ACT16, HBM-PIM's all-bank mode)
};

// Where the columns with block scales lie in a row.
enum class ScalePlace : uint8_t {
  kRowEnd,  // after all data columns
  kBeside,  // each after the data columns that it serves
};

struct NearmemConfig {
  BankMode mode = BankMode::kAllBank;
  BankActivation activation = BankActivation::kFaw;
  ScalePlace scales = ScalePlace::kRowEnd;
  uint32_t unit_banks = 1;       // banks that share a unit, and take turns: 1 or 2
  uint32_t lanes = 256;          // multipliers of one unit
  uint32_t pixels = 16;          // output pixels that one read of a weight column serves at most
  uint32_t accumulators = 64;    // FP32 accumulators of one unit
  uint32_t buffer_bytes = 2304;  // broadcast buffer of one channel: 2 KiB of codes, 256 B of scales
  uint32_t broadcast_gbps = 36;  // GB/s from that buffer to all units of the channel
  uint32_t mode_switch_ns = 16;  // from host mode to all-bank mode, and as long back
};

}  // namespace nibble::nearmem
