#include "models/numerics/format_spec.h"

#include "models/numerics/elements.h"

namespace nibble::numerics {
namespace {

constexpr bool InOrder() {
  for (size_t i = 0; i < kFormatSpecs.size(); ++i) {
    if (static_cast<size_t>(kFormatSpecs[i].format) != i) return false;
  }
  return true;
}
static_assert(InOrder(), "SpecOf takes the value of an enumerator as index");

}  // namespace

const char* FormatName(Format format) { return SpecOf(format).name; }

int ElementBits(Format format) { return ElementBits(SpecOf(format).element); }

int BlockScaleBits(Format format) {
  switch (SpecOf(format).block_scale) {
    case BlockScale::kNone:
      return 0;
    case BlockScale::kE4M3:
    case BlockScale::kE8M0:
      return 8;
    case BlockScale::kFp16:
      return 16;
    case BlockScale::kFp32:
      return 32;
  }
  return 0;
}

Format ParseFormat(const std::string& name) {
  std::string known;
  for (const FormatSpec& spec : kFormatSpecs) {
    if (name == spec.name) return spec.format;
    known += known.empty() ? spec.name : std::string(", ") + spec.name;
  }
  throw std::invalid_argument("format \"" + name + "\" is unknown; known: " + known);
}

}  // namespace nibble::numerics
