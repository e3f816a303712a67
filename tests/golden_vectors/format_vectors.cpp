// Element and scale formats: every code, encoders, and the order of scales in memory.
#include "models/numerics/elements.h"
#include "models/numerics/formats.h"
#include "models/numerics/scale_layout.h"
#include "tests/golden_vectors/vector_file.h"

namespace nibble::golden_vectors {
namespace {

using numerics::Overflow;

struct NamedFormat {
  const char* name;
  size_t codes;
  uint32_t (*first)(float);   // column 2 of the encoder's file: saturating, or floor(log2)
  uint32_t (*second)(float);  // column 3: not saturating, or ceil(log2)
  float (*decode)(uint32_t);
};

template <auto encode, Overflow overflow>
uint32_t Encode(float x) {
  return encode(x, overflow);
}
template <auto encode>
uint32_t Encode(float x) {
  return encode(x);
}
template <auto decode>
float Decode(uint32_t code) {
  return decode(static_cast<uint8_t>(code));
}

const NamedFormat kFormats[] = {
    {"e2m1", 16, Encode<numerics::EncodeE2M1>, Encode<numerics::EncodeE2M1>,
     Decode<numerics::DecodeE2M1>},
    {"e2m3", 64, Encode<numerics::EncodeE2M3>, Encode<numerics::EncodeE2M3>,
     Decode<numerics::DecodeE2M3>},
    {"e3m2", 64, Encode<numerics::EncodeE3M2>, Encode<numerics::EncodeE3M2>,
     Decode<numerics::DecodeE3M2>},
    {"e4m3", 256, Encode<numerics::EncodeE4M3, Overflow::kSaturate>,
     Encode<numerics::EncodeE4M3, Overflow::kIeee>, Decode<numerics::DecodeE4M3>},
    {"e5m2", 256, Encode<numerics::EncodeE5M2, Overflow::kSaturate>,
     Encode<numerics::EncodeE5M2, Overflow::kIeee>, Decode<numerics::DecodeE5M2>},
    {"e8m0", 256, Encode<numerics::EncodeE8M0Floor>, Encode<numerics::EncodeE8M0Ceil>,
     Decode<numerics::DecodeE8M0>},
};

const NamedFormat* Find(const std::string& name) {
  for (const NamedFormat& format : kFormats) {
    if (name == format.name) return &format;
  }
  return nullptr;
}

}  // namespace

void CheckEncode(const std::string& name, Record& record) {
  const NamedFormat* format = Find(name);
  if (format == nullptr) return record.NotChecked("format " + name);
  const float x = record.Float("x");
  record.Expect("column 2", record.Hex("first", 2).at(0), format->first(x), 2);
  record.Expect("column 3", record.Hex("second", 2).at(0), format->second(x), 2);
}

void CheckDecodeTable(Record& record) {
  const std::string name = record.Text("format");
  const NamedFormat* format = Find(name);
  if (format == nullptr) return record.NotChecked(name);
  std::vector<uint32_t> expected, got;
  for (const nlohmann::json& word : record.json().at("values")) {
    expected.push_back(ParseHex(word.get<std::string>(), 8).at(0));
  }
  for (uint32_t code = 0; code < format->codes; ++code) {
    got.push_back(numerics::FloatBits(format->decode(code)));
  }
  record.Expect(name, expected, got, 8);
}

void CheckSwizzle(Record& record) {
  const int rows = record.Int("rows"), blocks = record.Int("kblk");
  const std::vector<uint8_t> linear = record.Bytes("linear");
  const std::vector<uint8_t> swizzled = numerics::SwizzleScales(linear, rows, blocks);
  record.ExpectBytes("swizzled", swizzled);
  record.ExpectBytes("linear", numerics::UnswizzleScales(swizzled, rows, blocks));
}

}  // namespace nibble::golden_vectors
