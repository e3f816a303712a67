// The example of two networks back to back, natively and on the core.
#include <catch2/catch.hpp>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "nibble_board.h"
#include "tests/firmware/machine.h"

// sw/firmware/examples/two_networks.c, compiled for this computer under other names.
extern "C" int two_networks_main(void);
extern "C" void two_networks_interrupt_handler(void);

namespace nibble::test {
namespace {

using Catch::Matchers::Contains;

constexpr Platform kPlatforms[] = {Platform::kAccel, Platform::kNearmem};

trace::Network OtherNetwork() {
  NetworkMaker maker(8);
  maker.Convolution(true);
  maker.Residual();
  maker.Convolution(false);
  maker.Add();
  return maker.Finish();
}

struct TwoRun {
  platforms::ProgramsOutcome outcome;
  std::string printed;
};

class TwoNetworks {
 public:
  explicit TwoNetworks(Platform platform)
      : design_(platforms::Resolve(platform, "", Sets(platform))),
        nets_{SmallNetwork(), OtherNetwork()},
        programs_(lowering::LowerSideBySide({&nets_[0], &nets_[1]}, design_)) {
    for (size_t i = 0; i < 2; ++i) {
      const std::vector<float> input = RandomInput(nets_[i], static_cast<uint32_t>(i));
      lowering::SetInput(programs_[i], nets_[i], design_, input);
      expected_.push_back(golden::Run(nets_[i], design_.datapath, input));
      const auto& output = expected_[i].tensors[static_cast<size_t>(nets_[i].output)];
      hashes_.push_back(firmware::HashOf(output.codes, output.scales));
    }
  }

  platforms::ProgramsOutcome UnderBuiltInHost() const {
    return platforms::RunPrograms(design_, Pointers(), {});
  }
  TwoRun Native(bool polling, uint32_t runs = 1) const {
    platforms::RunOptions options = Options(polling, runs);
    TwoRun run;
    firmware::NativeOptions native;
    native.print = [&run](const char* text) { run.printed += text; };
    native.interrupt_handler = two_networks_interrupt_handler;
    options.host = [&](HostPort& port) {
      return firmware::RunNative(port, native, two_networks_main);
    };
    run.outcome = platforms::RunPrograms(design_, Pointers(), options);
    return run;
  }
  TwoRun OnCore(const std::string& elf, bool polling, uint32_t runs = 1) const {
    platforms::RunOptions options = Options(polling, runs);
    std::ostringstream console;
    platforms::CoreFirmware core;
    core.image = riscv::ReadElf(elf);
    core.name = elf;
    core.console = &console;
    options.firmware = &core;
    TwoRun run;
    run.outcome = platforms::RunPrograms(design_, Pointers(), options);
    run.printed = console.str();
    return run;
  }

  std::string DifferenceFromGolden(size_t i, const TwoRun& run) const {
    return FirstDifference(nets_[i], expected_[i], programs_[i], run.outcome.programs[i])
        .value_or("equal");
  }
  // A command word of program `i` that is none.
  void Break(size_t i) { programs_[i].commands[3].flags |= 0x40; }
  // The output of program `i` is not the expected one.
  void ExpectAnother(size_t i) { hashes_[i] ^= 1; }

 private:
  std::vector<const sim::Program*> Pointers() const { return {&programs_[0], &programs_[1]}; }
  platforms::RunOptions Options(bool polling, uint32_t runs) const {
    platforms::RunOptions options;
    firmware::AddBootTable({{programs_[0], "one", hashes_[0]}, {programs_[1], "two", hashes_[1]}},
                           {runs, polling}, options);
    return options;
  }

