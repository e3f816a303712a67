// A file that one process at a time holds.
#pragma once

#include <stdexcept>
#include <string>

namespace nibble::study {

class LockError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A POSIX lock: forked processes do not inherit it, and the system takes it back from a process
// that ends, however it ends. The file stays.
class LockFile {
 public:
  // Throws LockError that names the process which holds it, or the file that cannot be made.
  explicit LockFile(const std::string& path);
  ~LockFile();
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace nibble::study
