// The bytes of a memory far larger than what a run touches.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

namespace nibble::memory {

// Pages appear on first write, unread bytes are zero.
class SparseMemory {
 public:
  explicit SparseMemory(uint64_t size) : size_(size) {}
  // Throws std::out_of_range naming the address when it ends beyond the memory.
  void Read(uint64_t address, void* to, uint64_t bytes) const;
  void Write(uint64_t address, const void* from, uint64_t bytes);
  uint64_t size() const { return size_; }

 private:
  static constexpr uint64_t kPage = 1 << 16;
  void Check(uint64_t address, uint64_t bytes) const;

  uint64_t size_;
  std::map<uint64_t, std::unique_ptr<uint8_t[]>> pages_;  // by page number
};

}  // namespace nibble::memory
