#include "models/sim_core/run_kernel.h"

#include <systemc>

#ifdef __SANITIZE_ADDRESS__
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace nibble::sim {
namespace {

bool stopping = false;

void SetMainStackRight() {
#ifdef __SANITIZE_ADDRESS__
  pthread_attr_t attributes;
  void* bottom = nullptr;
  size_t size = 0;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &bottom, &size);
  pthread_attr_destroy(&attributes);
  void* fake_stack = nullptr;
  __sanitizer_start_switch_fiber(&fake_stack, bottom, size);
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
}

}  // namespace

void StopKernel() {
  if (!stopping) sc_core::sc_stop();
  stopping = true;
}

void DriverTimer::Start(const sc_core::sc_time& delay) {
  until_ = sc_core::sc_time_stamp() + delay;
  waiting_ = true;
  sc_core::sc_pause();  // RunKernel goes on, to `until_`
}

void DriverTimer::Wait(const sc_core::sc_time& delay) {
  Start(delay);
  sc_core::wait(over_);
}

void DriverTimer::Wait(const sc_core::sc_time& delay, const sc_core::sc_event& event) {
  Start(delay);
  sc_core::wait(over_ | event);
  waiting_ = false;
}

void RunKernel(DriverTimer* timer) {
  stopping = false;
  for (;;) {
    const bool bounded = timer != nullptr && timer->waiting_;
    if (bounded) {
      const sc_core::sc_time left = timer->until_ - sc_core::sc_time_stamp();
      sc_core::sc_start(left, sc_core::SC_RUN_TO_TIME);
    } else {
      sc_core::sc_start();
    }
    SetMainStackRight();
    if (sc_core::sc_get_status() == sc_core::SC_STOPPED) return;
    const bool waiting = timer != nullptr && timer->waiting_;
    if (!waiting && !bounded) return;  // nothing is left
    if (!waiting || sc_core::sc_time_stamp() < timer->until_) continue;
    timer->waiting_ = false;
    timer->over_.notify();
  }
}

}  // namespace nibble::sim
