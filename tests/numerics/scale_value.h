// The value of a stored block scale, by the decoder of its format.
#pragma once

#include "models/numerics/bits.h"
#include "models/numerics/format_spec.h"
#include "models/numerics/formats.h"

namespace nibble::numerics {

// 1 for formats without block scales.
inline float ScaleValue(Format format, int64_t scale) {
  switch (SpecOf(format).block_scale) {
    case BlockScale::kE4M3:
      return DecodeE4M3(static_cast<uint8_t>(scale));
    case BlockScale::kE8M0:
      return DecodeE8M0(static_cast<uint8_t>(scale));
    case BlockScale::kFp16:
      return DecodeFp16(static_cast<uint16_t>(scale));
    case BlockScale::kFp32:
      return BitsFloat(static_cast<uint32_t>(scale));
    default:
      return 1;
  }
}

}  // namespace nibble::numerics
