// Loads and stores of a processor.
#include "models/memory/memory_window.h"

#include <tlm_utils/simple_initiator_socket.h>

#include <algorithm>
#include <catch2/catch.hpp>

namespace nibble::memory {
namespace {

class Processor : public sc_core::sc_module {
 public:
  explicit Processor(const sc_core::sc_module_name& name) : sc_module(name), socket("socket") {}
  tlm_utils::simple_initiator_socket<Processor> socket;

  void Set(tlm::tlm_command command, uint64_t address, uint8_t* data, unsigned bytes) {
    payload_.set_command(command);
    payload_.set_address(address);
    payload_.set_data_ptr(data);
    payload_.set_data_length(bytes);
    payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  }
  tlm::tlm_response_status Access(tlm::tlm_command command, uint64_t address, uint8_t* data,
                                  unsigned bytes) {
    Set(command, address, data, bytes);
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    socket->b_transport(payload_, delay);
    CHECK(delay == sc_core::sc_time(40, sc_core::SC_NS));
    return payload_.get_response_status();
  }
  unsigned Debug(tlm::tlm_command command, uint64_t address, uint8_t* data, unsigned bytes) {
    Set(command, address, data, bytes);
    return socket->transport_dbg(payload_);
  }

 private:
  tlm::tlm_generic_payload payload_;
};

TEST_CASE("a processor's loads and stores reach the memory, and nothing beyond it") {
  SparseMemory memory(1 << 20);
  MemoryWindow window("window", memory, sc_core::sc_time(40, sc_core::SC_NS));
  Processor processor("processor");
  processor.socket.bind(window.socket);
  sc_core::sc_start(sc_core::SC_ZERO_TIME);  // binds
  uint8_t out[4] = {1, 2, 3, 4}, in[4] = {};
  CHECK(processor.Access(tlm::TLM_WRITE_COMMAND, 0xFFFE, out, 4) == tlm::TLM_OK_RESPONSE);
  CHECK(processor.Access(tlm::TLM_READ_COMMAND, 0xFFFF, in, 2) == tlm::TLM_OK_RESPONSE);
  CHECK(in[0] == 2);
  CHECK(in[1] == 3);
  memory.Read(0xFFFE, in, 4);
  CHECK(std::equal(in, in + 4, out));
  CHECK(processor.Debug(tlm::TLM_WRITE_COMMAND, 0, out, 4) == 4);
  CHECK(processor.Debug(tlm::TLM_READ_COMMAND, 2, in, 2) == 2);
  CHECK(in[0] == 3);

  for (const uint64_t address : {uint64_t{1} << 20, (uint64_t{1} << 20) - 3, ~uint64_t{0}}) {
    CHECK(processor.Access(tlm::TLM_READ_COMMAND, address, in, 4) ==
          tlm::TLM_ADDRESS_ERROR_RESPONSE);
    CHECK(processor.Debug(tlm::TLM_READ_COMMAND, address, in, 4) == 0);
  }
}

}  // namespace
}  // namespace nibble::memory
