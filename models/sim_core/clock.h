// Inside models time is a count of machine cycles; sc_time appears only at the kernel's edge.
#pragma once

#include <systemc>

namespace nibble::sim {

class Clock {
 public:
  explicit Clock(uint32_t mhz) : period_ps_((1000000 + mhz / 2) / mhz) {}

  uint64_t period_ps() const { return period_ps_; }
  uint64_t CyclesUp(uint64_t ps) const { return (ps + period_ps_ - 1) / period_ps_; }
  sc_core::sc_time Time(uint64_t cycles) const {
    return sc_core::sc_time::from_value(cycles * period_ps_);
  }
  // Machine cycle of the kernel's present. Engines move in whole cycles, so nothing is lost.
  uint64_t Now() const { return sc_core::sc_time_stamp().value() / period_ps_; }

 private:
  uint64_t period_ps_;  // sc_time::value() counts picoseconds, the kernel's default resolution
};

}  // namespace nibble::sim
