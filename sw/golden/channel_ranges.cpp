#include "sw/golden/channel_ranges.h"

#include <algorithm>

#include "models/numerics/packing.h"

namespace nibble::golden {
namespace {

using numerics::ActivationLayout;
using numerics::StoredActivations;

// Where the bytes of a range begin in those of a pixel.
struct Place {
  Place(const ActivationLayout& layout, int channel)
      : code(numerics::PackedBytes(numerics::ElementBits(layout.format), channel)),
        scale(static_cast<uint32_t>(numerics::BlockScaleBits(layout.format) / 8) *
              static_cast<uint32_t>(channel / layout.block)) {}
  uint32_t code, scale;
};

ActivationLayout Part(ActivationLayout layout, int channels) {
  layout.channels = channels;
  return layout;
}

}  // namespace

StoredActivations ReadChannels(const StoredActivations& from, const ChannelRange& range) {
  StoredActivations to{Part(from.layout, range.channels), from.scale, {}, {}};
  const Place place(from.layout, range.channel);
  const auto copy = [&](const std::vector<uint8_t>& bytes, uint32_t stride, uint32_t at,
                        uint32_t count, std::vector<uint8_t>& out) {
    out.reserve(size_t{count} * from.layout.pixels);
    for (int p = 0; p < from.layout.pixels; ++p) {
      const auto pixel = bytes.begin() + static_cast<std::ptrdiff_t>(size_t{stride} * p + at);
      out.insert(out.end(), pixel, pixel + count);
    }
  };
  copy(from.codes, from.layout.code_bytes_per_pixel(), place.code, to.layout.code_bytes_per_pixel(),
       to.codes);
  copy(from.scales, from.layout.scale_row_bytes(), place.scale, to.layout.scale_row_bytes(),
       to.scales);
  return to;
}

void StoreChannels(StoredActivations& to, const ChannelRange& range, const float* x,
                   const numerics::Rounding& rounding) {
  const ActivationLayout part = Part(to.layout, range.channels);
  const Place place(to.layout, range.channel);
  for (size_t p = 0; p < static_cast<size_t>(to.layout.pixels); ++p) {
    numerics::StorePixel(part, to.scale, x + p * range.channels,
                         to.codes.data() + p * to.layout.code_bytes_per_pixel() + place.code,
                         to.scales.data() + p * to.layout.scale_row_bytes() + place.scale, rounding,
                         p * to.layout.channels + range.channel);
  }
}

}  // namespace nibble::golden
