#include "models/memory/sram_faults.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <set>
#include <vector>

using namespace nibble::memory;

namespace {

constexpr uint32_t kBytes = 1 << 16;

SramConfig Config(double rate, FaultModel model = FaultModel::kUpsets, uint64_t seed = 7) {
  SramConfig config{kBytes, 1, 16};
  config.error_rate = rate;
  config.fault_model = model;
  config.seed = seed;
  return config;
}

struct Memory {
  std::vector<uint8_t> data = std::vector<uint8_t>(kBytes);
  FaultCounters counters;
  uint64_t WrongBits() const {
    uint64_t bits = 0;
    for (const uint8_t byte : data) bits += static_cast<uint64_t>(__builtin_popcount(byte));
    return bits;
  }
};

// All of the memory written once, with zeroes.
Memory Written(const SramConfig& config, bool is_protected, uint64_t memory = 0, uint64_t run = 0) {
  Memory m;
  SramFaults(config, memory, run)
      .Write(0, is_protected, 0, 1, kBytes, kBytes, m.data.data(), m.counters);
  return m;
}

}  // namespace

TEST_CASE("the SECDED code corrects every single error and detects every double one") {
  std::set<uint8_t> columns;
  for (int bit = 0; bit < secded::kBits; ++bit) {
    columns.insert(secded::Column(bit));
    CHECK(__builtin_popcount(secded::Column(bit)) % 2 == 1);
  }
  CHECK(columns.size() == secded::kBits);
  int ones = 0;
  for (const uint8_t column : columns) ones += __builtin_popcount(column);
  CHECK(ones == 216);  // Hsiao's minimum

  const auto error = [](int bit, uint64_t& data, uint8_t& check) {
    if (bit < 64) {
      data ^= uint64_t{1} << bit;
    } else {
      check ^= static_cast<uint8_t>(1u << (bit - 64));
    }
  };
  for (int a = 0; a < secded::kBits; ++a) {
    uint64_t data = 0;
    uint8_t check = 0;
    CHECK(secded::Decode(data, check) == secded::Outcome::kClean);
    error(a, data, check);
    CHECK(secded::Decode(data, check) == secded::Outcome::kCorrected);
    CHECK((data == 0 && check == 0));
    for (int b = a + 1; b < secded::kBits; ++b) {
      data = 0, check = 0;
      error(a, data, check);
      error(b, data, check);
      const uint64_t before = data;
      REQUIRE(secded::Decode(data, check) == secded::Outcome::kDetected);
      REQUIRE(data == before);
    }
  }
}

TEST_CASE("at rate zero no bit changes, and above it as many as the rate says") {
  CHECK(Written(Config(0), false).WrongBits() == 0);
  CHECK(Written(Config(0), true).counters.bits == 0);
  for (const double rate : {1e-5, 1e-4, 1e-3, 1e-2, 0.1, 0.5}) {
    const Memory m = Written(Config(rate), false);
    const double expected = rate * kBytes * 8, sigma = std::sqrt(expected * (1 - rate));
    INFO(rate);
    CHECK(m.WrongBits() == m.counters.bits);
    CHECK(std::abs(static_cast<double>(m.counters.bits) - expected) < 4 * sigma + 1);
    CHECK(m.counters.corrected_words == 0);
    CHECK(m.counters.detected_words == 0);
    // Words with at least one wrong bit: 1 - (1 - rate)^64 of them.
    const double words = kBytes / 8.0, share = 1 - std::pow(1 - rate, 64);
    CHECK(std::abs(static_cast<double>(m.counters.silent_words) - words * share) <
          4 * std::sqrt(words * share) + 1);
  }
}

TEST_CASE("every bit of a word is as likely to be wrong as another") {
  std::vector<uint64_t> wrong(64);
  SramFaults faults(Config(0.02), 0, 0);
  for (int i = 0; i < 20; ++i) {
    Memory m;
    faults.Write(0, false, 0, 1, kBytes, kBytes, m.data.data(), m.counters);
    for (uint32_t byte = 0; byte < kBytes; ++byte) {
      for (int bit = 0; bit < 8; ++bit) wrong[byte % 8 * 8 + bit] += m.data[byte] >> bit & 1;
    }
  }
  const double expected = 0.02 * 20 * kBytes / 8;
  for (const uint64_t count : wrong) {
    CHECK(std::abs(static_cast<double>(count) - expected) < 5 * std::sqrt(expected));
  }
}

