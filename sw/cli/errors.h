// Exit codes, and the errors that only the command line raises.
#pragma once

#include <stdexcept>

namespace nibble::cli {

inline constexpr int kDone = 0;
inline constexpr int kCheckFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kBadInput = 3;
inline constexpr int kInternal = 4;
inline constexpr int kIncomplete = 5;
inline constexpr int kInterrupted = 130;

// Wrong use of the command line. Exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace nibble::cli
