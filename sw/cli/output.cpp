#include "sw/cli/output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "sw/trace/whole_file.h"

namespace nibble::cli {

namespace {

[[noreturn]] void Fail(const std::string& path, int error) {
  throw trace::OutputError(path + ": cannot be written: " + std::strerror(error));
}

// A pipe or a device: written as it is, there is nothing to rename.
bool IsSpecial(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

bool IsDirectory(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

void CheckWritable(const std::string& path) {
  if (IsDirectory(path)) Fail(path, EISDIR);
  if (IsSpecial(path)) {
    if (access(path.c_str(), W_OK) != 0) Fail(path, errno);
    return;
  }
  const std::string probe = path + ".tmp" + std::to_string(getpid());
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
    errno = 0;
    std::ofstream file(path_, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (!file) Fail(path_, errno != 0 ? errno : EIO);
    return;
  }
  trace::WriteWhole(path_, text);
}

void Print(const std::string& text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    Fail("standard output", errno);
  }
}

}  // namespace nibble::cli
