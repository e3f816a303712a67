// The .trc container: 64-byte header (magic, version, section offsets, XXH3-128 of all that
// follows), a FlatBuffers table (trace.fbs), and a 64-byte aligned tensor section addressed by
// 64-bit offsets.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "sw/trace/network.h"

namespace nibble::trace {

// Bad input file: exit code 3. what() says which file, what is wrong, where, and what was expected.
class FileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// With `with_weights` false the tensor section is checked but weights are not materialised
// (timing-only runs).
Network Read(const std::string& path, bool with_weights = true);
// The same of a file in memory, which the messages of its errors do not name.
Network Parse(const std::vector<uint8_t>& file, bool with_weights = true);
std::vector<uint8_t> Serialize(const Network& net);       // the bytes of its file
void Write(const Network& net, const std::string& path);  // beside, then renamed: never half a file
std::string FileHash(const std::string& path);            // 32 hex digits of the hash in the header

}  // namespace nibble::trace
