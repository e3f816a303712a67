#include "models/numerics/activation_store.h"

#include <algorithm>
#include <stdexcept>

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

uint32_t ActivationLayout::scale_row_bytes() const {
  const int scales = strips() ? channels : BlockCount(channels, block);
  return static_cast<uint32_t>(BlockScaleBits(format) / 8 * scales);
}

uint64_t ActivationLayout::scale_index(int pixel, int channel) const {
  const auto p = static_cast<uint64_t>(pixel), c = static_cast<uint64_t>(channel);
  if (!strips())
    return p * static_cast<uint64_t>(BlockCount(channels, block)) +
           c / static_cast<uint64_t>(block);
  const auto row = static_cast<uint64_t>(strip_row);
  const uint64_t strip = scale_rows(p / row * row) + p % row / static_cast<uint64_t>(block);
  return strip * static_cast<uint64_t>(channels) + c;
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

void StoreStrips(const ActivationLayout& layout, const TensorScale& scale, const float* x,
                 uint8_t* codes, size_t code_pitch, uint8_t* scales, size_t scale_pitch,
                 const Rounding& rounding) {
  if (rounding.mode == RoundingMode::kStochastic) {
    throw std::invalid_argument("strips of pixels are not rounded stochastically");
  }
  const int bits = ElementBits(layout.format);
  const int scale_bytes = BlockScaleBits(layout.format) / 8;
  const auto channels = static_cast<size_t>(layout.channels);
  std::vector<float> strip(static_cast<size_t>(layout.block));
  std::vector<uint16_t> strip_codes(strip.size()), pixels(strip.size() * channels);
  for (int begin = 0; begin < layout.strip_row; begin += layout.block) {
    const int count = std::min(layout.block, layout.strip_row - begin);
    for (size_t c = 0; c < channels; ++c) {
      for (int i = 0; i < count; ++i) strip[i] = x[static_cast<size_t>(begin + i) * channels + c];
      const uint32_t word =
          QuantizeBlock(layout.format, strip.data(), count, scale, rounding, 0, strip_codes.data());
      StoreWord(word, scale_bytes, scales + c * static_cast<size_t>(scale_bytes));
      for (int i = 0; i < count; ++i)
        pixels[static_cast<size_t>(i) * channels + c] = strip_codes[i];
    }
    for (int i = 0; i < count; ++i, codes += code_pitch) {
      PackCodes(bits, &pixels[static_cast<size_t>(i) * channels], layout.channels, codes);
    }
    scales += scale_pitch;
  }
}

namespace {

StoredActivations StoreTensorInStrips(const ActivationLayout& layout, const TensorScale& scale,
                                      const float* x, const Rounding& rounding) {
  StoredActivations stored{layout, HasTensorScale(layout.format) ? scale : TensorScale{}, {}, {}};
  stored.codes.resize(layout.code_bytes());
  stored.scales.resize(layout.scale_bytes());
  const size_t code_pitch = layout.code_bytes_per_pixel(), scale_pitch = layout.scale_row_bytes();
  const auto row = static_cast<size_t>(layout.strip_row);
  for (size_t p = 0; p < static_cast<size_t>(layout.pixels); p += row) {
    StoreStrips(layout, stored.scale, x + p * static_cast<size_t>(layout.channels),
                stored.codes.data() + p * code_pitch, code_pitch,
                stored.scales.data() + layout.scale_rows(p) * scale_pitch, scale_pitch, rounding);
  }
  return stored;
}

std::vector<float> LoadTensorOfStrips(const StoredActivations& stored) {
  const ActivationLayout& layout = stored.layout;
  const FormatSpec& spec = SpecOf(layout.format);
  const auto channels = static_cast<size_t>(layout.channels);
  const auto scale_bytes = static_cast<size_t>(BlockScaleBits(layout.format) / 8);
  std::vector<float> x(static_cast<size_t>(layout.pixels) * channels);
  std::vector<uint16_t> codes(channels);
  for (int p = 0; p < layout.pixels; ++p) {
    float* pixel = &x[static_cast<size_t>(p) * channels];
    UnpackCodes(ElementBits(spec.element), &stored.codes[size_t{layout.code_bytes_per_pixel()} * p],
                layout.channels, codes.data());
    DecodeElements(spec.element, codes.data(), layout.channels, pixel);
    const uint8_t* scales = &stored.scales[layout.scale_index(p, 0) * scale_bytes];
    for (size_t c = 0; c < channels; ++c, scales += scale_bytes) {
      const uint32_t word = LoadWord(scales, static_cast<int>(scale_bytes));
      pixel[c] *= BlockScaleValue(spec.block_scale, word) * stored.scale.decode;
    }
  }
  return x;
}

}  // namespace

StoredActivations StoreTensor(const ActivationLayout& layout, const TensorScale& scale,
                              const float* x, const Rounding& rounding) {
  if (layout.strips()) return StoreTensorInStrips(layout, scale, x, rounding);
  StoredActivations stored{layout, HasTensorScale(layout.format) ? scale : TensorScale{}, {}, {}};
  stored.codes.resize(layout.code_bytes());
  stored.scales.resize(layout.scale_bytes());
  for (size_t p = 0; p < static_cast<size_t>(layout.pixels); ++p) {
    const size_t first = p * static_cast<size_t>(layout.channels);
    StorePixel(layout, stored.scale, x + first,
               stored.codes.data() + p * layout.code_bytes_per_pixel(),
               stored.scales.data() + p * layout.scale_row_bytes(), rounding, first);
  }
  return stored;
}

std::vector<float> LoadTensor(const StoredActivations& stored) {
  const ActivationLayout& layout = stored.layout;
  if (layout.strips()) return LoadTensorOfStrips(stored);
  const auto channels = static_cast<size_t>(layout.channels);
  std::vector<float> x(static_cast<size_t>(layout.pixels) * channels);
  for (size_t p = 0; p < static_cast<size_t>(layout.pixels); ++p) {
    LoadPixel(layout, stored.scale.decode, stored.codes.data() + p * layout.code_bytes_per_pixel(),
              stored.scales.data() + p * layout.scale_row_bytes(), x.data() + p * channels);
  }
  return x;
}

}  // namespace nibble::numerics
