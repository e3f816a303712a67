#include "models/sim_core/payload.h"

namespace nibble::sim {

PayloadPool::~PayloadPool() {
  for (tlm::tlm_generic_payload* payload : all_) delete payload;  // and its extension with it
}

tlm::tlm_generic_payload* PayloadPool::Acquire() {
  if (idle_.empty()) {
    all_.push_back(new tlm::tlm_generic_payload(this));
    all_.back()->set_extension(new DmaExtension);
    idle_.push_back(all_.back());
  }
  tlm::tlm_generic_payload* payload = idle_.back();
  idle_.pop_back();
  payload->acquire();
  payload->set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  payload->set_byte_enable_ptr(nullptr);
  payload->set_dmi_allowed(false);
  return payload;
}

}  // namespace nibble::sim
