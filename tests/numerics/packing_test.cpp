// Packed codes against a string of bits written down one character at a time.
#include "models/numerics/packing.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/numerics/testing.h"

namespace nibble::numerics {
namespace {

constexpr int kWidths[] = {4, 6, 8, 16};

// Bytes of a little-endian string of bits: its first character is bit 0 of byte 0.
std::vector<uint8_t> BytesOf(std::string bits) {
  while (bits.size() % 8 != 0) bits += '0';
  std::vector<uint8_t> bytes;
  for (size_t at = 0; at < bits.size(); at += 8) {
    int byte = 0;
    for (size_t bit = 0; bit < 8; ++bit) byte += bits[at + bit] == '1' ? 1 << bit : 0;
    bytes.push_back(static_cast<uint8_t>(byte));
  }
  return bytes;
}

// Codes one after the other, each from its lowest bit.
template <typename Code>
std::string BitsOf(int bits, const std::vector<Code>& codes) {
  std::string string;
  for (const Code code : codes) {
    for (int bit = 0; bit < bits; ++bit) string += (code >> bit & 1) != 0 ? '1' : '0';
  }
  return string;
}

template <typename Code>
std::vector<Code> AnyCodes(Random& random, int bits, int count) {
  std::vector<Code> codes(static_cast<size_t>(count));
  for (Code& code : codes) code = static_cast<Code>(random.Int(0, (1 << bits) - 1));
  return codes;
}

template <typename Code>
void CheckPacking(Random& random, int bits, int count) {
  INFO(count << " codes of " << bits << " bits in words of " << 8 * sizeof(Code));
  const std::vector<Code> codes = AnyCodes<Code>(random, bits, count);
  const std::vector<uint8_t> expected = BytesOf(BitsOf(bits, codes));
  REQUIRE(PackedBytes(bits, count) == expected.size());

  // A byte before and after shows a store beyond the codes' own bytes.
  std::vector<uint8_t> packed(expected.size() + 2, 0xA5);
  PackCodes(bits, codes.data(), count, packed.data() + 1);
  CHECK(packed.front() == 0xA5);
  CHECK(packed.back() == 0xA5);
  CHECK(std::vector<uint8_t>(packed.begin() + 1, packed.end() - 1) == expected);

  std::vector<Code> unpacked(codes.size() + 1, 0x5A);
  UnpackCodes(bits, expected.data(), count, unpacked.data());
  CHECK(unpacked.back() == 0x5A);
  unpacked.pop_back();
  CHECK(unpacked == codes);
}

TEST_CASE("codes lie one after the other in a little-endian string of bits", "[packing]") {
  Random random(61);
  for (const int bits : kWidths) {
    for (int count = 0; count <= 70; ++count) {
      CheckPacking<uint16_t>(random, bits, count);
      if (bits <= 8) CheckPacking<uint8_t>(random, bits, count);
    }
    CheckPacking<uint16_t>(random, bits, random.Int(1000, 3000));
  }
}

TEST_CASE("the layout in examples", "[packing]") {
  const uint8_t nibbles[] = {1, 2, 3, 4, 15};
  uint8_t packed[4];
  PackCodes(4, nibbles, 5, packed);
  CHECK(std::vector<uint8_t>(packed, packed + 3) == std::vector<uint8_t>{0x21, 0x43, 0x0F});
  // Four codes of 6 bits in three bytes: 000001, 000010, 000011, 111111.
  const uint8_t sextets[] = {1, 2, 3, 63};
  PackCodes(6, sextets, 4, packed);
  CHECK(std::vector<uint8_t>(packed, packed + 3) == std::vector<uint8_t>{0x81, 0x30, 0xFC});
  const uint16_t word = 0x1234;
  PackCodes(16, &word, 1, packed);
  CHECK(std::vector<uint8_t>(packed, packed + 2) == std::vector<uint8_t>{0x34, 0x12});
}

TEST_CASE("codes that do not fit lose their upper bits and spoil no neighbour", "[packing]") {
  Random random(62);
  for (const int bits : {4, 6, 8}) {
    for (const int count : {1, 2, 3, 5, 40, 41}) {
      std::vector<uint16_t> codes = AnyCodes<uint16_t>(random, 16, count);
      std::vector<uint8_t> packed(PackedBytes(bits, count));
      std::vector<uint8_t> expected(packed.size());
      PackCodes(bits, codes.data(), count, packed.data());
      for (uint16_t& code : codes) code = static_cast<uint16_t>(code & ((1 << bits) - 1));
      PackCodes(bits, codes.data(), count, expected.data());
      CHECK(packed == expected);
    }
  }
}

TEST_CASE("a run that ends in whole bytes may be packed and unpacked in parts", "[packing]") {
  Random random(63);
  for (const int bits : kWidths) {
    const int first = 8 * random.Int(1, 9), count = first + random.Int(1, 60);
    const std::vector<uint16_t> codes = AnyCodes<uint16_t>(random, bits, count);
    std::vector<uint8_t> whole(PackedBytes(bits, count)), parts(whole.size());
    PackCodes(bits, codes.data(), count, whole.data());
    PackCodes(bits, codes.data(), first, parts.data());
    PackCodes(bits, &codes[static_cast<size_t>(first)], count - first,
              parts.data() + PackedBytes(bits, first));
    CHECK(parts == whole);
  }
}

TEST_CASE("rows start at a whole byte", "[packing]") {
  Random random(65);
  for (const int bits : kWidths) {
    for (const int columns : {1, 2, 3, 4, 5, 31}) {
      constexpr int kRows = 3;
      const std::vector<uint16_t> codes = AnyCodes<uint16_t>(random, bits, kRows * columns);
      std::vector<uint8_t> expected;
      for (int row = 0; row < kRows; ++row) {
        const auto first = codes.begin() + ptrdiff_t{row} * columns;
        const std::vector<uint8_t> bytes =
            BytesOf(BitsOf(bits, std::vector<uint16_t>(first, first + columns)));
        expected.insert(expected.end(), bytes.begin(), bytes.end());
      }
      CHECK(PackRows(codes, kRows, bits) == expected);
    }
  }
}

TEST_CASE("words are little-endian, of one to four bytes", "[packing]") {
  Random random(64);
  for (int bytes = 1; bytes <= 4; ++bytes) {
    const uint32_t word = random.Word() >> (32 - 8 * bytes);
    uint8_t memory[5] = {0xA5, 0xA5, 0xA5, 0xA5, 0xA5};
    StoreWord(word, bytes, memory);
    CHECK(memory[bytes] == 0xA5);
    CHECK(memory[0] == word % 256);
    CHECK(memory[bytes - 1] == word >> (8 * bytes - 8));
    CHECK(LoadWord(memory, bytes) == word);
  }
}

}  // namespace
}  // namespace nibble::numerics
