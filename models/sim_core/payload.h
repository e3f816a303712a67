// TLM payloads for DMA: a strided block as one transaction, taken from a pool.
#pragma once

#include <memory>
#include <tlm>
#include <vector>

namespace nibble::sim {

// `rows` rows of `row_bytes`, `stride` apart in memory, dense at the data pointer. The payload's
// address is that of the first row and its length the total. A null data pointer means that only
// time and traffic are wanted. The target sets the transaction's delay to the moment at which the
// last byte has moved.
struct DmaExtension : tlm::tlm_extension<DmaExtension> {
  uint32_t rows = 1, row_bytes = 0, stride = 0;
  uint16_t layer = 0;

  tlm::tlm_extension_base* clone() const override { return new DmaExtension(*this); }
  void copy_from(const tlm::tlm_extension_base& other) override {
    *this = static_cast<const DmaExtension&>(other);
  }
};

// Payloads with their extension, made once and used again: a new payload costs ten times a reused
// one.
class PayloadPool : public tlm::tlm_mm_interface {
 public:
  ~PayloadPool() override;
  // A payload with one reference and a DmaExtension; release() puts it back.
  tlm::tlm_generic_payload* Acquire();
  void free(tlm::tlm_generic_payload* payload) override { idle_.push_back(payload); }

 private:
  std::vector<tlm::tlm_generic_payload*> idle_, all_;
};

}  // namespace nibble::sim
