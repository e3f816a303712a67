// The stacks of SystemC's threads under AddressSanitizer.
#pragma once

#include <systemc>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace nibble::sim {

// To be called where a thread begins. A simulation's stacks are mapped where those of an earlier
// one lay, and the sanitizer still holds the guard zones of frames that never returned there.
inline void ForgetEarlierFrames() {
#if defined(__SANITIZE_ADDRESS__)
  char* const here = static_cast<char*>(__builtin_frame_address(0));
  __asan_unpoison_memory_region(here - sc_core::SC_DEFAULT_STACK_SIZE,
                                static_cast<size_t>(sc_core::SC_DEFAULT_STACK_SIZE));
#endif
}

}  // namespace nibble::sim
