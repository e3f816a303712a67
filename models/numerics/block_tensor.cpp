#include "models/numerics/block_tensor.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <stdexcept>

#include "models/numerics/elements.h"
#include "models/numerics/formats.h"
#include "models/numerics/packing.h"

namespace nibble::numerics {
namespace {

constexpr float kE4M3Max = 448.0f;

// What brings the values of one block into the range of the elements: a factor where the
// definition multiplies, a divisor where it divides; they round differently.
struct Normalizer {
  float by = 1.0f;
  bool divides = false;
  float operator()(float x) const { return divides ? x / by : x * by; }
};

constexpr int kPart = 128;  // values held at a time

void EncodeNormalized(Element element, const float* x, int count, const Normalizer& normalize,
                      const Rounding& rounding, uint64_t index, uint16_t* codes) {
  float y[kPart];
  for (int begin = 0; begin < count; begin += kPart) {
    const int part = std::min(kPart, count - begin);
    for (int i = 0; i < part; ++i) y[i] = normalize(x[begin + i]);
    EncodeElements(element, y, part, rounding, index + static_cast<uint64_t>(begin), codes + begin);
  }
}

float Canonical(float x) { return std::isnan(x) ? BitsFloat(kCanonicalNan) : x; }

// amax / max: the scale that maps the largest value to the largest element.
float PlainScale(float amax, Element element) {
  const float scale = amax / ElementMax(element);
  return scale == 0.0f || std::isinf(scale) ? 1.0f : scale;
}

float Fp16Scale(float amax, Element element) {
  const float scale = DecodeFp16(EncodeFp16(PlainScale(amax, element)));
  return scale == 0.0f ? 1.0f : scale;
}

// Exponent of the largest binade of an element.
int LargestExponent(Element element) {
  return static_cast<int>(FloatBits(ElementMax(element)) >> 23) - 127;
}

}  // namespace

uint8_t QuantizeMxBlock(const float* x, int count, Element element, MxRule rule,
                        const Rounding& rounding, uint64_t index, uint16_t* codes) {
  const bool finite = std::all_of(x, x + count, [](float v) { return std::isfinite(v); });
  uint8_t scale = 0xFF;
  if (finite) {
    const float amax = AmaxIgnoringNan(x, static_cast<size_t>(count));
    scale =
        rule == MxRule::kCeil
            ? EncodeE8M0Ceil(amax / ElementMax(element))
            : static_cast<uint8_t>(std::max(EncodeE8M0Floor(amax) - LargestExponent(element), 0));
  }
  // The codes under a NaN scale have no meaning; those of scale 0 are what the reference stores.
  // A product below the binary32 range is far below half a step of any element.
  const float factor = DecodeE8M0(static_cast<uint8_t>(254 - (finite ? scale : 0)));
  if (finite) {
    EncodeNormalized(element, x, count, {factor, false}, rounding, index, codes);
    return scale;
  }
  for (int i = 0; i < count; ++i) {
    const float y = std::isfinite(x[i]) ? x[i] * factor : 0.0f;
    codes[i] = EncodeElement(element, y, rounding, index + static_cast<uint64_t>(i));
  }
  return scale;
}

TensorScale OuterScaleFromAmax(Format format, float amax) {
  const FormatSpec& spec = SpecOf(format);
  if (spec.outer == OuterScale::kNone) return {};
  if (spec.block_scale == BlockScale::kE4M3) {
    return TensorScaleFromAmax(amax, kE4M3Max * ElementMax(spec.element));
  }
  return {1.0f, PlainScale(amax, spec.element)};
}

uint32_t QuantizeBlock(Format format, const float* x, int count, const TensorScale& outer,
                       const Rounding& rounding, uint64_t index, uint16_t* codes) {
  const FormatSpec& spec = SpecOf(format);
  const float amax = AmaxIgnoringNan(x, static_cast<size_t>(count));
  Normalizer normalize;
  uint32_t bits = 0;
  switch (spec.block_scale) {
    case BlockScale::kNone:
      if (spec.outer != OuterScale::kNone) normalize = {outer.decode, true};
      break;
    case BlockScale::kE4M3: {
      const float multiplier = outer.encode * (1.0f / ElementMax(spec.element));
      bits = EncodeE4M3(amax * multiplier);
      const float scale = DecodeE4M3(static_cast<uint8_t>(bits)) * outer.decode;
      normalize = {std::min(1.0f / scale, FLT_MAX), false};
      break;
    }
    case BlockScale::kE8M0: {
      const MxRule rule = format == Format::kMxfp4Ceil ? MxRule::kCeil : MxRule::kFloor;
      return QuantizeMxBlock(x, count, spec.element, rule, rounding, index, codes);
    }
    case BlockScale::kFp16:
      normalize = {Fp16Scale(amax, spec.element), true};
      bits = EncodeFp16(normalize.by);
      break;
    case BlockScale::kFp32:
      normalize = {PlainScale(amax, spec.element), true};
      bits = FloatBits(normalize.by);
      break;
  }
  EncodeNormalized(spec.element, x, count, normalize, rounding, index, codes);
  return bits;
}

float DequantizeMx(Element element, uint16_t code, uint8_t scale) {
  return Canonical(DecodeElement(element, code) * DecodeE8M0(scale));
}

BlockTensor Quantize(const float* x, int rows, int columns, Format format,
                     const QuantizeOptions& options) {
  if (format == Format::kFp32) throw std::invalid_argument("fp32 is stored as it is");
  if (rows < 1 || columns < 1) throw std::invalid_argument("an empty tensor has no quantised form");
  if (options.block < 1) throw std::invalid_argument("a block has at least one element");
  const FormatSpec& spec = SpecOf(format);
  const auto length = static_cast<size_t>(columns);
  BlockTensor tensor;
  tensor.format = format;
  tensor.block = options.block;
  tensor.rows = rows;
  tensor.columns = columns;
  tensor.codes.resize(static_cast<size_t>(rows) * length);
  const auto outer_of = [&](const float* values, size_t count) {
    return OuterScaleFromAmax(format,
                              options.amax ? *options.amax : AmaxIgnoringNan(values, count));
  };
  if (spec.outer == OuterScale::kTensor) tensor.outer = {outer_of(x, tensor.codes.size())};

  for (int row = 0; row < rows; ++row) {
    const size_t first = static_cast<size_t>(row) * length;
    if (spec.outer == OuterScale::kChannel) {
      tensor.outer.push_back(outer_of(x + first, length));
    }
    const TensorScale outer = tensor.outer.empty() ? TensorScale{} : tensor.outer.back();
    for (int begin = 0; begin < columns; begin += options.block) {
      const size_t at = first + static_cast<size_t>(begin);
      const uint32_t scale = QuantizeBlock(format, x + at, std::min(options.block, columns - begin),
                                           outer, options.rounding, at, &tensor.codes[at]);
      if (spec.block_scale != BlockScale::kNone) tensor.scales.push_back(scale);
    }
  }
  return tensor;
}

std::vector<uint8_t> PackScales(const BlockTensor& tensor) {
  const int size = BlockScaleBits(tensor.format) / 8;
  std::vector<uint8_t> bytes(tensor.scales.size() * static_cast<size_t>(size));
  for (size_t i = 0; i < tensor.scales.size() && size > 0; ++i) {
    StoreWord(tensor.scales[i], size, &bytes[i * static_cast<size_t>(size)]);
  }
  return bytes;
}

float BlockScaleValue(BlockScale scale, uint32_t bits) {
  switch (scale) {
    case BlockScale::kNone:
      return 1.0f;
    case BlockScale::kE4M3:
      return DecodeE4M3(bits & 0x7F);  // unsigned: bit 7 is ignored
    case BlockScale::kE8M0:
      return DecodeE8M0(static_cast<uint8_t>(bits));
    case BlockScale::kFp16:
      return DecodeFp16(static_cast<uint16_t>(bits));
    case BlockScale::kFp32:
      return BitsFloat(bits);
  }
  return 1.0f;
}

std::vector<float> Dequantize(const BlockTensor& tensor) {
  const FormatSpec& spec = SpecOf(tensor.format);
  const auto row_blocks = static_cast<size_t>(BlockCount(tensor.columns, tensor.block));
  const auto columns = static_cast<size_t>(tensor.columns);
  const auto block = static_cast<size_t>(tensor.block);
  std::vector<float> x(tensor.codes.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t row = i / columns;
    float scale = 1.0f;
    if (!tensor.scales.empty()) {
      const size_t at = row * row_blocks + i % columns / block;
      scale = BlockScaleValue(spec.block_scale, tensor.scales[at]);
    }
    if (!tensor.outer.empty()) {
      scale *= tensor.outer[spec.outer == OuterScale::kChannel ? row : 0].decode;
    }
    x[i] = Canonical(DecodeElement(spec.element, tensor.codes[i]) * scale);
  }
  return x;
}

}  // namespace nibble::numerics
