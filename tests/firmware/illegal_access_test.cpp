// Accesses that the registers refuse: an error for the host to see, and nothing else.
#include <catch2/catch.hpp>

#include "models/control/register_map.h"
#include "tests/firmware/machine.h"

namespace nibble::test {
namespace {

struct Illegal {
  uint64_t offset;
  uint32_t bytes;
  bool write;
  uint32_t code;
};

std::vector<Illegal> EveryIllegalAccess() {
  std::vector<Illegal> all = {
      {NIBBLE_ID, 1, false, NIBBLE_FAULT_ACCESS_SIZE},
      {NIBBLE_ID, 2, false, NIBBLE_FAULT_ACCESS_SIZE},
      {NIBBLE_ID, 8, false, NIBBLE_FAULT_ACCESS_SIZE},
      {NIBBLE_ID + 2, 4, false, NIBBLE_FAULT_ACCESS_SIZE},
      {NIBBLE_INT_ENABLE, 1, true, NIBBLE_FAULT_ACCESS_SIZE},
      {NIBBLE_INT_ENABLE + 1, 4, true, NIBBLE_FAULT_ACCESS_SIZE},
      {0xFFC, 4, false, NIBBLE_FAULT_UNMAPPED},
      {0x1000, 4, false, NIBBLE_FAULT_UNMAPPED},
      {0x018, 4, true, NIBBLE_FAULT_UNMAPPED},
      {uint64_t{1} << 40, 4, true, NIBBLE_FAULT_UNMAPPED},
      {NIBBLE_BUSY_BANK_LO, 4, false, NIBBLE_FAULT_UNMAPPED},  // accel has no banks
      {NIBBLE_RESET, 4, false, NIBBLE_FAULT_WRITE_ONLY},
      {NIBBLE_RING_BASE_LO, 4, true, NIBBLE_FAULT_BUSY_REGISTER},
      {NIBBLE_RING_BASE_HI, 4, true, NIBBLE_FAULT_BUSY_REGISTER},
      {NIBBLE_RING_SIZE, 4, true, NIBBLE_FAULT_BUSY_REGISTER},
  };
  for (const control::Register& r : control::PlatformRegisterMap(false)) {
    if (r.access == control::Access::kReadOnly) {
      all.push_back({r.offset, 4, true, NIBBLE_FAULT_READ_ONLY});
    }
  }
  return all;
}

TEST_CASE("every illegal access raises its error while a job goes on") {
  const SmallMachine machine(Platform::kAccel);
  const std::vector<Illegal> all = EveryIllegalAccess();
  std::vector<nibble_error> seen(all.size());
  std::vector<uint64_t> read(all.size(), 0);
  bool right = false, stopped = true;
  const platforms::RunOutcome outcome = machine.Run([&](HostPort& port, nibble_device& device) {
    nibble_init(&device, machine.ring(), 2, NIBBLE_BY_INTERRUPT);
    const nibble_job job = machine.Job();
    machine.Prepare(port);
    nibble_submit(&device, &job);
    for (size_t i = 0; i < all.size(); ++i) {
      uint64_t data = 0xFFFFFFFFFFFFFFFF;
      port.Access(all[i].offset, reinterpret_cast<uint8_t*>(&data), all[i].bytes, all[i].write);
      read[i] = data << (64 - 8 * all[i].bytes);
      if (nibble_wait(&device) == NIBBLE_ERROR) seen[i] = device.error;
    }
    nibble_wait(&device);
    stopped = nibble_is_stopped() != 0;
    right = machine.OutputIsRight(port);
  });
  for (size_t i = 0; i < all.size(); ++i) {
    CAPTURE(i, all[i].offset, all[i].bytes, all[i].write);
    CHECK(seen[i].code == all[i].code);
    CHECK(seen[i].address == all[i].offset);
    if (!all[i].write) CHECK(read[i] == 0);
  }
  CHECK_FALSE(stopped);
  CHECK(right);
  const platforms::RunOutcome built_in = platforms::Run(machine.design(), machine.program());
  CHECK(outcome.stats.cycles == built_in.stats.cycles);
}

TEST_CASE("of errors that come together the first is kept until it is cleared") {
  const SmallMachine machine(Platform::kAccel);
  uint32_t first = 0, second = 0, line = 0;
  machine.Run([&](HostPort& port, nibble_device&) {
    nibble_write32(NIBBLE_INT_ENABLE, NIBBLE_INT_ENABLE_ERROR);
    nibble_write32(NIBBLE_ID, 0);
    nibble_read32(NIBBLE_RESET);
    first = nibble_read32(NIBBLE_ERROR_CODE);
    line += port.interrupt();
    nibble_write32(NIBBLE_INT_STATUS, NIBBLE_INT_STATUS_ERROR);
    line += 2 * port.interrupt();
    nibble_read32(NIBBLE_RESET);
    second = nibble_read32(NIBBLE_ERROR_CODE);
    nibble_write32(NIBBLE_INT_ENABLE, 0);
    line += 4 * port.interrupt();
  });
  CHECK(first == NIBBLE_FAULT_READ_ONLY);
  CHECK(second == NIBBLE_FAULT_WRITE_ONLY);
  CHECK(line == 1);
}

}  // namespace
}  // namespace nibble::test
