#include "models/numerics/datapath.h"

#include <stdexcept>

namespace nibble::numerics {
namespace {

struct Entry {
  Format format;
  const char* name;
  int bits;
};

constexpr Entry kFormats[] = {{Format::kNvfp4, "nvfp4", 4},
                              {Format::kFp4, "fp4", 4},
                              {Format::kFp8, "fp8", 8},
                              {Format::kFp16, "fp16", 16},
                              {Format::kFp32, "fp32", 32}};

const Entry& Find(Format format) {
  for (const Entry& entry : kFormats) {
    if (entry.format == format) return entry;
  }
  throw std::invalid_argument("format " + std::to_string(static_cast<int>(format)) + " is unknown");
}

}  // namespace

const char* FormatName(Format format) { return Find(format).name; }

int ElementBits(Format format) { return Find(format).bits; }

Format ParseFormat(const std::string& name) {
  std::string known;
  for (const Entry& entry : kFormats) {
    if (name == entry.name) return entry.format;
    known += known.empty() ? entry.name : std::string(", ") + entry.name;
  }
  throw std::invalid_argument("format \"" + name + "\" is unknown; known: " + known);
}

}  // namespace nibble::numerics
