// Firmware compiled for this computer: its C functions of nibble_platform.h act on a simulated
// machine.
#pragma once

#include <functional>
#include <string>

#include "platforms/host_port.h"

namespace nibble::firmware {

struct NativeOptions {
  std::function<void(const char*)> print;   // nibble_print; empty: nothing
  std::function<void()> interrupt_handler;  // empty: the firmware's
};

// `program` calls C functions of the firmware; they act on `port` meanwhile. One at a time.
int RunNative(platforms::HostPort& port, const NativeOptions& options,
              const std::function<int()>& program);

// sw/firmware/src/run.c, as a program for platforms::RunOptions::host.
platforms::HostProgram NativeFirmware(std::function<void(const char*)> print);

}  // namespace nibble::firmware
