// Programs in one memory: the same words but for addresses, in regions of their own.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>

#include "tests/lowering/program_check.h"
#include "tests/machine/random_network.h"
#include "tests/machine/run.h"

namespace nibble::test {
namespace {

using platforms::Platform;
using Range = std::pair<uint64_t, uint64_t>;  // [first, second)

constexpr Platform kPlatforms[] = {Platform::kAccel, Platform::kNearmem};

uint64_t RowBytes(const platforms::DesignPoint& design) {
  const memory::DramMapping mapping(design.dram, design.dram_channels, design.dram_mapping);
  return mapping.capacity() / design.dram.rows;
}

// All bytes that a program has in DRAM.
std::vector<Range> RegionsOf(const platforms::DesignPoint& design, const sim::Program& program) {
  std::vector<Range> regions{
      {program.commands_address,
       program.commands_address + program.commands.size() * sim::kCommandBytes},
      {program.free_address, program.end()}};
  for (const sim::Segment& segment : program.image) {
    regions.emplace_back(segment.address, segment.address + segment.bytes.size());
  }
  for (const sim::TensorPlacement& t : program.tensors) {
    if (!t.in_dram || t.root != &t - program.tensors.data()) continue;
    regions.emplace_back(t.codes, t.codes + t.layout.code_bytes());
    regions.emplace_back(t.scales, t.scales + t.layout.scale_bytes());
  }
  for (const std::vector<Access>& accesses : AccessesOf(program)) {
    for (const Access& a : accesses) {
      if (a.space == Access::kDram) regions.emplace_back(a.begin, a.end);
    }
  }
  for (const sim::Command& word : program.commands) {
    if (word.opcode != sim::Opcode::kBankRun) continue;
    const uint64_t row = word.convolve.bank_row * RowBytes(design);
    regions.emplace_back(row, row + RowBytes(design));
  }
  return regions;
}

// `at` with its addresses set back by `bytes` and its rows by `rows`.
std::vector<sim::Command> SetBack(const sim::Program& at, uint64_t bytes, uint64_t rows) {
  std::vector<sim::Command> words = at.commands;
  for (sim::Command& word : words) {
    const bool copies = word.opcode == sim::Opcode::kLoad || word.opcode == sim::Opcode::kStore;
    if (copies && word.copy.rows > 0) word.copy.dram -= bytes;
    if (word.opcode == sim::Opcode::kBankRun) {
      word.convolve.bank_row = static_cast<uint16_t>(word.convolve.bank_row + rows);
    }
  }
  return words;
}

TEST_CASE("lowered elsewhere in memory, a program is the same but for addresses, and runs alike") {
  for (const Platform platform : kPlatforms) {
    int ran = 0;
    for (uint32_t seed = 0; seed < 12; ++seed) {
      Random random(seed);
      platforms::DesignPoint design = RandomDesign(platform, random);
      RandomDatapath(random, design);
      const trace::Network net = RandomOperatorNetwork(seed);
      CAPTURE(platforms::PlatformName(platform), seed);
      sim::Program first;
      try {
        first = LowerFitting(net, design);
      } catch (const lowering::LoweringError&) {
        continue;
      }
      const memory::DramMapping mapping(design.dram, design.dram_channels, design.dram_mapping);
      const auto rows = static_cast<uint64_t>(random.Int(1, 1000));
      lowering::Options elsewhere;
      elsewhere.dram_begin = rows * RowBytes(design);
      elsewhere.dram_end = mapping.capacity() - rows * RowBytes(design);
      sim::Program second = lowering::Lower(net, design, elsewhere);
      CHECK(second.dram_bytes_used == first.dram_bytes_used);
      CHECK(second.near_memory_bytes == first.near_memory_bytes);
      CHECK(second.end() == first.end() + elsewhere.dram_begin);
      for (const Range& r : RegionsOf(design, second)) {
        REQUIRE(r.first >= elsewhere.dram_begin);
        REQUIRE(r.second <= elsewhere.dram_end);
      }
      const std::vector<sim::Command> words = SetBack(second, elsewhere.dram_begin, rows);
      REQUIRE(words.size() == first.commands.size());
      CHECK(std::memcmp(words.data(), first.commands.data(), words.size() * sizeof(words[0])) == 0);

      const std::vector<float> input = RandomInput(net, seed);
      lowering::SetInput(first, net, design, input);
      lowering::SetInput(second, net, design, input);
      const platforms::RunOutcome a = platforms::Run(design, first);
      const platforms::RunOutcome b = platforms::Run(design, second);
      CHECK(a.tensors == b.tensors);
      CHECK(a.stats.values == b.stats.values);
      ++ran;
    }
    CHECK(ran > 6);
  }
}

TEST_CASE("programs side by side share no byte") {
  for (const Platform platform : kPlatforms) {
    for (uint32_t seed = 0; seed < 12; ++seed) {
      Random random(seed);
      platforms::DesignPoint design = RandomDesign(platform, random);
      CAPTURE(platforms::PlatformName(platform), seed);
      std::vector<trace::Network> nets;
      std::vector<const trace::Network*> pointers;
      for (uint32_t i = 0; i < 3; ++i) nets.push_back(RandomOperatorNetwork(seed * 3 + i));
      for (const trace::Network& net : nets) {
        LowerFitting(net, design);  // makes the scratchpads large enough
        pointers.push_back(&net);
      }
      const std::vector<sim::Program> programs = lowering::LowerSideBySide(pointers, design);
      std::vector<std::pair<Range, size_t>> all;  // with the program
      for (size_t i = 0; i < programs.size(); ++i) {
        for (const Range& r : RegionsOf(design, programs[i])) {
          if (r.first < r.second) all.emplace_back(r, i);
        }
      }
      std::sort(all.begin(), all.end());
      // In order of address: whenever the program changes, all before has ended.
      uint64_t end = 0;
      for (size_t i = 0; i < all.size(); ++i) {
        if (i > 0 && all[i].second != all[i - 1].second) REQUIRE(all[i].first.first >= end);
        end = std::max(end, all[i].first.second);
      }
    }
  }
}

TEST_CASE("networks that do not fit beside each other are refused by name") {
  const trace::Network net = RandomNetwork(1);
  platforms::DesignPoint design = platforms::Resolve(Platform::kAccel, "", {});
  const uint64_t bytes = LowerFitting(net, design).end();
  lowering::Options options;
  options.dram_begin = bytes + 1;
  options.dram_end = 2 * bytes;
  CHECK_THROWS_WITH(lowering::Lower(net, design, options),
                    Catch::Matchers::Contains("beside other networks"));
  options.dram_end = options.dram_begin + bytes + 64;  // the beginning is rounded up
  CHECK_NOTHROW(lowering::Lower(net, design, options));
  design.dram.rows = 2;  // of 64 KiB or so: too few for two
  CHECK_THROWS_WITH(lowering::LowerSideBySide({&net, &net}, design),
                    Catch::Matchers::Contains("network 'random'"));
}

}  // namespace
}  // namespace nibble::test
