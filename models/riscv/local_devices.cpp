#include "models/riscv/local_devices.h"

namespace nibble::riscv {
namespace {

bool Within(uint32_t address, uint32_t base, uint32_t bytes) { return address - base < bytes; }

uint32_t Half(uint64_t value, bool high) {
  return static_cast<uint32_t>(high ? value >> 32 : value);
}

}  // namespace

bool LocalDevices::Has(uint32_t address) {
  return Within(address, kExit, 0x1000) || Within(address, kMsip, 0x10000) ||
         Within(address, kConsoleData, 0x100);
}

bool LocalDevices::Load(uint32_t address, uint32_t bytes, uint64_t mtime, uint32_t& value) const {
  value = 0;
  if (address == kConsoleStatus) {
    value = 0x60;  // the holding register and the transmitter are empty
    return bytes == 1;
  }
  if (bytes != 4) return false;
  switch (address) {
    case kMsip:
      value = msip_ ? 1 : 0;
      return true;
    case kMtimecmp:
    case kMtimecmp + 4:
      value = Half(mtimecmp_, address != kMtimecmp);
      return true;
    case kMtime:
    case kMtime + 4:
      value = Half(mtime, address != kMtime);
      return true;
    default:
      return false;
  }
}

bool LocalDevices::Store(uint32_t address, uint32_t bytes, uint32_t value) {
  if (address == kConsoleData) {
    if (bytes != 1) return false;
    console_.put(static_cast<char>(value));
    if (value == '\n') console_.flush();
    return true;
  }
  if (bytes != 4) return false;
  switch (address) {
    case kExit:
      if (value == 0x5555) exit_status_ = 0;
      if ((value & 0xffff) == 0x3333) exit_status_ = value >> 16;
      return exit_status_.has_value();
    case kMsip:
      msip_ = (value & 1) != 0;
      return true;
    case kMtimecmp:
      mtimecmp_ = (mtimecmp_ >> 32 << 32) | value;
      return true;
    case kMtimecmp + 4:
      mtimecmp_ = (mtimecmp_ & 0xffffffff) | uint64_t{value} << 32;
      return true;
    default:
      return false;
  }
}

}  // namespace nibble::riscv
