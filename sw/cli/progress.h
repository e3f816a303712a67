// A progress bar on stderr: only on a terminal, and only for work of more than a second.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace nibble::cli {

class Progress {
 public:
  // `what` is shown before the bar. `enabled` false: never shown.
  explicit Progress(std::string what, bool enabled = true);
  ~Progress();  // clears the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Update(size_t done, size_t total);

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_;
  bool enabled_, shown_ = false;
  Clock::time_point start_, last_;
};

}  // namespace nibble::cli
