// Command words as bytes, spelt out by hand, and their listing.
#include "models/sim_core/command.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace nibble::sim {
namespace {

using Catch::Matchers::Contains;
using Bytes = std::vector<uint8_t>;

Command Word(Opcode opcode) {
  Command word;
  std::memset(static_cast<void*>(&word), 0, sizeof word);
  word.opcode = opcode;
  word.wait = EngineBit(Engine::kLoad) | EngineBit(Engine::kStore);
  word.signal = EngineBit(Engine::kVector);
  word.flags = kEndOfLayer;
  word.layer = 0x0102;
  word.tile = 0x0304;
  return word;
}

Bytes AsBytes(const Command& word) {
  Bytes bytes(sizeof word);
  std::memcpy(bytes.data(), &word, sizeof word);
  return bytes;
}

// A header as Word() makes it, then the operands.
Bytes Expected(uint8_t opcode, const Bytes& operands) {
  Bytes bytes(kCommandBytes);
  const Bytes header = {opcode, 0x11, 0x08, 0x01, 0x02, 0x01, 0x04, 0x03};
  std::copy(header.begin(), header.end(), bytes.begin());
  std::copy(operands.begin(), operands.end(), bytes.begin() + 8);
  return bytes;
}

// 16-bit words 0x0101, 0x0202, ... 0x0B0B, 0x0C0D.
Bytes TwelveWords() {
  Bytes bytes;
  for (uint8_t i = 1; i <= 11; ++i) {
    bytes.push_back(i);
    bytes.push_back(i);
  }
  bytes.push_back(0x0D);
  bytes.push_back(0x0C);
  return bytes;
}

TEST_CASE("copies") {
  Command word = Word(Opcode::kLoad);
  word.copy = {0x0807060504030201, 0x11223344, 0x55667788, 0x99AABBCC, 0xDDEE, Buffer::kOut, 0};
  const Bytes operands = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,   // DRAM address
                          0x44, 0x33, 0x22, 0x11, 0x88, 0x77, 0x66, 0x55,   // row, stride
                          0xCC, 0xBB, 0xAA, 0x99, 0xEE, 0xDD, 0x03, 0x00};  // rows, unit, buffer
  CHECK(AsBytes(word) == Expected(1, operands));
  word.opcode = Opcode::kStore;
  CHECK(AsBytes(word) == Expected(2, operands));
}

TEST_CASE("moves between scratchpads") {
  Command word = Word(Opcode::kForward);
  word.move = {0x01020304, 0x05060708, 0x090A0B0C, 0x0D0E0F10, 0x11121314, 0};
  CHECK(AsBytes(word) ==
        Expected(14, {0x04, 0x03, 0x02, 0x01, 0x08, 0x07, 0x06, 0x05,     // from, to
                      0x0C, 0x0B, 0x0A, 0x09, 0x10, 0x0F, 0x0E, 0x0D,     // rows, row bytes
                      0x14, 0x13, 0x12, 0x11, 0x00, 0x00, 0x00, 0x00}));  // stride
}

TEST_CASE("geometries") {
  Command word = Word(Opcode::kTensorConfig);
  Geometry& g = word.geometry;
  g = {};
  g.in_height = 0x0102;
  g.in_width = 0x0304;
  g.in_channels = 0x0506;
  g.out_height = 0x0708;
  g.out_width = 0x090A;
  g.kernel_h = 3;
  g.kernel_w = 5;
  g.stride_h = 2;
  g.stride_w = 1;
  g.dilation_h = 4;
  g.dilation_w = 6;
  g.pad_top = 7;
  g.pad_left = 8;
  g.activation_format = 1;  // fp4
  g.weight_format = 2;      // fp8
  g.activation_block = 128;
  g.weight_block = 64;
  g.depthwise = 1;
  const Bytes operands = {0x02, 0x01, 0x04, 0x03, 0x06, 0x05, 0x08, 0x07,  // in h, w, c, out h
                          0x0A, 0x09, 3,    5,    2,    1,    4,    6,     // out w, k, s, d
                          7,    8,    1,    2,    128,  64,   1,    0};
  CHECK(AsBytes(word) == Expected(3, operands));
  word.opcode = Opcode::kBankConfig;
  CHECK(AsBytes(word) == Expected(5, operands));
  g.strips = 1;
  Bytes in_strips = operands;
  in_strips[18] = 0x81;
  CHECK(AsBytes(word) == Expected(5, in_strips));
}

TEST_CASE("convolutions") {
  Command word = Word(Opcode::kTensorRun);
  Convolve& c = word.convolve;
  c = {};
  c.out_row = 0x0101;
  c.out_rows = 0x0202;
  c.channel = 0x0303;
  c.channels = 0x0404;
  c.in_row = 0x0505;
  c.in_rows = 0x0606;
  c.act = 0x0707;
  c.act_scales = 0x0808;
  c.weight = 0x0909;
  c.weight_scales = 0x0A0A;
  c.acc = 0x0B0B;
  c.bank_row = 0x0C0D;
  const Bytes operands = TwelveWords();
  CHECK(AsBytes(word) == Expected(4, operands));
  word.opcode = Opcode::kBankRun;
  CHECK(AsBytes(word) == Expected(6, operands));
}

