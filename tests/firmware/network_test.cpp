// A whole network under the runtime of the firmware, against the built-in host and golden.
#include <catch2/catch.hpp>

#include "sw/trace/file.h"
#include "tests/firmware/machine.h"

namespace nibble::test {
namespace {

constexpr Platform kPlatforms[] = {Platform::kAccel, Platform::kNearmem};

trace::Network MobileNet() {
  trace::Network net = compiler::BuildNetwork("mobilenet_v2", 32);
  compiler::Calibrate(net, {compiler::GeneratedInput(net, 1)});
  return net;
}

void CheckSameStats(const sim::RunStats& a, const sim::RunStats& b) {
  CHECK(a.cycles == b.cycles);
  CHECK(a.layer_cycles == b.layer_cycles);
  CHECK(a.values == b.values);
}

TEST_CASE("MobileNetV2 under native firmware: golden's bits, and the built-in host's counts") {
  const trace::Network net = MobileNet();
  for (const Platform platform : kPlatforms) {
    const SmallMachine machine(platform, net);
    const platforms::RunOutcome built_in = platforms::Run(machine.design(), machine.program());
    const numerics::StoredActivations& output =
        machine.expected().tensors[static_cast<size_t>(machine.program().output)];
    for (const bool polling : {false, true}) {
      CAPTURE(platforms::PlatformName(platform), polling);
      const uint64_t hash = firmware::HashOf(output.codes, output.scales);
      platforms::RunOptions options;
      firmware::AddBootTable({{machine.program(), net.name, hash}}, {2, polling}, options);
      std::string printed;
      options.host = firmware::NativeFirmware([&](const char* text) { printed += text; });
      const platforms::RunOutcome outcome =
          platforms::Run(machine.design(), machine.program(), options);
      INFO(printed);
      CHECK(outcome.host.status == NIBBLE_RUN_OK);
      CHECK(printed.find("as expected") != printed.rfind("as expected"));  // twice
      CHECK(
          FirstDifference(net, machine.expected(), machine.program(), outcome).value_or("equal") ==
          "equal");
      CheckSameStats(outcome.stats, built_in.stats);

      platforms::RunOptions wrong;
      firmware::AddBootTable({{machine.program(), net.name, hash ^ 1}}, {2, polling}, wrong);
      wrong.host = firmware::NativeFirmware({});
      CHECK(platforms::Run(machine.design(), machine.program(), wrong).host.status ==
            NIBBLE_RUN_WRONG_HASH);
    }
  }
}

// At its resolution engines often ask for the DRAM in the same cycle.
TEST_CASE("a host that polls does not change which of two engines goes first") {
  const trace::Network net =
      trace::Read(std::string(NIBBLE_SOURCE_DIR) + "/traces/mobilenet_v3_small.trc", false);
  for (const Platform platform : kPlatforms) {
    const platforms::DesignPoint design = platforms::Resolve(platform, "", {});
    const sim::Program program = lowering::Lower(net, design, {false});
    platforms::RunOptions options;
    options.timing_only = true;
    const platforms::RunOutcome built_in = platforms::Run(design, program, options);
    for (const bool polling : {false, true}) {
      CAPTURE(platforms::PlatformName(platform), polling);
      platforms::RunOptions firmware = options;
      firmware::AddBootTable({{program}}, {1, polling}, firmware);
      firmware.host = firmware::NativeFirmware({});
      CheckSameStats(platforms::Run(design, program, firmware).stats, built_in.stats);
    }
  }
}

TEST_CASE("the runtime tells what is wrong by its status") {
  const SmallMachine machine(Platform::kAccel);
  const auto status = [&](const std::function<void(platforms::RunOptions&)>& change,
                          const sim::Program& program) {
    platforms::RunOptions options;
    firmware::AddBootTable({{program}}, {}, options);
    options.host = firmware::NativeFirmware({});
    change(options);
    return platforms::Run(machine.design(), program, options).host.status;
  };
  CHECK(status([](platforms::RunOptions&) {}, machine.program()) == NIBBLE_RUN_OK);
  CHECK(status([](platforms::RunOptions& o) { o.boot = 0; }, machine.program()) ==
        NIBBLE_RUN_NO_TABLE);
  CHECK(status([](platforms::RunOptions& o) { o.boot = uint64_t{1} << 60; }, machine.program()) ==
        NIBBLE_RUN_NO_TABLE);
  sim::Program broken = machine.program();
  broken.commands[3].flags |= 0x40;
  CHECK(status([](platforms::RunOptions&) {}, broken) ==
        NIBBLE_RUN_ERROR + static_cast<int>(NIBBLE_FAULT_RESERVED_BITS));
}

TEST_CASE("the hash is FNV-1a of 64 bits") {
  // Values of the authors' test suite, http://www.isthe.com/chongo/src/fnv/test_fnv.c
  CHECK(nibble_hash_bytes(NIBBLE_HASH_SEED, "", 0) == 0xcbf29ce484222325);
  CHECK(nibble_hash_bytes(NIBBLE_HASH_SEED, "a", 1) == 0xaf63dc4c8601ec8c);
  CHECK(nibble_hash_bytes(NIBBLE_HASH_SEED, "foobar", 6) == 0x85944171f73967e8);
}

}  // namespace
}  // namespace nibble::test
