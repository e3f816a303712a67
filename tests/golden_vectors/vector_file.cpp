#include "tests/golden_vectors/vector_file.h"

#include <fmt/format.h>

#include "models/numerics/bits.h"

namespace nibble::golden_vectors {

std::string Mismatch::Text() const {
  return fmt::format("{} line {} {}[{}]: expected {}, got {}", file, line, field, index, expected,
                     got);
}

std::vector<uint32_t> ParseHex(const std::string& text, size_t digits) {
  if (text.size() % digits != 0) {
    throw std::invalid_argument(
        fmt::format("{} hexadecimal digits, expected a multiple of {}", text.size(), digits));
  }
  std::vector<uint32_t> values(text.size() / digits);
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) throw std::invalid_argument(fmt::format("'{}' is no hexadecimal digit", c));
    uint32_t& value = values[i / digits];
    value = value << 4 | static_cast<uint32_t>(digit);
  }
  return values;
}

std::vector<uint32_t> Record::Hex(const char* field, size_t digits) const {
  return ParseHex(Text(field), digits);
}

std::vector<uint8_t> Record::Bytes(const char* field) const {
  const std::vector<uint32_t> values = Hex(field, 2);
  return {values.begin(), values.end()};
}

std::vector<float> Record::Floats(const char* field) const {
  std::vector<float> values;
  for (uint32_t bits : Hex(field, 8)) values.push_back(numerics::BitsFloat(bits));
  return values;
}

void Record::Expect(const std::string& field, const std::vector<uint32_t>& expected,
                    const std::vector<uint32_t>& got, int digits) {
  const auto differ = [&](size_t index, const std::string& want, const std::string& have) {
    throw Mismatch{result_.file, line_, field, index, want, have};
  };
  for (size_t i = 0; i < std::min(expected.size(), got.size()); ++i) {
    if (expected[i] != got[i]) {
      differ(i, fmt::format("{:0{}x}", expected[i], digits),
             fmt::format("{:0{}x}", got[i], digits));
    }
    ++result_.values;
  }
  if (expected.size() != got.size()) {
    differ(std::min(expected.size(), got.size()), fmt::format("{} values", expected.size()),
           std::to_string(got.size()));
  }
}

void Record::ExpectWords(const char* field, const std::vector<float>& got) {
  std::vector<uint32_t> bits;
  bits.reserve(got.size());
  for (float value : got) bits.push_back(numerics::FloatBits(value));
  Expect(field, Hex(field, 8), bits, 8);
}

void Record::ExpectBytes(const char* field, const std::vector<uint8_t>& got) {
  Expect(field, Hex(field, 2), {got.begin(), got.end()}, 2);
}

}  // namespace nibble::golden_vectors
