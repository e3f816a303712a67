#include "models/numerics/activation_store.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "models/numerics/bits.h"
#include "models/numerics/formats.h"
#include "models/numerics/kernels/kernels.h"

namespace nibble::numerics {
namespace {

constexpr int kUnpacked = 128;  // codes packed at a time; even, for whole bytes

[[noreturn]] void ThrowNoActivations(Format format) {
  throw std::invalid_argument(std::string("activations are not stored as ") + FormatName(format));
}

void StoreWord(float x, uint8_t* bytes) {
  const uint32_t bits = FloatBits(x);
  for (int i = 0; i < 4; ++i) bytes[i] = static_cast<uint8_t>(bits >> (8 * i));
}

float LoadWord(const uint8_t* bytes) {
  uint32_t bits = 0;
  for (int i = 0; i < 4; ++i) bits |= static_cast<uint32_t>(bytes[i]) << (8 * i);
  return BitsFloat(bits);
}

uint8_t Nibble(const uint8_t* packed, int i) { return (packed[i / 2] >> (4 * (i % 2))) & 15; }

}  // namespace

uint32_t ActivationLayout::code_bytes_per_pixel() const {
  return (static_cast<uint32_t>(channels) * static_cast<uint32_t>(ElementBits(format)) + 7) / 8;
}

uint32_t ActivationLayout::scale_bytes_per_pixel() const {
  return HasBlockScale(format) ? static_cast<uint32_t>(BlockCount(channels, block)) : 0;
}

double ActivationLayout::bits_per_element() const {
  const uint64_t elements = static_cast<uint64_t>(pixels) * static_cast<uint64_t>(channels);
  const uint64_t tensor_scale = HasBlockScale(format) ? 32 : 0;
  const uint64_t bits = 8 * (code_bytes() + scale_bytes()) + tensor_scale;
  return elements == 0 ? 0.0 : static_cast<double>(bits) / static_cast<double>(elements);
}

void UnpackCodes(const uint8_t* packed, int count, uint8_t* codes) {
  for (int i = 0; i + 1 < count; i += 2) {
    codes[i] = packed[i / 2] & 15;
    codes[i + 1] = packed[i / 2] >> 4;
  }
  if (count % 2 != 0) codes[count - 1] = packed[count / 2] & 15;
}

void PackCodes(const uint8_t* codes, int count, uint8_t* packed) {
  for (int i = 0; i + 1 < count; i += 2) {
    packed[i / 2] = static_cast<uint8_t>((codes[i] & 15) | (codes[i + 1] << 4));
  }
  if (count % 2 != 0) packed[count / 2] = codes[count - 1] & 15;
}

void StorePixel(const ActivationLayout& layout, const TensorScale& scale, const float* x,
                uint8_t* codes, uint8_t* scales) {
  switch (layout.format) {
    case Format::kNvfp4:
      kernels::Active().quantize_nvfp4(x, layout.channels, layout.block, scale, codes, scales);
      return;
    case Format::kFp4:
      for (int c = 0; c < layout.channels; c += kUnpacked) {
        const int count = std::min(kUnpacked, layout.channels - c);
        uint8_t unpacked[kUnpacked];
        QuantizeRow(x + c, count, layout.format, layout.block, scale, unpacked, nullptr);
        PackCodes(unpacked, count, codes + c / 2);
      }
      return;
    case Format::kFp32:
      for (int c = 0; c < layout.channels; ++c) StoreWord(x[c], codes + 4 * c);
      return;
    default:
      ThrowNoActivations(layout.format);
  }
}

void LoadPixel(const ActivationLayout& layout, float s_dec, const uint8_t* codes,
               const uint8_t* scales, float* x) {
  switch (layout.format) {
    case Format::kNvfp4:
      for (int begin = 0; begin < layout.channels; begin += layout.block) {
        const float block_scale = DecodeE4M3(*scales++) * s_dec;
        const int end = std::min(begin + layout.block, layout.channels);
        for (int c = begin; c < end; ++c) x[c] = DecodeE2M1(Nibble(codes, c)) * block_scale;
      }
      return;
    case Format::kFp4:
      for (int c = 0; c < layout.channels; ++c) x[c] = DecodeE2M1(Nibble(codes, c));
      return;
    case Format::kFp32:
      for (int c = 0; c < layout.channels; ++c) x[c] = LoadWord(codes + 4 * c);
      return;
    default:
      ThrowNoActivations(layout.format);
  }
}

StoredActivations StoreTensor(const ActivationLayout& layout, const TensorScale& scale,
                              const float* x) {
  StoredActivations stored{layout, HasBlockScale(layout.format) ? scale : TensorScale{}, {}, {}};
  stored.codes.resize(layout.code_bytes());
  stored.scales.resize(layout.scale_bytes());
  for (size_t p = 0; p < static_cast<size_t>(layout.pixels); ++p) {
    StorePixel(layout, scale, x + p * static_cast<size_t>(layout.channels),
               stored.codes.data() + p * layout.code_bytes_per_pixel(),
               stored.scales.data() + p * layout.scale_bytes_per_pixel());
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
