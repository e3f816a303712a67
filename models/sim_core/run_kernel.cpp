#include "models/sim_core/run_kernel.h"

#include <systemc>

#ifdef __SANITIZE_ADDRESS__
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace nibble::sim {
namespace {

bool stopping = false;

}  // namespace

void StopKernel() {
  if (!stopping) sc_core::sc_stop();
  stopping = true;
}

void RunKernel() {
  stopping = false;
  sc_core::sc_start();
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

}  // namespace nibble::sim
