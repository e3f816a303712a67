// An initiator of the four-phase reference (models/memory/dram_at.h) that plays transactions of
// bursts to one channel: each from its start on, several at a time burst by burst in turn.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <memory>
#include <systemc>
#include <vector>

#include "models/memory/dram_mapping.h"

namespace nibble::memory {

// Bursts of one channel, and the clock when the last is answered.
struct AtTransaction {
  struct Burst {
    uint64_t address;
    bool write;
  };
  uint64_t start = 0;
  std::vector<Burst> bursts;
  uint64_t end = 0;
  size_t next = 0;  // to be offered
};

class AtInitiator : public sc_core::sc_module, public tlm::tlm_mm_interface {
 public:
  // `transactions` in order of their start. At most `outstanding` bursts without an answer at a time
  // (0: any number).
  AtInitiator(const sc_core::sc_module_name& name, std::vector<AtTransaction>& transactions,
              uint64_t tck_ps, uint32_t outstanding)
      : sc_module(name),
        socket("socket"),
        transactions_(transactions),
        tck_ps_(tck_ps),
        outstanding_(outstanding) {
    socket.register_nb_transport_bw(this, &AtInitiator::Answer);
    SC_HAS_PROCESS(AtInitiator);
    SC_METHOD(Offer);
    sensitive << offer_;
  }

  tlm_utils::simple_initiator_socket<AtInitiator> socket;

 private:
  void Offer() {
    if (requesting_ || (outstanding_ > 0 && under_way_ >= outstanding_)) return;
    const uint64_t now = sc_core::sc_time_stamp().value() / tck_ps_;
    for (; arrived_ < transactions_.size() && transactions_[arrived_].start <= now; ++arrived_) {
      if (!transactions_[arrived_].bursts.empty()) active_.push_back(arrived_);
    }
    if (active_.empty()) {
      if (arrived_ < transactions_.size()) {
        offer_.notify(
            sc_core::sc_time::from_value((transactions_[arrived_].start - now) * tck_ps_));
      }
      return;
    }
    turn_ = turn_ >= active_.size() ? 0 : turn_;
    const size_t which = active_[turn_];
    AtTransaction& t = transactions_[which];
    const AtTransaction::Burst& burst = t.bursts[t.next];
    tlm::tlm_generic_payload* payload = Acquire(which);
    payload->set_command(burst.write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
    payload->set_address(burst.address);
    if (++t.next == t.bursts.size()) {
      active_.erase(active_.begin() + static_cast<std::ptrdiff_t>(turn_));
    } else {
      ++turn_;
    }
    requesting_ = true;
    ++under_way_;
    tlm::tlm_phase phase = tlm::BEGIN_REQ;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    if (socket->nb_transport_fw(*payload, phase, delay) != tlm::TLM_ACCEPTED) {
      throw std::runtime_error("the target did not accept a request");
    }
  }

  tlm::tlm_sync_enum Answer(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                            sc_core::sc_time&) {
    if (phase == tlm::END_REQ) {
      requesting_ = false;
      offer_.notify(sc_core::SC_ZERO_TIME);
      return tlm::TLM_ACCEPTED;
    }
    AtTransaction& t = transactions_[payload.get_extension<Owner>()->transaction];
    t.end = std::max<uint64_t>(t.end, sc_core::sc_time_stamp().value() / tck_ps_);
    --under_way_;
    offer_.notify(sc_core::SC_ZERO_TIME);
    payload.release();
    return tlm::TLM_COMPLETED;  // END_RESP
  }

  struct Owner : tlm::tlm_extension<Owner> {
    size_t transaction = 0;
    tlm::tlm_extension_base* clone() const override { return new Owner(*this); }
    void copy_from(const tlm::tlm_extension_base& other) override {
      *this = static_cast<const Owner&>(other);
    }
  };
  tlm::tlm_generic_payload* Acquire(size_t transaction) {
    if (idle_.empty()) {
      all_.push_back(std::make_unique<tlm::tlm_generic_payload>(this));
      all_.back()->set_extension(new Owner);
      idle_.push_back(all_.back().get());
    }
    tlm::tlm_generic_payload* payload = idle_.back();
    idle_.pop_back();
    payload->acquire();
    payload->get_extension<Owner>()->transaction = transaction;
    return payload;
  }
  void free(tlm::tlm_generic_payload* payload) override { idle_.push_back(payload); }

  std::vector<AtTransaction>& transactions_;
  uint64_t tck_ps_;
  uint32_t outstanding_;
  sc_core::sc_event offer_;
  bool requesting_ = false;
  uint32_t under_way_ = 0;
  size_t arrived_ = 0, turn_ = 0;
  std::vector<size_t> active_;
  std::vector<std::unique_ptr<tlm::tlm_generic_payload>> all_;
  std::vector<tlm::tlm_generic_payload*> idle_;
};

}  // namespace nibble::memory