TEST_CASE("with error correction every word with errors is corrected, detected or silent") {
  for (const double rate : {1e-4, 1e-3, 1e-2}) {
    const Memory m = Written(Config(rate), true);
    const double words = kBytes / 8.0, q = 1 - rate;
    const double none = std::pow(q, 72), one = 72 * rate * std::pow(q, 71),
                 two = 72 * 71 / 2 * rate * rate * std::pow(q, 70);
    const auto near = [&](uint64_t count, double share) {
      return std::abs(static_cast<double>(count) - words * share) <
             4 * std::sqrt(words * share) + 1;
    };
    INFO(rate);
    CHECK(near(m.counters.corrected_words, one));
    // Two errors are detected always, three and more sometimes.
    CHECK(near(m.counters.detected_words + m.counters.silent_words, 1 - none - one));
    CHECK(static_cast<double>(m.counters.detected_words) > words * two * 0.5 - 4);
    CHECK(m.counters.bits >= m.counters.corrected_words + 2 * m.counters.detected_words);
    if (rate <= 1e-3) CHECK(m.counters.silent_words <= 1);
    CHECK(m.WrongBits() < Written(Config(rate), false).WrongBits());
  }
}

TEST_CASE("faults depend on seed, memory and run, and on nothing else") {
  const auto cells = Config(1e-3, FaultModel::kCells), upsets = Config(1e-3);
  CHECK(Written(cells, false).data == Written(cells, false).data);
  CHECK(Written(cells, false, 0, 0).data == Written(cells, false, 0, 1).data);
  CHECK(Written(cells, false, 0).data != Written(cells, false, 1).data);
  CHECK(Written(cells, false).data != Written(Config(1e-3, FaultModel::kCells, 8), false).data);
  CHECK(Written(upsets, false, 0, 0).data != Written(upsets, false, 0, 1).data);

  // The same cells however the memory is written: at once, in rows, or twice.
  const Memory once = Written(cells, false);
  Memory rows;
  SramFaults faults(cells, 0, 0);
  faults.Write(1, false, 0, kBytes / 48, 20, 48, rows.data.data(), rows.counters);
  faults.Write(2, false, 20, kBytes / 48, 28, 48, rows.data.data(), rows.counters);
  for (uint32_t byte = 0; byte < kBytes / 48 * 48; ++byte) {
    REQUIRE(rows.data[byte] == once.data[byte]);
  }
  // The order in which several writers write does not matter.
  const auto order = [&upsets](bool first) {
    Memory m;
    SramFaults f(upsets, 0, 0);
    f.Write(first ? 0 : 1, false, first ? 0 : 4096, 1, 4096, 4096, m.data.data(), m.counters);
    f.Write(first ? 1 : 0, false, first ? 4096 : 0, 1, 4096, 4096, m.data.data(), m.counters);
    return m.data;
  };
  CHECK(order(true) == order(false));
  // Without contents: the same counts.
  Memory counted;
  SramFaults(upsets, 0, 0).Write(0, true, 0, 1, kBytes, kBytes, nullptr, counted.counters);
  CHECK(counted.counters.bits == Written(upsets, true).counters.bits);
}

TEST_CASE("no byte outside of what is written changes") {
  Memory m;
  SramFaults faults(Config(0.3), 0, 0);
  faults.Write(0, false, 13, 100, 5, 11, m.data.data(), m.counters);
  CHECK(m.counters.bits > 0);
  for (uint32_t byte = 0; byte < kBytes; ++byte) {
    const bool written = byte >= 13 && byte < 13 + 1100 && (byte - 13) % 11 < 5;
    if (!written) REQUIRE(m.data[byte] == 0);
  }
}