TEST_CASE("epilogues") {
  Command word = Word(Opcode::kVectorConfig);
  Epilogue& e = word.epilogue;
  e = {};
  e.activation = numerics::ActivationFunction::kClip;
  e.out = StoredAs::Of(4, 128);
  e.in = StoredAs::Of(1, 8);
  e.flags = kPerChannelScale | kTrackAmax | kStrips;
  e.lo = 0.0f;
  e.hi = 6.0f;
  e.weight_scale = -2.0f;
  e.in_reg = 0x0102;
  e.out_reg = 0x0304;
  e.residual_reg = 0x0506;
  e.residual = StoredAs::Of(20, 32);
  CHECK(AsBytes(word) == Expected(7, {2,    21,   0x84, 1,    0,    0,    0,    0,  // stored as, lo
                                      0x00, 0x00, 0xC0, 0x40,                       // 6.0f
                                      0x00, 0x00, 0x00, 0xC0,                       // -2.0f
                                      0x02, 0x01, 0x04, 0x03, 0x06, 0x05, 0x54, 0}));
}

TEST_CASE("a byte says how a tensor is stored") {
  for (uint8_t format = 0; format < 32; ++format) {
    for (int block : {8, 16, 32, 64, 128}) {
      CHECK(StoredAs::Of(format, block).format() == format);
      CHECK(StoredAs::Of(format, block).block() == block);
    }
  }
}

TEST_CASE("scale presets") {
  Command word = Word(Opcode::kVectorScales);
  word.scales = {{1.0f, 2.0f}, {1.0f, 0.5f}, {0x0001, 0xFFFF}, 0};
  CHECK(AsBytes(word) ==
        Expected(8, {0x00, 0x00, 0x80, 0x3F, 0x00, 0x00, 0x00, 0x40,     // encode 1.0f, 2.0f
                     0x00, 0x00, 0x80, 0x3F, 0x00, 0x00, 0x00, 0x3F,     // decode 1.0f, 0.5f
                     0x01, 0x00, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00}));  // registers
}

TEST_CASE("copies of channels, and windows") {
  Command word = Word(Opcode::kVectorCopy);
  word.channel_copy = {0x0101, 0x0202, 0x0303, 0x0404, 0x0505, 0x0606,
                       0x0707, 0x0808, 0x0909, 0x0A0A, 0x0B0B, 0x0C0D};
  CHECK(AsBytes(word) == Expected(17, TwelveWords()));
  word.opcode = Opcode::kVectorTranspose;
  CHECK(AsBytes(word) == Expected(22, TwelveWords()));
  word = Word(Opcode::kVectorWindow);
  word.window = {0x0101, 0x0202, 0x0303, 0x0404, 0x0505, 0x0606,
                 0x0707, 0x0808, 0x0909, 0x0A0A, 0x0B0B, 0x0C0D};
  CHECK(AsBytes(word) == Expected(18, TwelveWords()));
  // What all words of elements have lies in the same place.
  CHECK(word.elementwise.pixels == word.window.pixels);
  CHECK(word.elementwise.pitch == word.channel_copy.pitch);
  CHECK(word.elementwise.in_scales == word.channel_copy.in_scales);
  CHECK(word.elementwise.out_scales == word.window.out_scales);
}

TEST_CASE("positions") {
  Command word = Word(Opcode::kVectorPosition);
  word.position = {0x0102030405060708, 0x0A0B0C0D};
  Bytes expected = Expected(15, {8, 7, 6, 5, 4, 3, 2, 1, 0x0D, 0x0C, 0x0B, 0x0A});
  Bytes bytes = AsBytes(word);
  bytes.resize(20);  // of the operands only these are meant
  expected.resize(20);
  CHECK(bytes == expected);
}

TEST_CASE("elementwise words") {
  Command word = Word(Opcode::kVectorRun);
  Elementwise& e = word.elementwise;
  e = {};
  e.pixels = 0x0101;
  e.channels = 0x0202;
  e.channel = 0x0303;
  e.pitch = 0x0404;
  e.acc = 0x0505;
  e.params = 0x0606;
  e.in = 0x0707;
  e.in_scales = 0x0808;
  e.in2 = 0x0909;
  e.in2_scales = 0x0A0A;
  e.out = 0x0B0B;
  e.out_scales = 0x0C0D;
  const Bytes operands = TwelveWords();
  const std::array<std::pair<Opcode, uint8_t>, 6> opcodes = {{{Opcode::kVectorRun, 9},
                                                              {Opcode::kVectorAdd, 10},
                                                              {Opcode::kVectorPool, 11},
                                                              {Opcode::kVectorQuantize, 13},
                                                              {Opcode::kVectorSoftmax, 20},
                                                              {Opcode::kVectorNormalize, 21}}};
  for (const auto& [opcode, byte] : opcodes) {
    word.opcode = opcode;
    CHECK(AsBytes(word) == Expected(byte, operands));
  }
}

