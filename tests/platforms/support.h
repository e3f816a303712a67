// What the platform tests share.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "platforms/design_point.h"

namespace nibble::platforms {

// The message of the ParameterError that `action` throws, or "accepted".
template <class Action>
std::string Refusal(Action action) {
  try {
    action();
  } catch (const ParameterError& e) {
    return e.what();
  }
  return "accepted";
}

inline std::string SetRefusal(const std::string& set, Platform platform = Platform::kAccel) {
  return Refusal([&] { Resolve(platform, "", {set}); });
}

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) {
    char name[] = "/tmp/nibble-test-XXXXXX";
    close(mkstemp(name));
    path = name;
    std::ofstream(path) << text;
  }
  ~TemporaryFile() { unlink(path.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  std::string path;
};

inline constexpr Platform kBothPlatforms[] = {Platform::kAccel, Platform::kNearmem};

}  // namespace nibble::platforms
