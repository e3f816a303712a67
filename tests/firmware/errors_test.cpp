// Jobs and rings that are wrong: the documented code, the place, and the next job still runs.
#include <catch2/catch.hpp>
#include <cstring>

#include "tests/firmware/machine.h"

namespace nibble::test {
namespace {

using sim::Command;
using sim::Opcode;

constexpr Platform kPlatforms[] = {Platform::kAccel, Platform::kNearmem};

struct Ending {
  nibble_status status = NIBBLE_OK;
  nibble_error error{};
  bool stopped = false;
  bool next_is_right = false;  // a good job after nibble_recover()
};

// Submits `job` of `words`, which are put into free memory, then a good one.
Ending RunWords(const SmallMachine& machine, const std::vector<Command>& words, nibble_job job,
                nibble_wait_mode mode = NIBBLE_BY_INTERRUPT, uint32_t watchdog = 0) {
  Ending ending;
  machine.Run([&](HostPort& port, nibble_device& device) {
    nibble_init(&device, machine.ring(), 2, mode);
    if (watchdog != 0) nibble_write32(NIBBLE_WATCHDOG, watchdog);
    if (!words.empty()) {
      job.commands = machine.scratch();
      job.count = static_cast<uint32_t>(words.size());
      port.WriteMemory(job.commands, words.data(), words.size() * sizeof(Command));
    }
    nibble_submit(&device, &job);
    ending.status = nibble_wait(&device);
    ending.error = device.error;
    ending.stopped = nibble_is_stopped() != 0;
    machine.Prepare(port);  // a wrong address may have had anything overwritten
    if (nibble_recover(&device) != NIBBLE_OK) return;
    const nibble_job good = machine.Job();
    nibble_submit(&device, &good);
    ending.next_is_right = nibble_wait(&device) == NIBBLE_OK && machine.OutputIsRight(port);
  });
  return ending;
}

void CheckError(const Ending& ending, uint32_t code, uint32_t word, uint32_t tag) {
  CHECK(ending.status == NIBBLE_ERROR);
  CHECK(ending.stopped);
  CHECK(ending.error.code == code);
  CHECK(ending.error.word == word);
  CHECK(ending.error.tag == tag);
  CHECK(ending.next_is_right);
}

TEST_CASE(
    "a bit flipped in a command word ends in the driver's error path, and the next job runs") {
  for (const Platform platform : kPlatforms) {
    const SmallMachine machine(platform);
    for (const nibble_wait_mode mode : {NIBBLE_BY_INTERRUPT, NIBBLE_BY_POLLING}) {
      std::vector<Command> words = machine.program().commands;
      const uint32_t broken = static_cast<uint32_t>(words.size()) / 2;
      auto* byte = reinterpret_cast<uint8_t*>(&words[broken]);
      *byte ^= 0x40;  // of the opcode
      const Ending ending = RunWords(machine, words, machine.Job(7), mode);
      CheckError(ending, NIBBLE_FAULT_OPCODE, broken, 7);
      CHECK(ending.error.address == machine.scratch() + broken * sizeof(Command));
    }
  }
}

Command Word(Opcode opcode) {
  Command word{};
  word.opcode = opcode;
  return word;
}

Command Load(uint64_t dram, uint16_t unit) {
  Command word = Word(Opcode::kLoad);
  word.copy.dram = dram;
  word.copy.rows = 1;
  word.copy.row_bytes = word.copy.dram_stride = 64;
  word.copy.sram = unit;
  return word;
}

template <class Change>
Command Changed(Command word, Change change) {
  change(word);
  return word;
}

// The first word of the program of this kind.
Command FirstOf(const SmallMachine& machine, Opcode opcode) {
  for (const Command& word : machine.program().commands) {
    if (word.opcode == opcode) {
      return Changed(word, [](Command& w) { w.wait = w.signal = 0; });
    }
  }
  throw std::logic_error("the network has no such word");
}

TEST_CASE("every error of a command word") {
  const SmallMachine machine(Platform::kAccel);
  const uint64_t memory = uint64_t{machine.design().dram_channels} * (uint64_t{1} << 40);
  const Command config = FirstOf(machine, Opcode::kTensorConfig);
  const Command run = FirstOf(machine, Opcode::kTensorRun);
  const Command epilogue = FirstOf(machine, Opcode::kVectorConfig);
  const Command vector = FirstOf(machine, Opcode::kVectorRun);
  const Command in_strips = Changed(epilogue, [](Command& w) { w.epilogue.flags |= sim::kStrips; });
  const Command rows = Changed(config, [&](Command& w) {
    w.opcode = Opcode::kVectorGeometry;
    w.geometry.out_width = static_cast<uint16_t>(vector.elementwise.pixels + 1);
  });
  struct Case {
    uint32_t code;
    std::vector<Command> words;  // the last one is wrong
  };
  const std::vector<Case> cases = {
      {NIBBLE_FAULT_OPCODE, {Word(static_cast<Opcode>(0))}},
      {NIBBLE_FAULT_OPCODE, {Word(static_cast<Opcode>(23))}},
      {NIBBLE_FAULT_RESERVED_BITS,
       {Load(0, 0), Changed(Load(0, 0), [](Command& w) { w.flags = 0x80; })}},
      {NIBBLE_FAULT_RESERVED_BITS, {Changed(Load(0, 0), [](Command& w) { w.copy.reserved = 1; })}},
      {NIBBLE_FAULT_NO_ENGINE, {Word(Opcode::kBankConfig)}},
      {NIBBLE_FAULT_NO_ENGINE, {Changed(Load(0, 0), [](Command& w) { w.wait = 0x20; })}},
      {NIBBLE_FAULT_NO_ENGINE, {Changed(Load(0, 0), [](Command& w) { w.signal = 0x04; })}},
      {NIBBLE_FAULT_LAYER, {Changed(Load(0, 0), [](Command& w) { w.layer = 1000; })}},
      {NIBBLE_FAULT_DRAM_ADDRESS, {Load(memory, 0)}},
      {NIBBLE_FAULT_DRAM_ADDRESS, {Load(~uint64_t{0} - 63, 0)}},
      {NIBBLE_FAULT_SRAM_RANGE, {Load(0, 0xFFFF)}},
      {NIBBLE_FAULT_SRAM_RANGE,
       {Changed(Load(0, 0), [](Command& w) { w.copy.rows = 0xFFFFFFFF; })}},
      {NIBBLE_FAULT_OPERANDS,
       {Changed(Load(0, 0), [](Command& w) { w.copy.rows = 2, w.copy.row_bytes = 0; })}},
      {NIBBLE_FAULT_FORMAT,
       {Changed(Load(0, 0), [](Command& w) { w.copy.buffer = static_cast<sim::Buffer>(4); })}},
      {NIBBLE_FAULT_NOT_CONFIGURED, {run}},
      {NIBBLE_FAULT_NOT_CONFIGURED, {vector}},
      {NIBBLE_FAULT_GEOMETRY, {Changed(config, [](Command& w) { w.geometry.stride_h = 0; })}},
      {NIBBLE_FAULT_GEOMETRY,
       {Changed(config, [](Command& w) { w.geometry.depthwise = 1, w.geometry.groups = 2; })}},
      {NIBBLE_FAULT_FORMAT, {Changed(config, [](Command& w) { w.geometry.weight_format = 200; })}},
      {NIBBLE_FAULT_FORMAT, {Changed(config, [](Command& w) { w.geometry.weight_block = 0; })}},
      {NIBBLE_FAULT_OPERANDS,
       {config, Changed(run, [](Command& w) { w.convolve.out_row = 60000; })}},
      {NIBBLE_FAULT_OPERANDS,
       {config, Changed(run, [](Command& w) { w.convolve.in_rows = 0, w.convolve.in_row = 1; })}},
      {NIBBLE_FAULT_SRAM_RANGE, {config, Changed(run, [](Command& w) { w.convolve.acc = 65535; })}},
      {NIBBLE_FAULT_SRAM_RANGE,
       {config, Changed(run, [](Command& w) { w.convolve.weight = 65535; })}},
      {NIBBLE_FAULT_FORMAT,
       {Changed(epilogue,
                [](Command& w) { w.epilogue.activation = numerics::ActivationFunction{8}; })}},
      {NIBBLE_FAULT_OPERANDS,
       {Changed(epilogue, [](Command& w) { w.epilogue.out_reg = 60000; }), vector}},
      {NIBBLE_FAULT_OPERANDS,
       {epilogue, Changed(vector, [](Command& w) { w.elementwise.channels = 0; })}},
      {NIBBLE_FAULT_SRAM_RANGE,
       {epilogue, Changed(vector, [](Command& w) { w.elementwise.out = 65535; })}},
      {NIBBLE_FAULT_GEOMETRY,
       {Changed(config, [](Command& w) { w.geometry.strips = 1, w.geometry.depthwise = 0; })}},
      {NIBBLE_FAULT_NOT_CONFIGURED, {in_strips, vector}},
      {NIBBLE_FAULT_OPERANDS, {in_strips, rows, vector}},  // rows that do not end with the tile
  };
  for (size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(i);
    CheckError(RunWords(machine, cases[i].words, machine.Job(5)), cases[i].code,
               static_cast<uint32_t>(cases[i].words.size()) - 1, 5);
  }
}

TEST_CASE("words that wait for each other end by the watchdog") {
  const SmallMachine machine(Platform::kAccel);
  const Command waits =
      Changed(Load(0, 0), [](Command& w) { w.wait = sim::EngineBit(sim::Engine::kTensor); });
  CheckError(RunWords(machine, {waits}, machine.Job(9), NIBBLE_BY_INTERRUPT, 1000),
             NIBBLE_FAULT_WATCHDOG, 0, 9);
}

TEST_CASE("every error of a descriptor") {
  const SmallMachine machine(Platform::kAccel);
  const auto with = [&](auto change) {
    nibble_job job = machine.Job(3);
    change(job);
    return RunWords(machine, {}, job);
  };
  CheckError(with([](nibble_job& j) { j.count = 0; }), NIBBLE_FAULT_DESCRIPTOR, 0, 3);
  CheckError(with([](nibble_job& j) { j.layers = 0; }), NIBBLE_FAULT_DESCRIPTOR, 0, 3);
  CheckError(with([](nibble_job& j) { j.layers += 1; }), NIBBLE_FAULT_DESCRIPTOR, 0, 3);
  CheckError(with([](nibble_job& j) { j.commands += 4; }), NIBBLE_FAULT_DESCRIPTOR, 0, 3);
  CheckError(with([](nibble_job& j) { j.commands = uint64_t{1} << 60; }),
             NIBBLE_FAULT_COMMAND_MEMORY, 0, 3);
  CheckError(with([](nibble_job& j) { j.count = 0xFFFFFFFF; }), NIBBLE_FAULT_COMMAND_MEMORY, 0, 3);
}

TEST_CASE("every error of a ring") {
  const SmallMachine machine(Platform::kAccel);
  const auto code_of = [&](uint64_t ring, uint32_t slots, uint32_t tail) {
    uint32_t code = 0;
    bool right = false;
    machine.Run([&](HostPort& port, nibble_device& device) {
      if (nibble_init(&device, ring, slots, NIBBLE_BY_INTERRUPT) == NIBBLE_OK) {
        nibble_write32(NIBBLE_RING_TAIL, tail);
        nibble_wait(&device);
      }
      code = device.error.code;
      nibble_init(&device, machine.ring(), 1, NIBBLE_BY_INTERRUPT);
      machine.Prepare(port);
      const nibble_job job = machine.Job();
      nibble_submit(&device, &job);
      right = nibble_wait(&device) == NIBBLE_OK && machine.OutputIsRight(port);
    });
    CHECK(right);
    return code;
  };
  for (const uint32_t slots : {0u, 3u, 65537u, 1u << 17, 1u << 31}) {
    CHECK(code_of(machine.ring(), slots, 0) == NIBBLE_FAULT_RING_SIZE);
  }
  CHECK(code_of(machine.ring() + 16, 2, 0) == NIBBLE_FAULT_RING_BASE);
  CHECK(code_of(uint64_t{1} << 60, 2, 0) == NIBBLE_FAULT_RING_BASE);
  CHECK(code_of(~uint64_t{0} - 31, 2, 0) == NIBBLE_FAULT_RING_BASE);
  CHECK(code_of(machine.ring(), 2, 3) == NIBBLE_FAULT_RING_OVERRUN);
  CHECK(code_of(machine.ring(), 2, 0xFFFFFFFF) == NIBBLE_FAULT_RING_OVERRUN);
}

// Flips bits of the program's words, one a run. Returns how many of them were errors.
int FlipBits(const SmallMachine& machine, int runs, Random& random) {
  int errors = 0;
  for (int i = 0; i < runs; ++i) {
    std::vector<Command> words = machine.program().commands;
    const int word = random.Int(0, static_cast<int>(words.size()) - 1);
    const int bit = random.Int(0, 255);
    reinterpret_cast<uint8_t*>(&words[static_cast<size_t>(word)])[bit / 8] ^=
        static_cast<uint8_t>(1 << bit % 8);
    CAPTURE(platforms::PlatformName(machine.design().platform), word, bit);
    const Ending ending = RunWords(machine, words, machine.Job(), NIBBLE_BY_INTERRUPT, 100000);
    CHECK(ending.next_is_right);
    errors += ending.status == NIBBLE_ERROR;
  }
  return errors;
}

// Whatever a bit does, the job ends, and the machine is as good as before.
TEST_CASE("no flipped bit of a command word hangs or harms the machine") {
  Random random(77);
  for (const Platform platform : kPlatforms) {
    CHECK(FlipBits(SmallMachine(platform), 60, random) > 5);
    for (uint32_t seed = 1; seed <= 6; ++seed) {
      CAPTURE(seed);
      FlipBits(SmallMachine(platform, RandomOperatorNetwork(seed)), 20, random);
    }
  }
}

}  // namespace
}  // namespace nibble::test
