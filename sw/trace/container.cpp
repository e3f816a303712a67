#include "sw/trace/container.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <cstring>
#include <memory>

#include "sw/trace/file.h"

namespace nibble::trace {
namespace {

constexpr char kMagic[9] = "NIBTRC\r\n";
constexpr size_t kHashOffset = 48, kHashBytes = 16;

void Put(std::vector<uint8_t>& out, size_t offset, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) out[offset + i] = static_cast<uint8_t>(value >> (8 * i));
}

uint64_t Get(const std::vector<uint8_t>& in, size_t offset, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) value |= uint64_t{in[offset + i]} << (8 * i);
  return value;
}

XXH128_canonical_t Hash(const std::vector<uint8_t>& file) {
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(),
                                                                 &XXH3_freeState);
  if (!state) throw std::bad_alloc();
  XXH3_128bits_reset(state.get());
  XXH3_128bits_update(state.get(), file.data(), kHashOffset);
  XXH3_128bits_update(state.get(), file.data() + kHeaderBytes, file.size() - kHeaderBytes);
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state.get()));
  return canonical;
}

void CheckMagic(const std::vector<uint8_t>& file) {
  if (file.size() < kHeaderBytes) {
    throw FileError(fmt::format("header: the file has {} bytes, a trace has at least {}",
                                file.size(), kHeaderBytes));
  }
  if (std::memcmp(file.data(), kMagic, 8) != 0) throw FileError("header: magic: not a .trc file");
}

void Expect(const char* field, uint64_t value, uint64_t expected) {
  if (value != expected) {
    throw FileError(fmt::format("header: {} is {}, expected {}", field, value, expected));
  }
}

}  // namespace

std::vector<uint8_t> Seal(const uint8_t* table, size_t table_bytes,
                          const std::vector<uint8_t>& tensors) {
  const uint64_t tensor_offset = AlignUp(kHeaderBytes + table_bytes);
  std::vector<uint8_t> file(tensor_offset + tensors.size());
  std::memcpy(file.data(), kMagic, 8);
  Put(file, 8, kVersion, 4);
  Put(file, 12, kHeaderBytes, 4);
  Put(file, 16, kHeaderBytes, 8);
  Put(file, 24, table_bytes, 8);
  Put(file, 32, tensor_offset, 8);
  Put(file, 40, tensors.size(), 8);
  std::copy(table, table + table_bytes, file.begin() + kHeaderBytes);
  std::copy(tensors.begin(), tensors.end(),
            file.begin() + static_cast<std::ptrdiff_t>(tensor_offset));
  const XXH128_canonical_t hash = Hash(file);
  std::memcpy(file.data() + kHashOffset, hash.digest, kHashBytes);
  return file;
}

Container Open(const std::vector<uint8_t>& file) {
  CheckMagic(file);
  const uint64_t size = file.size();
  const uint64_t table_bytes = Get(file, 24, 8), tensor_bytes = Get(file, 40, 8);
  Expect("version", Get(file, 8, 4), kVersion);
  Expect("header size", Get(file, 12, 4), kHeaderBytes);
  Expect("table offset", Get(file, 16, 8), kHeaderBytes);
  if (table_bytes > size - kHeaderBytes) {
    throw FileError(
        fmt::format("header: table size is {}, the file has {} bytes", table_bytes, size));
  }
  const uint64_t tensor_offset = AlignUp(kHeaderBytes + table_bytes);
  Expect("tensor section offset", Get(file, 32, 8), tensor_offset);
  if (tensor_offset > size || tensor_bytes != size - tensor_offset) {
    throw FileError(
        fmt::format("header: tensor section of {} bytes at {} does not end the file of {}",
                    tensor_bytes, tensor_offset, size));
  }
  const XXH128_canonical_t hash = Hash(file);
  if (std::memcmp(file.data() + kHashOffset, hash.digest, kHashBytes) != 0) {
    throw FileError("header: hash differs from the contents: the file is damaged");
  }
  return {file.data() + kHeaderBytes, table_bytes, file.data() + tensor_offset, tensor_bytes};
}

std::string HashDigits(const std::vector<uint8_t>& header) {
  CheckMagic(header);
  std::string digits;
  for (size_t i = 0; i < kHashBytes; ++i) digits += fmt::format("{:02x}", header[kHashOffset + i]);
  return digits;
}

}  // namespace nibble::trace
