// The devices that belong to the core: timer and software interrupt, console, and the end of the
// simulation. Addresses are those of QEMU's machine `virt`, so that firmware runs there, too.
//
//   0x00100000  w, 32 bits   exit: 0x5555 ends with status 0, status << 16 | 0x3333 with `status`
//   0x02000000  rw, 32 bits  msip: bit 0 raises the software interrupt
//   0x02004000  rw, 32 bits  mtimecmp, two words: the timer interrupt is up while mtime >= mtimecmp
//   0x0200bff8  r, 32 bits   mtime, two words
//   0x10000000  w, 8 bits    console: a byte to print (a 16550's THR)
//   0x10000005  r, 8 bits    console: 0x60, ready (a 16550's LSR)
//
// Sources: SiFive FU540-C000 manual, chapter "CLINT"; QEMU, docs/system/riscv/virt.rst and
// hw/misc/sifive_test.c.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>

namespace nibble::riscv {

class LocalDevices {
 public:
  static constexpr uint32_t kExit = 0x00100000, kMsip = 0x02000000, kMtimecmp = 0x02004000,
                            kMtime = 0x0200bff8, kConsoleData = 0x10000000,
                            kConsoleStatus = 0x10000005;
  static constexpr uint64_t kNever = ~uint64_t{0};

  // `console` receives what firmware prints.
  explicit LocalDevices(std::ostream& console) : console_(console) {}

  // Whether an address is one of these devices' (and not the system's), registers or not.
  static bool Has(uint32_t address);

  // An access as in Bus; false when there is no such register, or not with this size or direction.
  bool Load(uint32_t address, uint32_t bytes, uint64_t mtime, uint32_t& value) const;
  bool Store(uint32_t address, uint32_t bytes, uint32_t value);

  bool software_interrupt() const { return msip_; }
  bool timer_interrupt(uint64_t mtime) const { return mtime >= mtimecmp_; }
  uint64_t mtimecmp() const { return mtimecmp_; }  // kNever after reset
  // Once firmware has asked for the end.
  const std::optional<uint32_t>& exit_status() const { return exit_status_; }

 private:
  std::ostream& console_;
  bool msip_ = false;
  uint64_t mtimecmp_ = kNever;
  std::optional<uint32_t> exit_status_;
};

}  // namespace nibble::riscv
