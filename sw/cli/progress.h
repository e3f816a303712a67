// A progress bar and the time that is left, on stderr: only on a terminal, and only for work of
// more than a second.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace nibble::cli {

// "42 s", "3 min", "2 h 05 min": roughly.
std::string RoughTime(double seconds);

class Progress {
 public:
  // `what` is shown before the bar. `enabled` false: never shown.
  explicit Progress(std::string what, bool enabled = true);
  ~Progress();  // clears the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // The time left is foretold from the pace since the first call.
  void Update(size_t done, size_t total);

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_;
  bool enabled_, shown_ = false;
  Clock::time_point start_, last_;
  std::optional<size_t> first_;  // done at the first call
};

}  // namespace nibble::cli
