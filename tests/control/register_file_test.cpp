// What accesses from outside may do.
#include "models/control/register_file.h"

#include <catch2/catch.hpp>
#include <map>

namespace nibble::control {
namespace {

using sim::FaultCode;

TEST_CASE("every access to every offset keeps to the declared rules") {
  std::map<uint32_t, Register> declared;
  for (const Register& r : PlatformRegisterMap(true)) declared[r.offset] = r;
  RegisterFile file(PlatformRegisterMap(true));
  for (uint64_t offset = 0; offset < kBlockBytes + 64; ++offset) {
    const auto found =
        offset % 4 == 0 ? declared.find(static_cast<uint32_t>(offset)) : declared.end();
    CAPTURE(offset);
    uint32_t value = 0;
    for (uint32_t bytes : {0u, 1u, 2u, 3u, 5u, 8u}) {
      CHECK(file.Read(offset, bytes, &value) == FaultCode::kAccessSize);
      CHECK(file.Write(offset, bytes, 1) == FaultCode::kAccessSize);
    }
    if (offset % 4 != 0) {
      CHECK(file.Read(offset, 4, &value) == FaultCode::kAccessSize);
      CHECK(file.Write(offset, 4, 1) == FaultCode::kAccessSize);
      continue;
    }
    if (found == declared.end()) {
      CHECK(file.Read(offset, 4, &value) == FaultCode::kUnmapped);
      CHECK(file.Write(offset, 4, 1) == FaultCode::kUnmapped);
      continue;
    }
    const Register& r = found->second;
    if (r.access == Access::kWriteOnly) {
      CHECK(file.Read(offset, 4, &value) == FaultCode::kWriteOnly);
      CHECK(file.Write(offset, 4, 1) == FaultCode::kNone);
      continue;
    }
    CHECK(file.Read(offset, 4, &value) == FaultCode::kNone);
    CHECK(value == r.reset);
    const FaultCode written = file.Write(offset, 4, ~uint32_t{0});
    CHECK(file.Read(offset, 4, &value) == FaultCode::kNone);
    switch (r.access) {
      case Access::kReadOnly:
        CHECK(written == FaultCode::kReadOnly);
        CHECK(value == r.reset);
        break;
      case Access::kReadWrite:
        CHECK(written == FaultCode::kNone);
        CHECK(value == r.mask());
        break;
      default:  // W1C
        CHECK(written == FaultCode::kNone);
        CHECK(value == 0);
        break;
    }
  }
}

TEST_CASE("an access to an address far beyond 32 bits is no access to a register") {
  RegisterFile file(PlatformRegisterMap(false));
  uint32_t value = 0;
  CHECK(file.Read(uint64_t{1} << 32 | kId, 4, &value) == FaultCode::kUnmapped);
}

TEST_CASE("writing one clears, and only there") {
  RegisterFile file(PlatformRegisterMap(false));
  file.Set(kIntStatus, kInterruptDone | kInterruptError);
  CHECK(file.Write(kIntStatus, 4, kInterruptError) == FaultCode::kNone);
  CHECK(file.value(kIntStatus) == kInterruptDone);
}

TEST_CASE("a counter's halves belong together, and a debugger does not disturb them") {
  RegisterFile file(PlatformRegisterMap(false));
  uint64_t count = 0x1FFFFFFFF;
  file.LatchPair(kCycleLo, [&] { return count; });
  uint32_t low = 0, high = 0;
  CHECK(file.Read(kCycleLo, 4, &low) == FaultCode::kNone);
  count = 0x200000000;
  CHECK(file.Peek(kCycleLo) == 0);
  CHECK(file.Read(kCycleHi, 4, &high) == FaultCode::kNone);
  CHECK((uint64_t{high} << 32 | low) == 0x1FFFFFFFF);
  CHECK(file.Peek(kReset) == 0);  // write-only
}

TEST_CASE("a refused write changes nothing, a reset keeps what it is told to") {
  RegisterFile file(PlatformRegisterMap(false));
  file.OnWrite(kRingSize, [](uint32_t) { return FaultCode::kBusyRegister; });
  CHECK(file.Write(kRingSize, 4, 8) == FaultCode::kBusyRegister);
  CHECK(file.value(kRingSize) == 0);
  CHECK(file.Write(kBootLo, 4, 64) == FaultCode::kNone);
  CHECK(file.Write(kIntEnable, 4, 3) == FaultCode::kNone);
  file.Reset({kBootLo});
  CHECK(file.value(kBootLo) == 64);
  CHECK(file.value(kIntEnable) == 0);
  CHECK(file.value(kWatchdog) == kWatchdogReset);
}

}  // namespace
}  // namespace nibble::control
