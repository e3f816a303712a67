// The C driver on a simulated machine, in the good cases.
#include <atomic>
#include <catch2/catch.hpp>

#include "tests/firmware/machine.h"

namespace nibble::test {
namespace {

constexpr Platform kPlatforms[] = {Platform::kAccel, Platform::kNearmem};

TEST_CASE("jobs by interrupt and by polling: the right bits, each time") {
  for (const Platform platform : kPlatforms) {
    const SmallMachine machine(platform);
    for (const nibble_wait_mode mode : {NIBBLE_BY_INTERRUPT, NIBBLE_BY_POLLING}) {
      CAPTURE(platforms::PlatformName(platform), mode == NIBBLE_BY_POLLING);
      int right = 0, bad_status = 0;
      machine.Run([&](HostPort& port, nibble_device& device) {
        bad_status += nibble_init(&device, machine.ring(), 4, mode) != NIBBLE_OK;
        for (uint32_t i = 0; i < 3; ++i) {
          machine.Prepare(port);
          const nibble_job job = machine.Job(i);
          bad_status += nibble_submit(&device, &job) != NIBBLE_OK;
          bad_status += nibble_wait(&device) != NIBBLE_OK;
          right += machine.OutputIsRight(port);
          bad_status += nibble_read32(NIBBLE_LAST_TAG) != i;
        }
      });
      CHECK(right == 3);
      CHECK(bad_status == 0);
    }
  }
}

TEST_CASE("a full ring takes no more jobs, and all of its jobs are done, in order") {
  const SmallMachine machine(Platform::kAccel);
  nibble_status fifth = NIBBLE_OK, waited = NIBBLE_ERROR;
  uint32_t pending = 0, tag = 0, jobs = 0;
  machine.Run([&](HostPort&, nibble_device& device) {
    nibble_init(&device, machine.ring(), 4, NIBBLE_BY_INTERRUPT);
    for (uint32_t i = 0; i < 4; ++i) {
      const nibble_job job = machine.Job(100 + i);
      nibble_submit(&device, &job);
    }
    pending = nibble_pending(&device);
    const nibble_job job = machine.Job();
    fifth = nibble_submit(&device, &job);
    waited = nibble_wait(&device);
    tag = nibble_read32(NIBBLE_LAST_TAG);
    jobs = nibble_read32(NIBBLE_JOBS_DONE);
  });
  CHECK(pending == 4);
  CHECK(fifth == NIBBLE_RING_FULL);
  CHECK(waited == NIBBLE_OK);
  CHECK(tag == 103);
  CHECK(jobs == 4);
}

TEST_CASE("registers say what the machine has, and counters what it did") {
  for (const Platform platform : kPlatforms) {
    const SmallMachine machine(platform);
    nibble_counters counters{};
    uint32_t capabilities = 0, layers = 0, before = 0, after = 0;
    const platforms::RunOutcome outcome = machine.Run([&](HostPort&, nibble_device& device) {
      nibble_init(&device, machine.ring(), 2, NIBBLE_BY_INTERRUPT);
      capabilities = nibble_read32(NIBBLE_CAPABILITIES);
      layers = nibble_read32(NIBBLE_LAYERS);
      before = nibble_read32(NIBBLE_LAST_LAYER);
      const nibble_job job = machine.Job();
      nibble_submit(&device, &job);
      nibble_wait(&device);
      after = nibble_read32(NIBBLE_LAST_LAYER);
      nibble_read_counters(&counters);
    });
    CAPTURE(platforms::PlatformName(platform));
    const bool near = platform == Platform::kNearmem;
    CHECK(capabilities == (near ? 0x11Fu : 0x1Bu));
    CHECK(layers == machine.program().layers.size());
    CHECK(before == NIBBLE_NO_LAYER);
    CHECK(after == layers - 1);
    CHECK(counters.jobs == 1);
    CHECK(counters.commands == machine.program().commands.size());
    CHECK(counters.job_cycles == outcome.stats.cycles);
    CHECK(counters.cycles > counters.job_cycles);
    CHECK(counters.busy_load == outcome.stats.Total("load.busy_cycles"));
    CHECK(counters.busy_tensor == outcome.stats.Total("tensor.busy_cycles"));
    CHECK(counters.busy_vector == outcome.stats.Total("vector.busy_cycles"));
    CHECK(counters.busy_store == outcome.stats.Total("store.busy_cycles"));
    CHECK(counters.busy_bank == (near ? outcome.stats.Total("bank.busy_cycles") : 0));
    if (near) CHECK(counters.busy_bank > 0);
    CHECK(counters.read_bytes == outcome.stats.Total("dram.read_bytes"));
    // What waits in the controllers' buffers is counted when it is written.
    CHECK(counters.write_bytes <= outcome.stats.Total("dram.write_bytes"));
  }
}

TEST_CASE("a job's cycles do not depend on when, and after what, the first is submitted") {
  const SmallMachine machine(Platform::kAccel);
  const uint64_t cycles = platforms::Run(machine.design(), machine.program()).stats.cycles;
  for (const int reads : {0, 1, 17, 5000}) {
    const platforms::RunOutcome outcome = machine.Run([&](HostPort&, nibble_device& device) {
      for (int i = 0; i < reads; ++i) nibble_read32(NIBBLE_ID);
      nibble_init(&device, machine.ring(), 8, NIBBLE_BY_POLLING);
      const nibble_job job = machine.Job();
      nibble_submit(&device, &job);
      nibble_wait(&device);
    });
    CHECK(outcome.stats.cycles == cycles);
    CHECK(outcome.host.cycles > cycles + static_cast<uint64_t>(reads));
  }
}

TEST_CASE("a host that waits for what will never be is told so") {
  const SmallMachine machine(Platform::kAccel);
  CHECK_THROWS_AS(machine.Run([](HostPort& port, nibble_device&) { port.WaitForInterrupt(); }),
                  platforms::HostStuck);
}

TEST_CASE("a host that polls for ever can be interrupted") {
  const SmallMachine machine(Platform::kAccel);
  std::atomic<bool> stop = false;
  platforms::RunOptions options;
  options.stop = &stop;
  options.host = [&stop](HostPort& port) {
    for (uint64_t i = 0;; ++i) {
      stop = i >= 1000;
      port.Read32(NIBBLE_RING_HEAD);
    }
    return 0;
  };
  CHECK_THROWS_AS(platforms::Run(machine.design(), machine.program(), options),
                  platforms::Interrupted);
}

TEST_CASE("a soft reset in the middle of a job: registers at their reset values, and on") {
  for (const Platform platform : kPlatforms) {
    const SmallMachine machine(platform);
    uint32_t busy = 0, tail = 1, jobs = 1, boot = 0;
    bool right = false;
    machine.Run([&](HostPort& port, nibble_device& device) {
      nibble_write32(NIBBLE_BOOT_LO, 64);
      nibble_init(&device, machine.ring(), 2, NIBBLE_BY_INTERRUPT);
      const nibble_job job = machine.Job();
      nibble_submit(&device, &job);
      for (int i = 0; i < 200; ++i) busy = nibble_read32(NIBBLE_STATUS);
      nibble_write32(NIBBLE_RESET, NIBBLE_RESET_SOFT_RESET);
      while (nibble_read32(NIBBLE_STATUS) & NIBBLE_STATUS_RESETTING) {
      }
      tail = nibble_read32(NIBBLE_RING_TAIL);
      jobs = nibble_read32(NIBBLE_JOBS_DONE);
      boot = nibble_read32(NIBBLE_BOOT_LO);
      machine.Prepare(port);
      nibble_init(&device, machine.ring(), 2, NIBBLE_BY_INTERRUPT);
      nibble_submit(&device, &job);
      nibble_wait(&device);
      right = machine.OutputIsRight(port);
    });
    CHECK(busy == NIBBLE_STATUS_BUSY);
    CHECK(tail == 0);
    CHECK(jobs == 0);
    CHECK(boot == 64);
    CHECK(right);
  }
}

}  // namespace
}  // namespace nibble::test
