#include "sw/firmware/native/native.h"

#include <utility>

#include "nibble_platform.h"

namespace nibble::firmware {

namespace {

// C has no other way to know: the machine that the firmware runs on.
platforms::HostPort* g_port = nullptr;
NativeOptions g_options;

}  // namespace

int RunNative(platforms::HostPort& port, const NativeOptions& options,
              const std::function<int()>& program) {
  g_port = &port;
  g_options = options;
  const int status = program();
  g_port = nullptr;
  return status;
}

platforms::HostProgram NativeFirmware(std::function<void(const char*)> print) {
  const NativeOptions options{std::move(print), nullptr};
  return [options](platforms::HostPort& port) { return RunNative(port, options, nibble_main); };
}

}  // namespace nibble::firmware

using nibble::firmware::g_options;
using nibble::firmware::g_port;

uint32_t nibble_read32(uint32_t offset) { return g_port->Read32(offset); }

void nibble_write32(uint32_t offset, uint32_t value) { g_port->Write32(offset, value); }

void nibble_wait_for_interrupt(void) {
  g_port->WaitForInterrupt();
  if (g_options.interrupt_handler) {
    g_options.interrupt_handler();
  } else {
    nibble_interrupt_handler();
  }
}

void nibble_read_memory(void* to, uint64_t address, uint32_t bytes) {
  g_port->ReadMemory(address, to, bytes);
}

void nibble_write_memory(uint64_t address, const void* from, uint32_t bytes) {
  g_port->WriteMemory(address, from, bytes);
}

void nibble_print(const char* text) {
  if (g_options.print) g_options.print(text);
}
