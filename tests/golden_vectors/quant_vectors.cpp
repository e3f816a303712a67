// Quantisers: NVFP4 in all profiles, MX, and the formats that they are compared with.
#include <algorithm>
#include <array>
#include <utility>

#include "models/numerics/activation_store.h"
#include "models/numerics/bits.h"
#include "models/numerics/block_tensor.h"
#include "models/numerics/elements.h"
#include "models/numerics/profiles.h"
#include "tests/golden_vectors/vector_file.h"

namespace nibble::golden_vectors {
namespace {

using numerics::BlockTensor;
using numerics::Element;
using numerics::Format;
using numerics::Profile;

std::vector<float> Input(const Record& record) {
  std::vector<float> x = record.Floats("x");
  if (x.empty() || x.size() != static_cast<size_t>(record.Int("n"))) {
    throw std::invalid_argument("the length of x is not n");
  }
  return x;
}

int Block(const Record& record) {
  const int block = record.Has("B") ? record.Int("B") : 16;
  if (block < 2 || block % 2 != 0) throw std::invalid_argument("B is not an even block size");
  return block;
}

// `name` of one of `names`, or nothing.
template <typename T, size_t n>
std::optional<T> Lookup(const std::array<std::pair<const char*, T>, n>& names,
                        const std::string& name) {
  for (const auto& [known, value] : names) {
    if (name == known) return value;
  }
  return {};
}

constexpr std::array<std::pair<const char*, Profile>, 9> kProfiles = {
    {{"nv", Profile::kNv},
     {"one_level", Profile::kOneLevel},
     {"nv_old", Profile::kNvOld},
     {"modelopt", Profile::kModelOpt},
     {"ao", Profile::kTorchAo},
     {"ct", Profile::kCompressed},
     {"vllm_emu", Profile::kVllm},
     {"ggml", Profile::kGgml},
     {"fouroversix_mse_256", Profile::kFourOverSix}}};

constexpr std::array<std::pair<const char*, Element>, 5> kMxElements = {{{"e2m1", Element::kE2M1},
                                                                         {"e2m3", Element::kE2M3},
                                                                         {"e3m2", Element::kE3M2},
                                                                         {"e4m3", Element::kE4M3},
                                                                         {"e5m2", Element::kE5M2}}};

// MX choices that are formats of their own.
constexpr std::array<std::pair<const char*, Format>, 6> kMxFormats = {
    {{"e2m1 floor", Format::kMxfp4},
     {"e2m1 ceil", Format::kMxfp4Ceil},
     {"e2m3 floor", Format::kMxfp6},
     {"e3m2 floor", Format::kMxfp6E3m2},
     {"e4m3 floor", Format::kMxfp8},
     {"e5m2 floor", Format::kMxfp8E5m2}}};

constexpr std::array<std::pair<const char*, Format>, 4> kOtherFormats = {
    {{"fp4_unscaled", Format::kFp4},
     {"fp4_tensor", Format::kFp4Tensor},
     {"int4_block_fp32scale", Format::kInt4Fp32},
     {"nvint4", Format::kNvint4}}};

// The tail padded with code 0 to whole blocks.
std::vector<uint32_t> Padded(const std::vector<uint16_t>& codes, int block) {
  std::vector<uint32_t> padded(codes.begin(), codes.end());
  const auto b = static_cast<size_t>(block);
  padded.resize((codes.size() + b - 1) / b * b);
  return padded;
}

std::vector<uint32_t> Packed(const std::vector<uint32_t>& codes) {
  std::vector<uint32_t> bytes((codes.size() + 1) / 2);
  for (size_t i = 0; i < codes.size(); ++i) bytes[i / 2] |= codes[i] << (4 * (i % 2));
  return bytes;
}

void ExpectNvfp4(Record& record, const BlockTensor& tensor) {
  record.ExpectWords("s_enc", {tensor.outer.at(0).encode});
  record.ExpectWords("s_dec", {tensor.outer.at(0).decode});
  record.Expect("scales", record.Hex("scales", 2), tensor.scales, 2);
  record.Expect("packed", record.Hex("packed", 2), Packed(Padded(tensor.codes, tensor.block)), 2);
  if (record.Has("dequant")) record.ExpectWords("dequant", numerics::Dequantize(tensor));
}

// The path of the simulated machines: tensors as they lie in memory.
void ExpectStored(Record& record, const std::vector<float>& x, int block) {
  numerics::ActivationLayout layout;
  layout.block = block;
  layout.pixels = 1;
  layout.channels = static_cast<int>(x.size());
  const auto scale = numerics::TensorScaleFromAmax(numerics::AmaxIgnoringNan(x.data(), x.size()));
  const numerics::StoredActivations stored = numerics::StoreTensor(layout, scale, x.data());
  record.ExpectBytes("scales", stored.scales);
  std::vector<uint8_t> packed = stored.codes;
  packed.resize(stored.scales.size() * static_cast<size_t>(block) / 2);
  record.ExpectBytes("packed", packed);
  if (record.Has("dequant")) record.ExpectWords("dequant", numerics::LoadTensor(stored));
}

// Codes are "codes" in hex or "q" in decimal.
std::vector<uint32_t> ExpectedCodes(const Record& record, Element element) {
  if (record.Has("codes")) return record.Hex("codes", 2);
  std::vector<uint32_t> codes;
  const uint32_t mask = (1u << numerics::ElementBits(element)) - 1;
  for (const nlohmann::json& q : record.json().at("q")) {
    codes.push_back(static_cast<uint32_t>(q.get<int>()) & mask);
  }
  return codes;
}

}  // namespace

void CheckNvfp4Quant(Record& record) {
  const std::vector<float> x = Input(record);
  const int block = Block(record), count = static_cast<int>(x.size());
  const std::string name = record.Has("profile") ? record.Text("profile") : "nv";
  const std::optional<Profile> profile = Lookup(kProfiles, name);
  if (!profile) return record.NotChecked("profile " + name);
  ExpectNvfp4(record, numerics::QuantizeNvfp4(x.data(), 1, count, block, *profile));
  if (*profile != Profile::kNv) return;
  ExpectNvfp4(record, numerics::Quantize(x.data(), 1, count, Format::kNvfp4, {block, {}, {}}));
  ExpectStored(record, x, block);
}

void CheckMxQuant(Record& record) {
  const std::vector<float> x = Input(record);
  const int block = Block(record), count = static_cast<int>(x.size());
  const std::string name = record.Text("fmt"), rule = record.Text("rule");
  const std::optional<Element> element = Lookup(kMxElements, name);
  if (!element || (rule != "floor" && rule != "ceil")) {
    return record.NotChecked(name + " " + rule);
  }
  std::vector<uint16_t> codes(x.size());
  std::vector<uint32_t> scales;
  std::vector<float> values;
  for (int begin = 0; begin < count; begin += block) {
    const auto at = static_cast<size_t>(begin);
    const int length = std::min(block, count - begin);
    scales.push_back(numerics::QuantizeMxBlock(
        &x[at], length, *element,
        rule == "floor" ? numerics::MxRule::kFloor : numerics::MxRule::kCeil, {}, at, &codes[at]));
    for (int i = 0; i < length; ++i) {
      values.push_back(numerics::DequantizeMx(*element, codes[at + static_cast<size_t>(i)],
                                              static_cast<uint8_t>(scales.back())));
    }
  }
  record.Expect("scales", record.Hex("scales", 2), scales, 2);
  record.Expect("codes", record.Hex("codes", 2), Padded(codes, block), 2);
  record.ExpectWords("dequant", values);

  const std::optional<Format> format = Lookup(kMxFormats, name + " " + rule);
  if (!format) return;
  const BlockTensor tensor = numerics::Quantize(x.data(), 1, count, *format, {block, {}, {}});
  record.Expect("scales", record.Hex("scales", 2), tensor.scales, 2);
  record.Expect("codes", record.Hex("codes", 2), Padded(tensor.codes, block), 2);
  record.ExpectWords("dequant", numerics::Dequantize(tensor));
}

void CheckOtherQuant(Record& record) {
  const std::vector<float> x = Input(record);
  const int block = Block(record), count = static_cast<int>(x.size());
  const std::string name = record.Text("fmt");
  const std::optional<Format> format = Lookup(kOtherFormats, name);
  if (!format) return record.NotChecked(name);
  const BlockTensor tensor = numerics::Quantize(x.data(), 1, count, *format, {block, {}, {}});
  const Element element = numerics::SpecOf(*format).element;

  if (record.Has("scales")) {
    record.Expect("scales", record.Hex("scales", 2), tensor.scales, 2);
  } else if (numerics::HasBlockScale(*format)) {
    record.Expect("s", record.Hex("s", 8), tensor.scales, 8);
  } else if (record.Has("s")) {
    record.ExpectWords("s", {tensor.outer.at(0).decode});
  }
  const std::vector<uint32_t> expected = ExpectedCodes(record, element);
  const bool padded = expected.size() != x.size();
  record.Expect("codes", expected,
                padded ? Padded(tensor.codes, block)
                       : std::vector<uint32_t>(tensor.codes.begin(), tensor.codes.end()),
                2);

  // The reference computes with integers as floats and so keeps the sign of a zero element, which
  // no integer code can hold.
  std::vector<uint32_t> values = record.Hex("dequant", 8), got;
  if (element == Element::kInt4) {
    for (size_t i = 0; i < std::min(values.size(), expected.size()); ++i) {
      if (expected[i] == 0 && values[i] == 0x80000000) values[i] = 0;
    }
  }
  for (float value : numerics::Dequantize(tensor)) got.push_back(numerics::FloatBits(value));
  record.Expect("dequant", values, got, 8);
}

}  // namespace nibble::golden_vectors
