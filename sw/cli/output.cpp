#include "sw/cli/output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "sw/cli/errors.h"

namespace nibble::cli {

namespace {

[[noreturn]] void Fail(const std::string& path, int error) {
  throw UsageError("cannot write '" + path + "': " + std::strerror(error));
}

std::string Beside(const std::string& path) { return path + ".tmp" + std::to_string(getpid()); }

// A pipe or a device: written as it is, there is nothing to rename.
bool IsSpecial(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

bool IsDirectory(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// 0 or an errno.
int WriteAll(const std::string& path, const std::string& text) {
  errno = 0;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (file) return 0;
  return errno != 0 ? errno : EIO;
}

}  // namespace

void CheckWritable(const std::string& path) {
  if (IsDirectory(path)) Fail(path, EISDIR);
  if (IsSpecial(path)) {
    if (access(path.c_str(), W_OK) != 0) Fail(path, errno);
    return;
  }
  const std::string probe = Beside(path);
  const int descriptor = open(probe.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) Fail(path, errno);
  close(descriptor);
  unlink(probe.c_str());
}

OutputFile::OutputFile(std::string path) : path_(std::move(path)) {
  if (wanted() && !is_stdout()) CheckWritable(path_);
}

void OutputFile::Write(const std::string& text) const {
  if (is_stdout()) return Print(text);
  if (IsSpecial(path_)) {
    if (const int error = WriteAll(path_, text)) Fail(path_, error);
    return;
  }
  const std::string beside = Beside(path_);
  int error = WriteAll(beside, text);
  if (error == 0 && std::rename(beside.c_str(), path_.c_str()) != 0) error = errno;
  if (error != 0) {
    unlink(beside.c_str());
    Fail(path_, error);
  }
}

void Print(const std::string& text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    Fail("standard output", errno);
  }
}

}  // namespace nibble::cli
