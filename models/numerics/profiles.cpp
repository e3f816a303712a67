#include "models/numerics/profiles.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <stdexcept>

#include "models/numerics/formats.h"
#include "models/numerics/packing.h"

namespace nibble::numerics {
namespace {

// Every operation below is one binary32 operation in the order in which the library performs it:
// that order is all that tells most profiles apart.
constexpr float kScaleMax = 448.0f;
constexpr float kTensorMax = 2688.0f;  // 448 * 6
const float kOneSixth = 1.0f / 6.0f;

// One block of at most `count` values: writes codes and returns the scale byte.
using QuantizeBlock = uint8_t (*)(const float* x, int count, float amax, const TensorScale& scale,
                                  uint16_t* codes);
// The tensor scale from the amax of the tensor.
using ScaleTensor = TensorScale (*)(float amax);

float Clamp(float x, float low, float high) { return x < low ? low : x > high ? high : x; }

template <typename Scaled>
void Encode(const float* x, int count, uint16_t* codes, Scaled scaled) {
  for (int i = 0; i < count; ++i) codes[i] = EncodeE2M1(scaled(x[i]));
}

TensorScale NvTensor(float amax) { return TensorScaleFromAmax(amax); }
TensorScale NoTensor(float /*amax*/) { return {}; }

// Stored as amax / 2688, the decode form.
TensorScale DecodeFormTensor(float amax) {
  const float decode = amax / kTensorMax;
  return {1.0f / decode, decode};
}

TensorScale CompressedTensor(float amax) {
  float encode = kTensorMax / std::max(amax, FLT_MIN);
  if (!std::isfinite(encode)) encode = 1.0f;
  return {encode, 1.0f / encode};
}

TensorScale VllmTensor(float amax) {
  const float encode = amax > 0.0f ? kTensorMax / amax : 1.0f;
  return {encode, 1.0f / encode};
}

TensorScale FourOverSixTensor(float amax) { return TensorScaleFromAmax(amax, 256.0f * 6.0f); }

uint8_t NvBlock(const float* x, int count, float /*amax*/, const TensorScale& scale,
                uint16_t* codes) {
  std::vector<uint8_t> bytes(static_cast<size_t>(count));
  const uint8_t byte = QuantizeNvfp4Block(x, count, scale, bytes.data());
  std::copy(bytes.begin(), bytes.end(), codes);
  return byte;
}

uint8_t NvOldBlock(const float* x, int count, float amax, const TensorScale& scale,
                   uint16_t* codes) {
  const float sixth = amax / 6.0f;
  const uint8_t byte = EncodeE4M3(sixth * scale.encode);
  const float value = DecodeE4M3(byte);
  const float encode = 1.0f / (scale.decode * value);
  Encode(x, count, codes, [&](float v) { return value != 0.0f ? v * encode : 0.0f; });
  return byte;
}

uint8_t ModelOptBlock(const float* x, int count, float amax, const TensorScale& scale,
                      uint16_t* codes) {
  float sf = amax / (6.0f * scale.decode);
  if (sf == 0.0f) sf = 1.0f;
  const uint8_t byte = EncodeE4M3(Clamp(sf, 0x1p-9f, kScaleMax));
  const float step = DecodeE4M3(byte) * scale.decode;
  Encode(x, count, codes, [&](float v) { return v / step; });
  return byte;
}

uint8_t TorchAoBlock(const float* x, int count, float amax, const TensorScale& scale,
                     uint16_t* codes) {
  const float sixth = amax / 6.0f;
  const uint8_t byte = EncodeE4M3(Clamp(sixth / scale.decode, 0x1p-6f, kScaleMax));
  const float encode = scale.encode / DecodeE4M3(byte);
  Encode(x, count, codes, [&](float v) { return v * encode; });
  return byte;
}

uint8_t CompressedBlock(const float* x, int count, float amax, const TensorScale& scale,
                        uint16_t* codes) {
  const float sixth = amax / 6.0f;
  uint8_t byte = EncodeE4M3(scale.encode * sixth);
  if ((byte & 0x7F) == 0) byte = EncodeE4M3(0.125f);
  const float step = DecodeE4M3(byte) / scale.encode;
  Encode(x, count, codes, [&](float v) { return v / step; });
  return byte;
}

uint8_t VllmBlock(const float* x, int count, float amax, const TensorScale& scale,
                  uint16_t* codes) {
  const float sixth = amax * kOneSixth;
  const uint8_t byte = EncodeE4M3(scale.encode * sixth);
  const float step = DecodeE4M3(byte) * scale.decode;
  const float encode = 1.0f / (step == 0.0f ? 1e8f : step);
  Encode(x, count, codes, [&](float v) { return v * encode; });
  return byte;
}

// UE4M3 as ggml rounds it: half up from one bit below the last, subnormals at most 7 * 2^-9, and
// everything in the binade of 448, which holds NaN, becomes 448.
uint8_t GgmlScale(float x) {
  if (!(x > 0.0f)) return 0;
  const uint32_t bits = FloatBits(std::min(x, kScaleMax));
  const int field = static_cast<int>(bits >> 23) - 120;  // bias 127 to bias 7
  if (field <= 0) {
    const float steps = BitsFloat(bits) * 512.0f;
    return static_cast<uint8_t>(std::min(std::floor(steps + 0.5f), 7.0f));
  }
  const uint32_t four = (bits >> 19) & 15;
  // A mantissa that rounds up to 8 carries into the exponent.
  const uint32_t code = (static_cast<uint32_t>(field) << 3) + (four >> 1) + (four & 1);
  return static_cast<uint8_t>(code >= 15 << 3 ? 0x7E : code);
}

uint8_t GgmlBlock(const float* x, int count, float amax, const TensorScale& /*scale*/,
                  uint16_t* codes) {
  const uint8_t byte = GgmlScale(amax / 6.0f);
  const float half = DecodeE4M3(byte) * 0.5f;
  for (int i = 0; i < count; ++i) {
    uint16_t nearest = 0;  // the first of equals
    float least = std::fabs(kTwiceE2M1[0] * half - x[i]);
    for (uint16_t code = 1; code < 16; ++code) {
      const float error = std::fabs(kTwiceE2M1[code] * half - x[i]);
      if (error < least) {
        least = error;
        nearest = code;
      }
    }
    codes[i] = nearest;
  }
  return byte;
}

uint8_t FourOverSixBlock(const float* x, int count, float amax, float tensor_amax,
                         const TensorScale& scale, uint16_t* codes) {
  const float sixth = amax / 6.0f;
  const float base = sixth * scale.encode;
  uint8_t best_byte = 0;
  float least = 0.0f;
  std::vector<uint16_t> candidate(static_cast<size_t>(count));
  for (float stretch : {1.0f, 1.5f}) {  // the largest value maps to 6, to 4
    const uint8_t byte = EncodeE4M3(base * stretch);
    const float value = DecodeE4M3(byte);
    const float encode = std::min(1.0f / (value * scale.decode), FLT_MAX);
    Encode(x, count, candidate.data(), [&](float v) { return v * encode; });
    float error = 0.0f;
    for (int i = 0; i < count; ++i) {
      const float element = DecodeE2M1(static_cast<uint8_t>(candidate[static_cast<size_t>(i)]));
      const float scaled = element * value;
      const float product = scaled * tensor_amax;
      const float difference = product / (256.0f * 6.0f) - x[i];
      error += difference * difference;
    }
    if (stretch == 1.0f || error < least) {
      std::copy(candidate.begin(), candidate.end(), codes);
      least = error;
      best_byte = byte;
    }
  }
  return best_byte;
}

struct Arithmetic {
  ScaleTensor tensor;
  QuantizeBlock block;  // null: kFourOverSix, which wants the amax of the tensor, too
};

Arithmetic ArithmeticOf(Profile profile) {
  switch (profile) {
    case Profile::kNv:
      return {NvTensor, NvBlock};
    case Profile::kOneLevel:
      return {NoTensor, NvBlock};
    case Profile::kNvOld:
      return {NvTensor, NvOldBlock};
    case Profile::kModelOpt:
      return {DecodeFormTensor, ModelOptBlock};
    case Profile::kTorchAo:
      return {DecodeFormTensor, TorchAoBlock};
    case Profile::kCompressed:
      return {CompressedTensor, CompressedBlock};
    case Profile::kVllm:
      return {VllmTensor, VllmBlock};
    case Profile::kGgml:
      return {NoTensor, GgmlBlock};
    case Profile::kFourOverSix:
      return {FourOverSixTensor, nullptr};
  }
  throw std::invalid_argument("profile " + std::to_string(static_cast<int>(profile)) +
                              " is unknown");
}

BlockTensor Empty(int rows, int columns, int block) {
  if (rows < 1 || columns < 1) throw std::invalid_argument("an empty tensor has no quantised form");
  if (block < 1) throw std::invalid_argument("a block has at least one element");
  BlockTensor tensor;
  tensor.block = block;
  tensor.rows = rows;
  tensor.columns = columns;
  tensor.codes.resize(static_cast<size_t>(rows) * static_cast<size_t>(columns));
  return tensor;
}

void CheckSize(const char* what, size_t size, size_t expected) {
  if (size == expected) return;
  throw std::invalid_argument(std::string(what) + ": " + std::to_string(size) +
                              " bytes, expected " + std::to_string(expected));
}

}  // namespace

const std::vector<ProfileSpec>& AllProfiles() {
  static const std::vector<ProfileSpec> profiles = {
      {Profile::kNv, "nv", "TransformerEngine reference, FlashInfer strict (default)"},
      {Profile::kOneLevel, "one-level", "as nv without a tensor scale"},
      {Profile::kNvOld, "nv-old", "TransformerEngine before folding the factors"},
      {Profile::kModelOpt, "modelopt", "NVIDIA Model-Optimizer"},
      {Profile::kTorchAo, "torchao", "torchao, two levels"},
      {Profile::kCompressed, "compressed-tensors", "compressed-tensors, llm-compressor"},
      {Profile::kVllm, "vllm", "vLLM's emulation"},
      {Profile::kGgml, "ggml", "ggml, no tensor scale"},
      {Profile::kFourOverSix, "four-over-six", "adaptive block scaling by squared error"}};
  return profiles;
}

const char* ProfileName(Profile profile) {
  return AllProfiles().at(static_cast<size_t>(profile)).name;
}

Profile ParseProfile(const std::string& name) {
  std::string known;
  for (const ProfileSpec& spec : AllProfiles()) {
    if (name == spec.name) return spec.profile;
    known += known.empty() ? spec.name : std::string(", ") + spec.name;
  }
  throw std::invalid_argument("quantiser profile \"" + name + "\" is unknown; known: " + known);
}

bool HasTensorScale(Profile profile) { return ArithmeticOf(profile).tensor != NoTensor; }

BlockTensor QuantizeNvfp4(const float* x, int rows, int columns, int block, Profile profile,
                          std::optional<float> amax) {
  BlockTensor tensor = Empty(rows, columns, block);
  const Arithmetic arithmetic = ArithmeticOf(profile);
  const float tensor_amax = amax ? *amax : AmaxIgnoringNan(x, tensor.codes.size());
  const TensorScale scale = arithmetic.tensor(tensor_amax);
  tensor.outer = {scale};
  for (int row = 0; row < rows; ++row) {
    for (int begin = 0; begin < columns; begin += block) {
      const size_t at =
          static_cast<size_t>(row) * static_cast<size_t>(columns) + static_cast<size_t>(begin);
      const int count = std::min(block, columns - begin);
      const float block_amax = AmaxIgnoringNan(x + at, static_cast<size_t>(count));
      uint16_t* codes = &tensor.codes[at];
      tensor.scales.push_back(
          arithmetic.block != nullptr
              ? arithmetic.block(x + at, count, block_amax, scale, codes)
              : FourOverSixBlock(x + at, count, block_amax, tensor_amax, scale, codes));
    }
  }
  return tensor;
}

BlockTensor ImportNvfp4(int rows, int columns, int block, const std::vector<uint8_t>& packed,
                        const std::vector<uint8_t>& scales, float s_dec) {
  BlockTensor tensor = Empty(rows, columns, block);
  const size_t row_bytes = (static_cast<size_t>(columns) + 1) / 2;
  const auto row_blocks = static_cast<size_t>(BlockCount(columns, block));
  CheckSize("packed codes", packed.size(), static_cast<size_t>(rows) * row_bytes);
  CheckSize("block scales", scales.size(), static_cast<size_t>(rows) * row_blocks);
  if (!(s_dec > 0.0f) || std::isinf(s_dec)) {
    throw std::invalid_argument("s_dec is " + std::to_string(s_dec) +
                                ", expected a positive number");
  }
  for (size_t i = 0; i < scales.size(); ++i) {
    if (scales[i] <= 0x7E) continue;
    throw std::invalid_argument("block scale " + std::to_string(i % row_blocks) + " of row " +
                                std::to_string(i / row_blocks) + " is byte " +
                                std::to_string(scales[i]) + ", expected 0 to 126 (E4M3, 0 to 448)");
  }
  tensor.scales.assign(scales.begin(), scales.end());
  tensor.outer = {{std::min(1.0f / s_dec, FLT_MAX), s_dec}};

  std::vector<uint8_t> codes(static_cast<size_t>(columns));
  for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
    const uint8_t* bytes = &packed[row * row_bytes];
    if (columns % 2 != 0 && bytes[row_bytes - 1] >> 4 != 0) {
      throw std::invalid_argument("row " + std::to_string(row) +
                                  " has an odd number of codes and a padding nibble that is not 0");
    }
    UnpackCodes(4, bytes, columns, codes.data());
    std::copy(codes.begin(), codes.end(), &tensor.codes[row * static_cast<size_t>(columns)]);
  }
  return tensor;
}

}  // namespace nibble::numerics
