#include "sw/trace/whole_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace nibble::trace {

std::error_code WriteWhole(const std::string& path, std::string_view bytes) {
  const std::string beside = fmt::format("{}.{}.tmp", path, getpid());
  errno = 0;
  std::ofstream file(beside, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  std::error_code error;
  if (file) {
    std::filesystem::rename(beside, path, error);
  } else {
    error.assign(errno != 0 ? errno : EIO, std::generic_category());
  }
  if (error) {
    std::error_code ignored;
    std::filesystem::remove(beside, ignored);
  }
  return error;
}

}  // namespace nibble::trace
