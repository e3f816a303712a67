// Runs and stops the SystemC kernel.
#pragma once

#include <systemc>

namespace nibble::sim {

// Lets time pass for a process that drives a machine, apart from SystemC's queue of timed events.
// That queue is a heap, which hands out events of the same time in an order that depends on all
// that has been in it: with the driver's waits there, what two engines do in the same cycle would
// happen in another order under a driver that polls. Works under RunKernel(timer) only.
class DriverTimer {
 public:
  // By one process at a time. At its end all that the machine does at that time has been done.
  void Wait(const sc_core::sc_time& delay);
  // The same, or until `event` if that is sooner.
  void Wait(const sc_core::sc_time& delay, const sc_core::sc_event& event);

 private:
  friend void RunKernel(DriverTimer* timer);
  void Start(const sc_core::sc_time& delay);

  bool waiting_ = false;
  sc_core::sc_time until_;
  sc_core::sc_event over_;
};

// sc_start() until nothing is left to happen, and then sets right what AddressSanitizer knows of
// the main stack: SystemC 2.3.4 announces the switch back to it as one to a stack without extent,
// after which every exception is reported as an error.
void RunKernel(DriverTimer* timer = nullptr);

// Ends RunKernel() with the present instant. Several parts of a machine may find in the same
// instant that the run is over (the last layer, an interrupt, the host); sc_stop() would print a
// warning on stdout about every one after the first.
void StopKernel();

}  // namespace nibble::sim
