#include "sw/evaluation/results_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "sw/trace/file.h"
#include "sw/trace/whole_file.h"

namespace nibble::evaluation {
namespace {

constexpr char kSchema[] = "nibble.results/1";

std::string HeaderText(const Identity& identity) {
  return std::string(kSchema) + "\n" + ToText(identity);
}

}  // namespace

std::string ToText(const Identity& identity) {
  std::string text;
  for (const auto& [name, hash] : identity) text.append(name).append(" ").append(hash).append("\n");
  return text;
}

ResultsFile::ResultsFile(const std::string& path, const Identity& identity) : path_(path) {
  if (path.empty()) return;
  fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd_ < 0) FailToWrite();
  try {
    if (flock(fd_, LOCK_EX | LOCK_NB) != 0) Fail("in use by another process");
    std::string text;
    char buffer[65536];
    for (ssize_t got = 0; (got = read(fd_, buffer, sizeof buffer)) != 0;) {
      if (got < 0) Fail(std::strerror(errno));
      text.append(buffer, static_cast<size_t>(got));
    }
    Load(text, identity);
  } catch (...) {
    close(fd_);
    throw;
  }
}

ResultsFile::~ResultsFile() {
  if (fd_ >= 0) close(fd_);
}

ResultsFile::ResultsFile(ResultsFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      results_(std::move(other.results_)) {}

ResultsFile& ResultsFile::operator=(ResultsFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  std::swap(results_, other.results_);
  return *this;
}

void ResultsFile::Fail(const std::string& what) const {
  throw trace::FileError(fmt::format("{}: {}", path_, what));
}

void ResultsFile::FailToWrite() const {
  throw trace::OutputError(fmt::format("{}: cannot be written: {}", path_, std::strerror(errno)));
}

void ResultsFile::Write(const std::string& text) {
  size_t written = 0;
  while (written < text.size()) {
    const ssize_t got = write(fd_, text.data() + written, text.size() - written);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) FailToWrite();
    written += static_cast<size_t>(got);
  }
}

void ResultsFile::Load(const std::string& text, const Identity& identity) {
  const std::string header = HeaderText(identity);
  if (text.size() < header.size() && header.compare(0, text.size(), text) == 0) {
    if (ftruncate(fd_, 0) != 0) FailToWrite();  // new, or torn in its header
    return Write(header);
  }
  size_t at = 0;
  int number = 0;
  const auto next_line = [&](std::string& line) {
    const size_t end = text.find('\n', at);
    if (end == std::string::npos) return false;
    line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    return true;
  };
  std::string line;
  if (!next_line(line) || line != kSchema) {
    Fail(fmt::format("is no file of results (its first line is not \"{}\")", kSchema));
  }
  for (const auto& [name, hash] : identity) {
    if (!next_line(line) || line.compare(0, name.size() + 1, name + " ") != 0) {
      Fail(fmt::format("line {}: expected its {}", number, name));
    }
    const std::string found = line.substr(name.size() + 1);
    if (found != hash) {
      Fail(fmt::format("holds results of another {} ({}, and not {}): use another file", name,
                       found, hash));
    }
  }
  while (next_line(line)) {
    try {
      results_.push_back(ParseResult(line));
    } catch (const std::invalid_argument& error) {
      Fail(fmt::format("line {}: {}", number, error.what()));
    }
  }
  if (at < text.size() && ftruncate(fd_, static_cast<off_t>(at)) != 0) Fail(std::strerror(errno));
}

void ResultsFile::Append(const ImageResult& result) {
  if (fd_ >= 0) Write(FormatResult(result) + "\n");
  results_.push_back(result);
}

}  // namespace nibble::evaluation
