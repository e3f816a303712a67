// Device files: every number carries a source, and a file that is wrong says where.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/memory/devices.h"

using namespace nibble::memory;
using nlohmann::json;

namespace {

class TemporaryFile {
 public:
  TemporaryFile() {
    char name[] = "/tmp/nibble-device-XXXXXX";
    close(mkstemp(name));
    path = name;
  }
  ~TemporaryFile() { unlink(path.c_str()); }
  std::string path;
};

}  // namespace

TEST_CASE("shipped devices are complete, sourced and consistent") {
  for (const char* name : kDevices) {
    const DramDevice d = ReadDramDevice(DevicePath(name));
    INFO(name);
    CHECK(d.name == name);
    CHECK(d.sources.size() == 5 + 19 + 1 + 8);
    for (const auto& [field, source] : d.sources) {
      INFO(field);
      CHECK(source.size() > 20);
    }
    CHECK(d.rc >= d.ras + d.rp);
    CHECK(d.ccd_l >= d.ccd_s);
    CHECK(d.ccd_s >= d.burst);
    CHECK(d.wtr_l >= d.wtr_s);
    CHECK(d.near_read_pj_bit < d.read_core_pj_bit);
    // 8 Gb a channel.
    CHECK(uint64_t{d.banks()} * d.rows * d.row_bytes == uint64_t{1} << 30);
  }
  // 12.8 and 6.4 GB/s at the pins.
  const DramDevice five = ReadDramDevice(DevicePath(kDevices[0]));
  const DramDevice four = ReadDramDevice(DevicePath(kDevices[1]));
  CHECK(five.burst_bytes * 1000.0 / static_cast<double>(five.burst * five.tck_ps) == 12.8);
  CHECK(four.burst_bytes * 1000.0 / static_cast<double>(four.burst * four.tck_ps) == 6.4);
}

TEST_CASE("a device file that is wrong says which field and what was expected") {
  std::ifstream good(DevicePath(kDevices[0]));
  const json original = json::parse(good);
  const auto message = [](const std::string& text) {
    const TemporaryFile file;
    std::ofstream(file.path) << text;
    try {
      ReadDramDevice(file.path);
    } catch (const std::invalid_argument& e) {
      CHECK_THAT(e.what(), Catch::StartsWith(file.path));
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  const auto with = [&](auto change) {
    json j = original;
    change(j);
    return message(j.dump());
  };
  CHECK(message(original.dump()) == "accepted");
  CHECK_THAT(message("{"), Catch::Contains("not JSON"));
  CHECK_THAT(message("[]"), Catch::Contains("expected one JSON object"));
  CHECK_THAT(with([](json& j) { j.erase("tFAW"); }), Catch::Contains("tFAW: missing"));
  CHECK_THAT(with([](json& j) { j["tFAW"].erase("source"); }),
             Catch::Contains("tFAW: has no \"source\""));
  CHECK_THAT(with([](json& j) { j["tFAW"] = 16; }), Catch::Contains("tFAW: has no \"value\""));
  CHECK_THAT(with([](json& j) { j["tFAW"]["unit"] = "ns"; }),
             Catch::Contains("tFAW: unit must be \"clocks\", found \"ns\""));
  CHECK_THAT(with([](json& j) { j["tFAW"]["value"] = -1; }), Catch::Contains("found -1"));
  CHECK_THAT(with([](json& j) { j["rows"]["value"] = 3000; }), Catch::Contains("power of two"));
  CHECK_THAT(with([](json& j) { j["refresh"]["value"] = "x"; }),
             Catch::Contains("refresh: expected"));
  CHECK_THAT(with([](json& j) { j["tRFC"] = j["tRFCab"]; }),
             Catch::Contains("tRFC: unknown field"));
  CHECK_THAT(with([](json& j) { j["tREFI"]["value"] = 100; }), Catch::Contains("tREFI"));
  CHECK_THROWS_WITH(ReadDramDevice("/nowhere.json"), Catch::Contains("/nowhere.json: cannot open"));
}
