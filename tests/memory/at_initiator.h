// An initiator of the four-phase reference (models/memory/dram_at.h): plays transactions of many
// bursts to all channels. A transaction begins at a clock, or some clocks after another has ended;
// those that are under way at the same time take turns, burst by burst.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <functional>
#include <memory>
#include <queue>
#include <systemc>
#include <utility>
#include <vector>

#include "models/memory/dram_mapping.h"

namespace nibble::memory {

struct AtTransaction {
  struct Burst {
    uint64_t address;
    bool write;
  };
  std::vector<std::vector<Burst>> bursts;  // by channel
  int64_t after = -1;                      // transaction that must have ended, or none
  uint64_t start = 0;                      // clock, or clocks after that
  uint64_t end = 0;                        // found: the last answer
  size_t unanswered = 0;
};

class AtInitiator : public sc_core::sc_module, public tlm::tlm_mm_interface {
 public:
  // At most `outstanding` bursts without an answer at a time (0: any number).
  AtInitiator(const sc_core::sc_module_name& name, std::vector<AtTransaction> work,
              uint32_t channels, uint64_t tck_ps, uint32_t outstanding)
      : sc_module(name),
        transactions(std::move(work)),
        channels_(channels),
        followers_(transactions.size()),
        tck_ps_(tck_ps),
        outstanding_(outstanding) {
    for (uint32_t c = 0; c < channels; ++c) {
      sockets.push_back(std::make_unique<Socket>(("socket" + std::to_string(c)).c_str()));
      sockets.back()->register_nb_transport_bw(this, &AtInitiator::Answer, static_cast<int>(c));
    }
    for (size_t i = 0; i < transactions.size(); ++i) {
      AtTransaction& t = transactions[i];
      for (const auto& bursts : t.bursts) t.unanswered += bursts.size();
      if (t.after < 0) {
        arrivals_.push({t.start, i});
      } else {
        followers_[static_cast<size_t>(t.after)].push_back(i);
      }
    }
    SC_HAS_PROCESS(AtInitiator);
    SC_METHOD(Offer);
    sensitive << offer_;
  }

  using Socket = tlm_utils::simple_initiator_socket_tagged<AtInitiator>;
  std::vector<std::unique_ptr<Socket>> sockets;  // by channel
  std::vector<AtTransaction> transactions;

 private:
  struct Active {
    size_t transaction, next;
  };
  struct Channel {
    std::vector<Active> active;
    size_t turn = 0;
    bool requesting = false;
  };
  struct Owner : tlm::tlm_extension<Owner> {
    size_t transaction = 0;
    tlm::tlm_extension_base* clone() const override { return new Owner(*this); }
    void copy_from(const tlm::tlm_extension_base& other) override {
      *this = static_cast<const Owner&>(other);
    }
  };

  uint64_t Now() const { return sc_core::sc_time_stamp().value() / tck_ps_; }

  void Offer() {
    for (; !arrivals_.empty() && arrivals_.top().first <= Now(); arrivals_.pop()) {
      const size_t which = arrivals_.top().second;
      for (uint32_t c = 0; c < channels_.size(); ++c) {
        if (!transactions[which].bursts[c].empty()) channels_[c].active.push_back({which, 0});
      }
    }
    for (uint32_t c = 0; c < channels_.size(); ++c) OfferTo(c);
    if (!arrivals_.empty()) {
      offer_.notify(sc_core::sc_time::from_value((arrivals_.top().first - Now()) * tck_ps_));
    }
  }

  void OfferTo(uint32_t c) {
    Channel& channel = channels_[c];
    const bool full = outstanding_ > 0 && under_way_ >= outstanding_;
    if (channel.requesting || channel.active.empty() || full) return;
    if (channel.turn >= channel.active.size()) channel.turn = 0;
    Active& active = channel.active[channel.turn];
    const auto& bursts = transactions[active.transaction].bursts[c];
    const AtTransaction::Burst& burst = bursts[active.next];
    tlm::tlm_generic_payload* payload = Acquire(active.transaction);
    payload->set_command(burst.write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
    payload->set_address(burst.address);
    if (++active.next == bursts.size()) {
      channel.active.erase(channel.active.begin() + static_cast<std::ptrdiff_t>(channel.turn));
    } else {
      ++channel.turn;
    }
    channel.requesting = true;
    ++under_way_;
    tlm::tlm_phase phase = tlm::BEGIN_REQ;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    if ((*sockets[c])->nb_transport_fw(*payload, phase, delay) != tlm::TLM_ACCEPTED) {
      throw std::runtime_error("the target did not accept a request");
    }
  }

  tlm::tlm_sync_enum Answer(int channel, tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                            sc_core::sc_time&) {
    offer_.notify(sc_core::SC_ZERO_TIME);
    if (phase == tlm::END_REQ) {
      channels_[static_cast<size_t>(channel)].requesting = false;
      return tlm::TLM_ACCEPTED;
    }
    const size_t which = payload.get_extension<Owner>()->transaction;
    AtTransaction& t = transactions[which];
    --under_way_;
    if (--t.unanswered == 0) {
      t.end = Now();
      for (const size_t i : followers_[which]) arrivals_.push({t.end + transactions[i].start, i});
    }
    payload.release();
    return tlm::TLM_COMPLETED;  // END_RESP
  }

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

  std::vector<Channel> channels_;
  std::vector<std::vector<size_t>> followers_;  // by transaction
  uint64_t tck_ps_;
  uint32_t outstanding_;
  using Arrival = std::pair<uint64_t, size_t>;
  std::priority_queue<Arrival, std::vector<Arrival>, std::greater<>> arrivals_;
  sc_core::sc_event offer_;
  uint32_t under_way_ = 0;
  std::vector<std::unique_ptr<tlm::tlm_generic_payload>> all_;
  std::vector<tlm::tlm_generic_payload*> idle_;
};

}  // namespace nibble::memory
