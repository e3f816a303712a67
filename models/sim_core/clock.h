// Inside models time is a count of machine cycles; sc_time appears only at the kernel's edge.
#pragma once

#include <systemc>

namespace nibble::sim {

// Machine time begins with the first job: until then the memory is in self-refresh and no engine
// works, so that a job takes the same cycles whatever the host did before it.
class Clock {
 public:
  explicit Clock(uint32_t mhz) : period_ps_((1000000 + mhz / 2) / mhz) {}

  // Makes the kernel's present cycle 0, once.
  void Start() {
    if (!started_) origin_ps_ = sc_core::sc_time_stamp().value();
    started_ = true;
  }

  bool started() const { return started_; }
  // From the kernel's present to the next machine cycle; zero on one, and before the first.
  sc_core::sc_time ToEdge() const {
    const uint64_t into = started_ ? Picoseconds() % period_ps_ : 0;
    return sc_core::sc_time::from_value(into == 0 ? 0 : period_ps_ - into);
  }

  uint64_t period_ps() const { return period_ps_; }
  uint64_t CyclesUp(uint64_t ps) const { return (ps + period_ps_ - 1) / period_ps_; }
  sc_core::sc_time Time(uint64_t cycles) const {
    return sc_core::sc_time::from_value(cycles * period_ps_);
  }
  // Picoseconds of machine time at the kernel's present.
  uint64_t Picoseconds() const { return sc_core::sc_time_stamp().value() - origin_ps_; }
  // Machine cycle of the kernel's present. Engines move in whole cycles, so nothing is lost.
  uint64_t Now() const { return Picoseconds() / period_ps_; }
  // The first machine cycle that is not before the present and `delay`.
  uint64_t After(const sc_core::sc_time& delay) const {
    return CyclesUp(Picoseconds() + delay.value());
  }

 private:
  uint64_t period_ps_;  // sc_time::value() counts picoseconds, the kernel's default resolution
  uint64_t origin_ps_ = 0;
  bool started_ = false;
};

}  // namespace nibble::sim
