// What a word costs the vector unit: operations and scratchpad bytes from its shape.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "models/accel/activation_functions.h"
#include "models/accel/vector_operations.h"
#include "models/accel/vector_traffic.h"
#include "models/numerics/activation_store.h"
#include "tests/numerics/testing.h"

namespace nibble::accel {
namespace {

using numerics::ActivationFunction;
using numerics::Format;
using numerics::Random;
using sim::Opcode;

sim::Epilogue State(Format in, Format out, uint8_t block, uint8_t flags = 0) {
  sim::Epilogue e{};
  e.in = e.residual = sim::StoredAs::Of(static_cast<uint8_t>(in), block);
  e.out = sim::StoredAs::Of(static_cast<uint8_t>(out), block);
  e.flags = flags;
  return e;
}

sim::Command Word(Opcode opcode, uint32_t pixels, uint32_t channels, uint8_t flags = 0) {
  sim::Command word{};
  word.opcode = opcode;
  word.flags = flags;
  word.elementwise = {};
  word.elementwise.pixels = static_cast<uint16_t>(pixels);
  word.elementwise.channels = word.elementwise.pitch = static_cast<uint16_t>(channels);
  return word;
}

uint64_t Stored(Format format, int block, uint32_t pixels, uint32_t channels) {
  const numerics::ActivationLayout layout{format, block, static_cast<int>(pixels),
                                          static_cast<int>(channels)};
  return layout.code_bytes() + layout.scale_bytes();
}

float Activated(const sim::Epilogue& e, float x) {
  Activate(e, &x, 1);
  return x;
}

TEST_CASE("the epilogue of 10 pixels of 40 channels, counted by hand") {
  // 400 elements in 10 x 3 blocks of 16.
  sim::Epilogue e = State(Format::kNvfp4, Format::kNvfp4, 16, sim::kHasResidual);
  e.activation = ActivationFunction::kClip;
  const sim::Command word = Word(Opcode::kVectorRun, 10, 40);
  const VectorOperations ops = OperationsOf(word, e);
  CHECK(ops.fp32_adds == 400u + 400);  // bias, residual
  CHECK(ops.encodes == 400u + 30);     // elements, block scales
  CHECK(ops.divides == 30);            // reciprocals of block scales
  // The product of two tensor scales for each channel, and applied to each sum; the residual: a
  // scale for each block, applied; the output: amax to scale and scale times S_dec for each block,
  // its reciprocal times each element.
  CHECK(ops.fp32_muls == 40u + 400 + (30 + 400) + (60 + 400));
  CHECK(ops.compares >= 2u * 400 + 400);  // clip, block maxima

  const VectorTraffic bytes = TrafficOf(word, e);
  CHECK(bytes.acc_read_bytes == 1600);
  CHECK(bytes.acc_write_bytes == 0);
  CHECK(bytes.out_read_bytes == 160u + 230);  // biases; residual of 200 + 30 bytes
  CHECK(bytes.out_write_bytes == 230);

  e.flags = sim::kPerChannelScale;
  CHECK(TrafficOf(word, e).out_read_bytes == 320);  // pairs, no residual
  CHECK(OperationsOf(word, e).fp32_adds == 400);
}

TEST_CASE("the epilogue of two rows of 20 pixels in strips, counted by hand") {
  // 1600 elements; of each row and channel a strip of 16 and one of 4.
  sim::Geometry rows{};
  rows.out_width = 20;
  const sim::Epilogue e = State(Format::kNvfp4, Format::kNvfp4, 16, sim::kStrips);
  const sim::Command word = Word(Opcode::kVectorRun, 40, 40);
  const uint64_t strips = 2 * 2 * 40;
  const VectorOperations ops = OperationsOf(word, e, rows);
  CHECK(ops.encodes == 1600 + strips);
  CHECK(ops.divides == strips);
  CHECK(ops.fp32_muls == 40 + 1600 + 2 * strips + 1600);
  CHECK(ops.strip_write_bytes == 6400);
  CHECK(ops.strip_read_bytes == 6400);
  const VectorTraffic bytes = TrafficOf(word, e, rows);
  CHECK(bytes.acc_read_bytes == 6400);
  CHECK(bytes.out_write_bytes == 800 + strips);
  CHECK(bytes.out_write_scale_bytes == strips);
  CHECK(LanePasses(word, 16, rows) == 40 * 3);  // as ever
  CHECK(OperationsOf(word, State(Format::kNvfp4, Format::kNvfp4, 16), rows).strip_read_bytes == 0);
}

TEST_CASE("formats without scales cost no scales") {
  const sim::Command word = Word(Opcode::kVectorRun, 10, 40);
  const VectorOperations fp4 = OperationsOf(word, State(Format::kFp4, Format::kFp4, 16));
  CHECK(fp4.encodes == 400);
  CHECK(fp4.divides == 0);
  CHECK(fp4.fp32_muls == 440);
  const VectorOperations staged = OperationsOf(word, State(Format::kNvfp4, Format::kFp32, 16));
  CHECK(staged.encodes == 0);
  CHECK(staged.divides == 0);
  const VectorOperations tracked =
      OperationsOf(word, State(Format::kNvfp4, Format::kFp32, 16, sim::kTrackAmax));
  CHECK(tracked.compares == staged.compares + 400);
}

TEST_CASE("operations and traffic add up over pixels and blocks") {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const Format formats[] = {Format::kNvfp4, Format::kFp4, Format::kFp32};
    const auto block = static_cast<uint8_t>(random.Block());
    sim::Epilogue e = State(formats[random.Int(0, 1)], formats[random.Int(0, 2)], block,
                            static_cast<uint8_t>(random.Int(0, 7)));
    e.activation = static_cast<ActivationFunction>(random.Int(0, 2));
    const auto a = static_cast<uint32_t>(random.Int(1, 60));
    const auto b = static_cast<uint32_t>(random.Int(1, 60));
    const auto channels = static_cast<uint32_t>(random.Int(1, 200));
    CAPTURE(seed);
    for (Opcode opcode : {Opcode::kVectorAdd, Opcode::kVectorQuantize, Opcode::kVectorRun}) {
      VectorOperations split = OperationsOf(Word(opcode, a, channels), e);
      split += OperationsOf(Word(opcode, b, channels), e);
      VectorOperations whole = OperationsOf(Word(opcode, a + b, channels), e);
      // Only the factors of the channels are made anew for each tile.
      if (opcode == Opcode::kVectorRun) whole.fp32_muls += channels;
      CHECK(split == whole);
      const uint64_t out_bytes = TrafficOf(Word(opcode, a, channels), e).out_write_bytes;
      CHECK(out_bytes == Stored(static_cast<Format>(e.out.format()), block, a, channels));
    }
    // A tensor in tiles of whole blocks takes the same encodings as in one.
    const uint32_t first = block * static_cast<uint32_t>(random.Int(1, 3));
    const Opcode opcode = Opcode::kVectorAdd;
    VectorOperations parts = OperationsOf(Word(opcode, a, first), e);
    parts += OperationsOf(Word(opcode, a, channels), e);
    CHECK(parts == OperationsOf(Word(opcode, a, first + channels), e));
  }
}

TEST_CASE("a pool sums every element once and divides once a channel") {
  const sim::Epilogue e = State(Format::kNvfp4, Format::kNvfp4, 16);
  VectorOperations tiles = OperationsOf(Word(Opcode::kVectorPool, 20, 33, sim::kFirst), e);
  tiles += OperationsOf(Word(Opcode::kVectorPool, 20, 33), e);
  tiles += OperationsOf(Word(Opcode::kVectorPool, 9, 33, sim::kLast), e);
  const VectorOperations whole =
      OperationsOf(Word(Opcode::kVectorPool, 49, 33, sim::kFirst | sim::kLast), e);
  CHECK(tiles == whole);
  CHECK(whole.fp32_adds == 49u * 33);
  CHECK(whole.divides == 33u + 3);  // means, and reciprocals of three block scales
  CHECK(whole.encodes == 33u + 3);

  const auto traffic = [&e](uint32_t pixels, uint8_t flags) {
    return TrafficOf(Word(Opcode::kVectorPool, pixels, 33, flags), e);
  };
  const VectorTraffic first = traffic(20, sim::kFirst), middle = traffic(20, 0),
                      last = traffic(9, sim::kLast);
  // Sums are saved by every tile but the last and fetched by every tile but the first.
  CHECK(first.acc_read_bytes == 0);
  CHECK(first.acc_write_bytes == middle.acc_read_bytes);
  CHECK(middle.acc_write_bytes == last.acc_read_bytes);
  CHECK(last.acc_write_bytes == 0);
  CHECK(last.acc_read_bytes == 33u * 4);
  CHECK(first.out_read_bytes + middle.out_read_bytes + last.out_read_bytes ==
        Stored(Format::kNvfp4, 16, 49, 33));
  CHECK(first.out_write_bytes == 0);
  CHECK(last.out_write_bytes == Stored(Format::kNvfp4, 16, 1, 33));
}

TEST_CASE("softmax and layer normalization of 10 rows of 40, counted by hand") {
  const sim::Epilogue e = State(Format::kFp16, Format::kFp16, 16);
  const uint64_t n = 400, rows = 10;
  const VectorOperations softmax = OperationsOf(Word(Opcode::kVectorSoftmax, 10, 40), e);
  // Each exponential is computed twice: for the sum, and for the result.
  CHECK(softmax.table_reads == 2 * n);
  CHECK(softmax.divides == rows);
  CHECK(softmax.fp32_muls == 2 * 2 * n + n);
  const VectorOperations norm = OperationsOf(Word(Opcode::kVectorNormalize, 10, 40), e);
  CHECK(norm.table_reads == 0);
  CHECK(norm.divides == 4 * rows);  // mean, variance, square root, reciprocal
  CHECK(norm.fp32_muls == 3 * n);   // square, deviation, gamma
  // A row is read three times, and its parameters once.
  for (const Opcode opcode : {Opcode::kVectorSoftmax, Opcode::kVectorNormalize}) {
    const VectorTraffic traffic = TrafficOf(Word(opcode, 10, 40), e);
    const uint64_t params = opcode == Opcode::kVectorNormalize ? 40u * 8 : 0;
    CHECK(traffic.out_read_bytes == 3 * Stored(Format::kFp16, 16, 10, 40) + params);
    CHECK(traffic.out_write_bytes == Stored(Format::kFp16, 16, 10, 40));
    CHECK(LanePasses(Word(opcode, 10, 40), 16) == 3 * 10 * 3);  // 40 channels are 3 rows of lanes
  }
}

TEST_CASE("a transposition reads what it writes, and takes the longer of the two") {
  const sim::Epilogue e = State(Format::kNvfp4, Format::kNvfp4, 16);
  sim::Command word = Word(Opcode::kVectorTranspose, 33, 50);  // 50 pixels of 33 channels before
  word.channel_copy.in_pitch = 33;
  const VectorTraffic traffic = TrafficOf(word, e);
  CHECK(traffic.out_read_bytes == Stored(Format::kNvfp4, 16, 50, 33));
  CHECK(traffic.out_write_bytes == Stored(Format::kNvfp4, 16, 33, 50));
  CHECK(LanePasses(word, 16) == std::max(50u * 3, 33u * 4));
}

TEST_CASE("activation functions keep NaN") {
  sim::Epilogue e{};
  e.lo = -1;
  e.hi = 6;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float x[] = {-7, -1, -0.5f, 0, 3, 6, 9};
  const float relu[] = {0, 0, 0, 0, 3, 6, 9};
  const float clip[] = {-1, -1, -0.5f, 0, 3, 6, 6};
  for (int i = 0; i < 7; ++i) {
    e.activation = ActivationFunction::kNone;
    CHECK(Activated(e, x[i]) == x[i]);
    e.activation = ActivationFunction::kRelu;
    CHECK(Activated(e, x[i]) == relu[i]);
    e.activation = ActivationFunction::kClip;
    CHECK(Activated(e, x[i]) == clip[i]);
  }
  for (const auto kind :
       {ActivationFunction::kNone, ActivationFunction::kRelu, ActivationFunction::kClip}) {
    e.activation = kind;
    CHECK(std::isnan(Activated(e, nan)));
  }
}

}  // namespace
}  // namespace nibble::accel