  platforms::DesignPoint design_;
  std::vector<trace::Network> nets_;
  std::vector<sim::Program> programs_;
  std::vector<golden::Execution> expected_;
  std::vector<uint64_t> hashes_;
};

void CheckSameStats(const TwoRun& run, const platforms::ProgramsOutcome& built_in) {
  for (size_t i = 0; i < 2; ++i) {
    const sim::RunStats &a = run.outcome.programs[i].stats, &b = built_in.programs[i].stats;
    CHECK(a.cycles == b.cycles);
    CHECK(a.layer_cycles == b.layer_cycles);
    CHECK(a.values == b.values);
  }
}

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++count;
  return count;
}

// `run`: natively or on the core, given (two, polling, runs).
using Runner = std::function<TwoRun(const TwoNetworks&, bool, uint32_t)>;

void CheckTwoNetworks(const Runner& run) {
  for (const Platform platform : kPlatforms) {
    for (const bool polling : {false, true}) {
      CAPTURE(platforms::PlatformName(platform), polling);
      TwoNetworks two(platform);
      const TwoRun good = run(two, polling, 2);
      INFO(good.printed);
      CHECK(good.outcome.host.status == NIBBLE_RUN_OK);
      CHECK(Count(good.printed, ", as expected\n") == 4);
      for (size_t i = 0; i < 2; ++i) {
        CHECK(good.outcome.programs[i].jobs == 2);
        CHECK(two.DifferenceFromGolden(i, good) == "equal");
      }
      CheckSameStats(good, two.UnderBuiltInHost());
    }
  }
}

void CheckOneBroken(const Runner& run) {
  for (const Platform platform : kPlatforms) {
    for (size_t broken = 0; broken < 2; ++broken) {
      CAPTURE(platforms::PlatformName(platform), broken);
      TwoNetworks two(platform);
      two.Break(broken);
      const TwoRun result = run(two, broken == 1, 1);
      INFO(result.printed);
      CHECK(result.outcome.host.status ==
            NIBBLE_RUN_ERROR + static_cast<int>(NIBBLE_FAULT_RESERVED_BITS));
      CHECK_THAT(result.printed, Contains(broken == 0 ? "one: error" : "two: error"));
      CHECK(Count(result.printed, ", as expected\n") == 1);
      CHECK(two.DifferenceFromGolden(1 - broken, result) == "equal");
    }
  }
}

TEST_CASE("two networks back to back: golden's bits, the built-in host's counts, for each") {
  CheckTwoNetworks([](const TwoNetworks& two, bool polling, uint32_t runs) {
    return two.Native(polling, runs);
  });
}

TEST_CASE("an error of one network leaves the other its result") {
  CheckOneBroken([](const TwoNetworks& two, bool polling, uint32_t runs) {
    return two.Native(polling, runs);
  });
}

TEST_CASE("each network's output has a hash of its own") {
  for (size_t wrong = 0; wrong < 2; ++wrong) {
    TwoNetworks two(Platform::kAccel);
    two.ExpectAnother(wrong);
    const TwoRun run = two.Native(false);
    CHECK(run.outcome.host.status == NIBBLE_RUN_WRONG_HASH);
    const size_t at = run.printed.find(wrong == 0 ? "one: " : "two: ");
    CHECK(run.printed.find("WRONG", at) < run.printed.find('\n', at));
    CHECK(Count(run.printed, "WRONG") == 1);
  }
}

TEST_CASE("two networks on the core") {
  const std::string elf = std::string(NIBBLE_FIRMWARE_DIR) + "/two_networks.elf";
  if (!std::filesystem::exists(elf)) {
    std::cout
        << "skipped: two_networks.elf is not built (Debian package gcc-riscv64-unknown-elf)\n";
    return;
  }
  const Runner on_core = [&](const TwoNetworks& two, bool polling, uint32_t runs) {
    return two.OnCore(elf, polling, runs);
  };
  CheckTwoNetworks(on_core);
  CheckOneBroken(on_core);
}

TEST_CASE("the example says so when it is given one network") {
  const SmallMachine machine(Platform::kAccel);
  platforms::RunOptions options;
  firmware::AddBootTable({{machine.program()}}, {}, options);
  std::string printed;
  options.host = [&](HostPort& port) {
    return firmware::RunNative(
        port, {[&](const char* text) { printed += text; }, two_networks_interrupt_handler},
        two_networks_main);
  };
  CHECK(platforms::Run(machine.design(), machine.program(), options).host.status ==
        NIBBLE_RUN_NO_TABLE);
  CHECK_THAT(printed, Contains("--trace"));
}

TEST_CASE("the table lists every program, in memory that none of them uses") {
  std::vector<trace::Network> nets(5, SmallNetwork());
  std::vector<const trace::Network*> pointers;
  pointers.reserve(nets.size());
  for (const trace::Network& net : nets) pointers.push_back(&net);
  const platforms::DesignPoint design = platforms::Resolve(Platform::kNearmem, "", {});
  std::vector<sim::Program> programs = lowering::LowerSideBySide(pointers, design);
  std::vector<firmware::BootProgram> boot;
  for (size_t i = 0; i < nets.size(); ++i) {
    lowering::SetInput(programs[i], nets[i], design, RandomInput(nets[i], 1));
    boot.push_back({programs[i], "net" + std::to_string(i), i});
  }
  platforms::RunOptions options;
  firmware::AddBootTable(boot, {3, true}, options);
  for (const sim::Segment& segment : options.host_image) {
    bool free = false;
    for (const sim::Program& p : programs) {
      free |=
          p.free_address <= segment.address && segment.address + segment.bytes.size() <= p.end();
    }
    CHECK(free);
  }
  options.host = [&](HostPort& port) {
    return firmware::RunNative(port, {}, [&] {
      nibble_table table{};
      CHECK(nibble_read_table(&table) == NIBBLE_RUN_OK);
      CHECK(table.programs == nets.size());
      CHECK(table.runs == 3);
      CHECK(table.free_address % 64 == 0);
      CHECK(table.free_address + table.free_bytes == programs[0].end());
      for (uint32_t i = 0; i < table.programs; ++i) {
        nibble_program entry{};
        nibble_read_program(i, &entry);
        CHECK(std::string(entry.name) == "net" + std::to_string(i));
        CHECK(entry.hash == i);
        CHECK(entry.commands == programs[i].commands_address);
        CHECK(entry.count == programs[i].commands.size());
        CHECK(entry.layers == programs[i].layers.size());
        CHECK(entry.input_codes.to ==
              programs[i].tensors[static_cast<size_t>(nets[i].input)].codes);
      }
      return 0;
    });
  };
  std::vector<const sim::Program*> program_pointers;
  program_pointers.reserve(programs.size());
  for (const sim::Program& p : programs) program_pointers.push_back(&p);
  CHECK(platforms::RunPrograms(design, program_pointers, options).host.status == 0);

  boot.clear();
  for (size_t i = 0; i <= firmware::kMostBootPrograms; ++i) boot.push_back({programs[0]});
  CHECK_THROWS_AS(firmware::AddBootTable(boot, {}, options), std::invalid_argument);
}

}  // namespace
}  // namespace nibble::test
