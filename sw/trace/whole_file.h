// Outputs: files that are there whole or not at all.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace nibble::trace {

// An output that cannot be written: exit code 2. what() names it and says why.
class OutputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Writes beside `path`, then renames; what was there stays where that fails. Throws OutputError.
void WriteWhole(const std::string& path, std::string_view bytes);

// With all folders above it; nothing where it is there already. Throws OutputError.
void MakeFolder(const std::string& path);

}  // namespace nibble::trace
