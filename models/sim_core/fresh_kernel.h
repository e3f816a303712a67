// A SystemC kernel of one's own, for as long as the object lives.
#pragma once

#include <systemc>

namespace nibble::sim {

// SystemC refuses a second elaboration in a kernel that has run. Modules must be made after it and
// destroyed before it.
class FreshKernel {
 public:
  FreshKernel() : before_(sc_core::sc_curr_simcontext), mine_(new sc_core::sc_simcontext) {
    sc_core::sc_curr_simcontext = sc_core::sc_default_global_context = mine_;
    sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
  }
  ~FreshKernel() {
    delete mine_;
    sc_core::sc_curr_simcontext = sc_core::sc_default_global_context = before_;
  }
  FreshKernel(const FreshKernel&) = delete;
  FreshKernel& operator=(const FreshKernel&) = delete;

 private:
  sc_core::sc_simcontext* before_;
  sc_core::sc_simcontext* mine_;
};

}  // namespace nibble::sim
