#include "sw/study/lock_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace nibble::study {

LockFile::LockFile(const std::string& path)
    : fd_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
  if (fd_ < 0) throw LockError(fmt::format("cannot make {}: {}", path, std::strerror(errno)));
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (fcntl(fd_, F_SETLK, &lock) == 0) return;
  const int error = errno;
  std::string holder = std::strerror(error);
  if ((error == EAGAIN || error == EACCES) && fcntl(fd_, F_GETLK, &lock) == 0 &&
      lock.l_type != F_UNLCK) {
    holder = fmt::format("process {} holds it", lock.l_pid);
  }
  close(fd_);
  throw LockError(fmt::format("{}: {}", path, holder));
}

LockFile::~LockFile() { close(fd_); }

}  // namespace nibble::study