TEST_CASE("a word belongs to one engine, and a byte that is no opcode to none") {
  const std::array<std::vector<int>, kEngines> opcodes = {
      {{1}, {3, 4}, {5, 6}, {7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18, 19, 20, 21, 22}, {2, 14}}};
  std::array<bool, 256> known{};
  for (int e = 0; e < kEngines; ++e) {
    for (int byte : opcodes[static_cast<size_t>(e)]) {
      known[static_cast<size_t>(byte)] = true;
      CHECK(EngineOf(static_cast<Opcode>(byte)) == static_cast<Engine>(e));
    }
  }
  for (int byte = 0; byte < 256; ++byte) {
    if (known[static_cast<size_t>(byte)]) continue;
    CHECK_THROWS_WITH(EngineOf(static_cast<Opcode>(byte)), Contains(std::to_string(byte)));
    CHECK_THROWS_AS(EngineOf(static_cast<Opcode>(byte)), std::invalid_argument);
  }
}

TEST_CASE("a listing names the opcode, the tokens and the operands") {
  Command word = Word(Opcode::kLoad);
  word.copy = {0x1234, 77, 100, 5, 2, Buffer::kWeight, 0};
  std::string text = Disassemble(word);
  for (const char* part : {"LOAD", "layer 258", "tile 772", "load+store", "signal vector", "0x1234",
                           "77", "100", "weight[0x80]"}) {
    CHECK_THAT(text, Contains(part));
  }

  word = Word(Opcode::kStore);
  word.wait = word.signal = 0;
  word.copy = {0, 1, 1, 1, 0, Buffer::kOut, 0};
  text = Disassemble(word);
  CHECK_THAT(text, Contains("STORE") && Contains("end of layer") && Contains("wait -"));

  word = Word(Opcode::kForward);
  word.move = {0x40, 0x100, 3, 24, 32, 0};
  CHECK_THAT(Disassemble(word), Contains("FORWARD") && Contains("out[0x40]") &&
                                    Contains("act[0x100]") && Contains("3 x 24"));

  word = Word(Opcode::kTensorConfig);
  word.geometry = {112, 112, 32, 56, 56, 3, 3, 2, 2, 1, 1, 0, 1, 0, 0, 3, 16, 32, 1, 0, 0};
  CHECK_THAT(Disassemble(word), Contains("TENSOR_CONFIG") && Contains("112x112x32 -> 56x56") &&
                                    Contains("depthwise 3x3") && Contains("nvfp4 x fp16") &&
                                    Contains("blocks 16 x 32"));

  word = Word(Opcode::kBankRun);
  word.convolve = {4, 2, 16, 32, 4, 2, 1, 2, 3, 4, 5, 999};
  CHECK_THAT(Disassemble(word), Contains("BANK_RUN") && Contains("bank row 999") &&
                                    Contains("channels 16+32") && Contains("acc[0x140]"));
  word.opcode = Opcode::kTensorRun;
  CHECK_THAT(Disassemble(word), Contains("TENSOR_RUN") && Contains("weight[0xc0]"));

  word = Word(Opcode::kVectorConfig);
  word.epilogue = {numerics::ActivationFunction::kClip,
                   kHasResidual,
                   StoredAs::Of(0, 16),
                   StoredAs::Of(0, 16),
                   0,
                   6,
                   1,
                   3,
                   4,
                   2,
                   StoredAs::Of(3, 16),
                   0};
  CHECK_THAT(Disassemble(word), Contains("VECTOR_CONFIG") && Contains("clip 0..6") &&
                                    Contains("residual fp16 block 16 r2") && Contains("r4"));

  word = Word(Opcode::kVectorScales);
  word.scales = {{4, 2}, {0.25f, 0.5f}, {7, 0xFFFF}, 0};
  text = Disassemble(word);
  CHECK_THAT(text, Contains("r7=0.25") && Contains("encode 4") && !Contains("r65535"));

  word = Word(Opcode::kVectorPosition);
  word.position = {1234, 96};
  CHECK_THAT(Disassemble(word),
             Contains("VECTOR_POSITION") && Contains("element 1234") && Contains("96 channels"));

  word = Word(Opcode::kVectorRun);
  word.elementwise = {49, 32, 64, 96, 1, 2, 3, 4, 5, 6, 7, 8};
  CHECK_THAT(Disassemble(word), Contains("VECTOR_RUN") && Contains("49 pixels") &&
                                    Contains("64+32 of 96") && Contains("acc[0x40]"));
}

TEST_CASE("no two opcodes, engines or scratchpads share a name") {
  std::vector<std::string> names;
  for (int byte = 1; byte <= 19; ++byte) names.emplace_back(OpcodeName(static_cast<Opcode>(byte)));
  for (int e = 0; e < kEngines; ++e) names.emplace_back(EngineName(static_cast<Engine>(e)));
  for (int b = 0; b < kBuffers; ++b) names.emplace_back(BufferName(static_cast<Buffer>(b)));
  for (size_t i = 0; i < names.size(); ++i) {
    CHECK_FALSE(names[i].empty());
    for (size_t j = 0; j < i; ++j) CHECK(names[i] != names[j]);
  }
}

}  // namespace
}  // namespace nibble::sim
