// Request files: one request a line, "R 0xADDRESS" or "W 0xADDRESS" (hexadecimal, of a byte; the
// request is the burst that it lies in). Empty lines and lines that begin with '#' say nothing.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "models/memory/request_run.h"

namespace nibble::requests {

// What is wrong with a file, where, and what was expected: one line.
class FileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws FileError, also for an address that is not below `capacity` (bytes) and for a file without
// a request.
std::vector<memory::MemoryRequest> ReadRequests(const std::string& path, uint64_t capacity);

}  // namespace nibble::requests
