#include "models/numerics/activation_store.h"

#include <algorithm>

#include "models/numerics/bits.h"
#include "models/numerics/block_tensor.h"
#include "models/numerics/elements.h"
#include "models/numerics/formats.h"
#include "models/numerics/kernels/kernels.h"
#include "models/numerics/packing.h"

namespace nibble::numerics {
namespace {

constexpr int kPart = 128;  // elements held unpacked at a time: whole blocks, whole bytes

void StoreWords(const float* x, int count, uint8_t* bytes) {
  for (int i = 0; i < count; ++i) StoreWord(FloatBits(x[i]), 4, bytes + 4 * i);
}

// Calls visit(begin, count) for the parts of a pixel.
template <typename Visit>
void ForEachPart(int channels, Visit visit) {
  for (int begin = 0; begin < channels; begin += kPart) {
    visit(begin, std::min(kPart, channels - begin));
  }
}

}  // namespace

uint32_t ActivationLayout::code_bytes_per_pixel() const {
  return PackedBytes(ElementBits(format), channels);
}

uint32_t ActivationLayout::scale_bytes_per_pixel() const {
  return static_cast<uint32_t>(BlockScaleBits(format) / 8 * BlockCount(channels, block));
}

double ActivationLayout::bits_per_element() const {
  const uint64_t elements = static_cast<uint64_t>(pixels) * static_cast<uint64_t>(channels);
  const uint64_t tensor_scale = HasTensorScale(format) ? 32 : 0;
  const uint64_t bits = 8 * (code_bytes() + scale_bytes()) + tensor_scale;
  return elements == 0 ? 0.0 : static_cast<double>(bits) / static_cast<double>(elements);
}

void StorePixel(const ActivationLayout& layout, const TensorScale& scale, const float* x,
                uint8_t* codes, uint8_t* scales, const Rounding& rounding, uint64_t index) {
  if (layout.format == Format::kFp32) return StoreWords(x, layout.channels, codes);
  if (layout.format == Format::kNvfp4 && rounding.mode == RoundingMode::kNearestEven) {
    kernels::Active().quantize_nvfp4(x, layout.channels, layout.block, scale, codes, scales);
    return;
  }
  const int bits = ElementBits(layout.format);
  const int scale_bytes = BlockScaleBits(layout.format) / 8;
  ForEachPart(layout.channels, [&](int begin, int count) {
    uint16_t part[kPart];
    for (int b = 0; b < count; b += layout.block) {
      const int at = begin + b;
      const uint32_t word =
          QuantizeBlock(layout.format, x + at, std::min(layout.block, count - b), scale, rounding,
                        index + static_cast<uint64_t>(at), part + b);
      if (scale_bytes > 0) StoreWord(word, scale_bytes, scales + at / layout.block * scale_bytes);
    }
    PackCodes(bits, part, count, codes + PackedBytes(bits, begin));
  });
}

void LoadPixel(const ActivationLayout& layout, float decode, const uint8_t* codes,
               const uint8_t* scales, float* x) {
  if (layout.format == Format::kFp32) {
    for (int c = 0; c < layout.channels; ++c) x[c] = BitsFloat(LoadWord(codes + 4 * c, 4));
    return;
  }
  const FormatSpec& spec = SpecOf(layout.format);
  const int bits = ElementBits(spec.element);
  const int scale_bytes = BlockScaleBits(layout.format) / 8;
  ForEachPart(layout.channels, [&](int begin, int count) {
    uint16_t part[kPart];
    UnpackCodes(bits, codes + PackedBytes(bits, begin), count, part);
    DecodeElements(spec.element, part, count, x + begin);
    for (int b = 0; b < count; b += layout.block) {
      const int at = begin + b;
      float scale = decode;
      if (scale_bytes > 0) {
        const uint32_t word = LoadWord(scales + at / layout.block * scale_bytes, scale_bytes);
        scale = BlockScaleValue(spec.block_scale, word) * decode;
      }
      const int end = begin + std::min(b + layout.block, count);
      for (int c = at; c < end; ++c) x[c] *= scale;
    }
  });
}

StoredActivations StoreTensor(const ActivationLayout& layout, const TensorScale& scale,
                              const float* x, const Rounding& rounding) {
  StoredActivations stored{layout, HasTensorScale(layout.format) ? scale : TensorScale{}, {}, {}};
  stored.codes.resize(layout.code_bytes());
  stored.scales.resize(layout.scale_bytes());
  for (size_t p = 0; p < static_cast<size_t>(layout.pixels); ++p) {
    const size_t first = p * static_cast<size_t>(layout.channels);
    StorePixel(layout, stored.scale, x + first,
               stored.codes.data() + p * layout.code_bytes_per_pixel(),
               stored.scales.data() + p * layout.scale_bytes_per_pixel(), rounding, first);
  }
  return stored;
}

std::vector<float> LoadTensor(const StoredActivations& stored) {
  const ActivationLayout& layout = stored.layout;
  const auto channels = static_cast<size_t>(layout.channels);
  std::vector<float> x(static_cast<size_t>(layout.pixels) * channels);
  for (size_t p = 0; p < static_cast<size_t>(layout.pixels); ++p) {
    LoadPixel(layout, stored.scale.decode, stored.codes.data() + p * layout.code_bytes_per_pixel(),
              stored.scales.data() + p * layout.scale_bytes_per_pixel(), x.data() + p * channels);
  }
  return x;
}

}  // namespace nibble::numerics
