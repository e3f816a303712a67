#include "models/memory/sparse_memory.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace nibble::memory {

void SparseMemory::Check(uint64_t address, uint64_t bytes) const {
  if (address > size_ || bytes > size_ - address) {
    throw std::out_of_range("memory access at address " + std::to_string(address) + ", " +
                            std::to_string(bytes) + " bytes, ends beyond the " +
                            std::to_string(size_) + " bytes of the memory");
  }
}

void SparseMemory::Read(uint64_t address, void* to, uint64_t bytes) const {
  Check(address, bytes);
  auto* out = static_cast<uint8_t*>(to);
  while (bytes > 0) {
    const uint64_t offset = address % kPage;
    const uint64_t n = std::min(bytes, kPage - offset);
    const auto page = pages_.find(address / kPage);
    if (page == pages_.end()) {
      std::memset(out, 0, n);
    } else {
      std::memcpy(out, page->second.get() + offset, n);
    }
    out += n;
    address += n;
    bytes -= n;
  }
}

void SparseMemory::Write(uint64_t address, const void* from, uint64_t bytes) {
  Check(address, bytes);
  const auto* in = static_cast<const uint8_t*>(from);
  while (bytes > 0) {
    const uint64_t offset = address % kPage;
    const uint64_t n = std::min(bytes, kPage - offset);
    auto& page = pages_[address / kPage];
    if (!page) page = std::make_unique<uint8_t[]>(kPage);
    std::memcpy(page.get() + offset, in, n);
    in += n;
    address += n;
    bytes -= n;
  }
}

}  // namespace nibble::memory
