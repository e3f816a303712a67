// Random operands of every format: ordinary ones, and what can go wrong.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "models/numerics/format_spec.h"
#include "models/numerics/packing.h"
#include "tests/numerics/testing.h"

namespace nibble::numerics {

enum class Draw : uint8_t {
  kNear,     // any finite elements under scales near each other: sums round and cancel
  kWide,     // any finite elements and scales, with zero, subnormal and the largest ones
  kExtreme,  // elements and scales of the largest magnitude
  kSpecial,  // as kNear, now and then a scale or an element that is no finite number
};
inline constexpr Draw kDraws[] = {Draw::kNear, Draw::kWide, Draw::kExtreme, Draw::kSpecial};

// All formats but binary32, which has no codes.
inline std::vector<Format> CodedFormats() {
  std::vector<Format> formats;
  for (const FormatSpec& spec : AllFormats()) {
    if (spec.format != Format::kFp32) formats.push_back(spec.format);
  }
  return formats;
}

// The largest finite magnitude. Integers: -8 and -128, which no quantiser makes but memory may
// hold.
inline uint16_t LargestCode(Element element) {
  switch (element) {
    case Element::kE2M1:
      return 7;
    case Element::kE2M3:
    case Element::kE3M2:
      return 31;
    case Element::kE4M3:
      return 0x7E;
    case Element::kE5M2:
      return 0x7B;
    case Element::kInt4:
      return 8;
    case Element::kInt8:
      return 0x80;
    case Element::kFp16:
      return 0x7BFF;
    default:
      return 0x7F7F;
  }
}

inline bool IsFinite(Element element, uint16_t code) {
  switch (element) {
    case Element::kE4M3:
      return (code & 0x7F) != 0x7F;
    case Element::kE5M2:
      return (code & 0x7C) != 0x7C;
    case Element::kFp16:
      return (code & 0x7C00) != 0x7C00;
    case Element::kBf16:
      return (code & 0x7F80) != 0x7F80;
    default:
      return true;
  }
}

inline uint16_t AnyCode(Random& random, Format format, Draw draw) {
  const Element element = SpecOf(format).element;
  const int bits = ElementBits(format);
  if (draw == Draw::kExtreme) {
    const bool integer = element == Element::kInt4 || element == Element::kInt8;
    const int sign = integer ? 0 : random.Int(0, 1) << (bits - 1);
    return static_cast<uint16_t>(LargestCode(element) | sign);
  }
  const bool special = draw == Draw::kSpecial && random.Int(0, 60) == 0;
  for (;;) {
    const auto code = static_cast<uint16_t>(random.Word() & ((1u << bits) - 1));
    if (IsFinite(element, code) || special) return code;
  }
}

// The bits of a block scale; kNoScale without.
inline int64_t AnyScale(Random& random, Format format, Draw draw) {
  struct Range {
    int64_t near, near_end, largest, subnormal, special, special_end;
  };
  const auto pick = [&](const Range& range) -> int64_t {
    const auto between = [&](int64_t first, int64_t last) {
      return first + static_cast<int64_t>(random.Word() % static_cast<uint32_t>(last - first + 1));
    };
    switch (draw) {
      case Draw::kExtreme:
        return range.largest;
      case Draw::kWide:
        switch (random.Int(0, 7)) {
          case 0:
            return 0;
          case 1:
            return range.largest;
          case 2:
            return between(0, range.subnormal);
          default:
            return between(0, range.largest);
        }
      case Draw::kSpecial:
        if (random.Int(0, 19) == 0) return range.special;  // infinity where there is one
        if (random.Int(0, 19) == 0) return between(range.special, range.special_end);
        break;
      default:
        break;
    }
    return between(range.near, range.near_end);
  };
  switch (SpecOf(format).block_scale) {
    case BlockScale::kE4M3:  // bit 7 is ignored
      return pick({0x30, 0x3F, 0x7E, 7, 0x7F, 0x7F}) | random.Int(0, 1) << 7;
    case BlockScale::kE8M0:
      return pick({125, 129, 254, 0, 255, 255});
    case BlockScale::kFp16:
      return pick({0x3800, 0x3FFF, 0x7BFF, 0x3FF, 0x7C00, 0x7FFF});
    case BlockScale::kFp32:
      return pick({0x3F000000, 0x3FFFFFFF, 0x7F7FFFFF, 0x7FFFFF, 0x7F800000, 0x7FFFFFFF});
    default:
      return -1;  // kNoScale
  }
}

// Rows of elements along the reduction axis, each in blocks of `block`.
struct AnyRows {
  AnyRows(Random& random, Format row_format, int row_block, int row_count, int row_length,
          Draw draw)
      : format(row_format),
        block(row_block),
        length(row_length),
        blocks((row_length + row_block - 1) / row_block),
        codes(static_cast<size_t>(row_count) * static_cast<size_t>(length)),
        scales(static_cast<size_t>(row_count) * static_cast<size_t>(blocks)) {
    for (uint16_t& code : codes) code = AnyCode(random, format, draw);
    for (int64_t& scale : scales) scale = AnyScale(random, format, draw);
  }
  const uint16_t* code(int row, int k) const {
    return &codes[static_cast<size_t>(row) * static_cast<size_t>(length) + static_cast<size_t>(k)];
  }
  int64_t scale(int row, int k) const {
    return scales[static_cast<size_t>(row) * static_cast<size_t>(blocks) +
                  static_cast<size_t>(k / block)];
  }
  std::vector<uint8_t> PackedCodes(int row) const {
    std::vector<uint8_t> bytes(PackedBytes(ElementBits(format), length));
    PackCodes(ElementBits(format), code(row, 0), length, bytes.data());
    return bytes;
  }
  // Empty without block scales.
  std::vector<uint8_t> PackedScales(int row) const {
    const int size = BlockScaleBits(format) / 8;
    std::vector<uint8_t> bytes(static_cast<size_t>(size * blocks));
    for (int b = 0; b < blocks && size > 0; ++b) {
      StoreWord(static_cast<uint32_t>(scale(row, b * block)), size,
                &bytes[static_cast<size_t>(b * size)]);
    }
    return bytes;
  }

  Format format;
  int block, length, blocks;
  std::vector<uint16_t> codes;
  std::vector<int64_t> scales;
};

}  // namespace nibble::numerics
