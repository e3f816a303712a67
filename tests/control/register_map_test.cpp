// The declaration of the registers, and what is made of it.
#include "models/control/register_map.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "models/control/register_text.h"
#include "models/sim_core/fault.h"
#include "nibble_registers.h"

namespace nibble::control {
namespace {

std::string FileText(const std::string& path) {
  std::ifstream file(std::string(NIBBLE_SOURCE_DIR) + "/" + path);
  REQUIRE(file.good());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST_CASE("the firmware's header and the document are what the declaration says") {
  INFO(
      "make them anew: sim registers --header > sw/firmware/include/nibble_registers.h; "
      "sim registers --markdown > docs/registers.md");
  CHECK(FileText("sw/firmware/include/nibble_registers.h") == RegisterHeader());
  CHECK(FileText("docs/registers.md") == RegisterMarkdown());
}

TEST_CASE("registers are apart, in order, and their fields do not overlap") {
  for (const bool near_memory : {false, true}) {
    std::set<std::string> names;
    uint32_t next = 0;
    for (const Register& r : PlatformRegisterMap(near_memory)) {
      CAPTURE(r.name);
      CHECK(names.insert(r.name).second);
      CHECK(r.offset % 4 == 0);
      CHECK(r.offset >= next);
      next = r.offset + 4;
      CHECK(next <= kBlockBytes);
      uint32_t bits = 0;
      for (const Field& field : r.fields) {
        CHECK(field.high >= field.low);
        CHECK(field.high <= 31);
        CHECK((bits & field.mask()) == 0);
        bits |= field.mask();
      }
      if (!r.fields.empty()) CHECK((r.reset & ~bits) == 0);
    }
  }
}

TEST_CASE("nearmem has every register of accel, at the same place") {
  std::map<std::string, uint32_t> near;
  for (const Register& r : PlatformRegisterMap(true)) near[r.name] = r.offset;
  for (const Register& r : PlatformRegisterMap(false)) {
    CAPTURE(r.name);
    REQUIRE(near.count(r.name) == 1);
    CHECK(near[r.name] == r.offset);
  }
}

TEST_CASE("the header's numbers are those that the machine uses") {
  CHECK(NIBBLE_ID == kId);
  CHECK(NIBBLE_CONTROL == kControl);
  CHECK(NIBBLE_RESET == kReset);
  CHECK(NIBBLE_STATUS == kStatus);
  CHECK(NIBBLE_RING_BASE_LO == kRingBaseLo);
  CHECK(NIBBLE_RING_SIZE == kRingSize);
  CHECK(NIBBLE_RING_HEAD == kRingHead);
  CHECK(NIBBLE_RING_TAIL == kRingTail);
  CHECK(NIBBLE_INT_STATUS == kIntStatus);
  CHECK(NIBBLE_INT_ENABLE == kIntEnable);
  CHECK(NIBBLE_ERROR_CODE == kErrorCode);
  CHECK(NIBBLE_BUSY_BANK_LO == BusyLo(sim::Engine::kBank));
  CHECK(NIBBLE_STATUS_STOPPED == kStatusStopped);
  CHECK(NIBBLE_INT_STATUS_ERROR == kInterruptError);
  CHECK(NIBBLE_FAULT_WATCHDOG == static_cast<uint32_t>(sim::FaultCode::kWatchdog));
  CHECK(sizeof(nibble_descriptor) == sizeof(JobDescriptor));
  CHECK(offsetof(nibble_descriptor, tag) == offsetof(JobDescriptor, tag));
  CHECK(offsetof(nibble_descriptor, flags) == offsetof(JobDescriptor, flags));
}

TEST_CASE("errors have codes and names of their own, ascending") {
  int last = -1;
  std::set<std::string> names;
  for (const sim::FaultInfo& fault : sim::FaultCodes()) {
    CHECK(static_cast<int>(fault.code) > last);
    last = static_cast<int>(fault.code);
    CHECK(names.insert(fault.name).second);
    CHECK(sim::FaultName(fault.code) == std::string(fault.name));
  }
  CHECK(std::string(sim::FaultName(static_cast<sim::FaultCode>(0xEE))) == "UNKNOWN");
}

}  // namespace
}  // namespace nibble::control
