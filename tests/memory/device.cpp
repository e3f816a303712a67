// Device files: every number carries a source, and a file that is wrong says where.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "models/memory/dram_energy.h"
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
    for (const auto& [field, source] : d.sources) {
      INFO(field);
      CHECK(source.size() > 20);
    }
    CHECK(d.rc >= d.ras + d.rp);
    CHECK(d.ccd_l >= d.ccd_s);
    CHECK(d.ccd_s >= d.burst);
    CHECK(d.wtr_l >= d.wtr_s);
    CHECK(d.rrd_l >= d.rrd_s);
    CHECK(d.near_read_pj_bit < d.read_core_pj_bit);
    CHECK(d.active_standby_mw > d.precharge_standby_mw);
    CHECK((d.pb_banks == 0 || d.rfc_pb < d.rfc_ab));
    // All banks are refreshed in tREFI, by one command or by several.
    if (d.pb_banks > 0) {
      CHECK(static_cast<double>(d.refi_pb * d.banks() / d.pb_banks) ==
            Approx(static_cast<double>(d.refi)).epsilon(0.005));
    }
    for (const DramPrice& price : DramPrices(d)) {
      CHECK(price.pj > 0);
      CHECK(price.source.size() > 20);
    }
  }
}

TEST_CASE("shipped devices have the size and the bandwidth that their names promise") {
  struct Expected {
    const char* name;
    double gb_per_s;
    uint64_t mib;  // of a channel, one rank
  };
  for (const Expected& e :
       {Expected{"lpddr5-6400-x16", 12.8, 1024}, Expected{"lpddr4-3200-x16", 6.4, 1024},
        Expected{"ddr4-3200-x64", 25.6, 8192}, Expected{"hbm2-2000-pch", 16, 512},
        Expected{"gddr6-16-x16", 32, 1024}, Expected{"lpddr5-6400-x16-16bank", 6.4, 1024}}) {
    const DramDevice d = ReadDramDevice(DevicePath(e.name));
    INFO(e.name);
    CHECK(d.burst_bytes * 1000.0 / static_cast<double>(d.burst * d.tck_ps) == Approx(e.gb_per_s));
    CHECK(uint64_t{d.banks()} * d.rows * d.row_bytes == e.mib << 20);
  }
}

// tests/data/dram/references.json names its source. DRAMsim3 had the same timings and currents.
TEST_CASE("energies from currents are those of DRAMsim3 for the same counts") {
  const std::string data = std::string(NIBBLE_SOURCE_DIR) + "/tests/data/dram/references.json";
  std::ifstream file(data);
  const json references = json::parse(file);
  int compared = 0;
  for (const json& run : references["runs"]) {
    if (!run.contains("energy_pj")) continue;
    ++compared;
    CAPTURE(run["device"], run["mapping"], run["pattern"]);
    std::ifstream device_file(DevicePath(run["device"]));
    json device = json::parse(device_file);
    if (device["name"] == "lpddr4-3200-x16") {  // its run knew one supply
      const json vdd2 = device["rails"][1];
      REQUIRE(vdd2["name"] == "VDD2");
      device["rails"] = json::array({vdd2});
    }
    const TemporaryFile copy;
    std::ofstream(copy.path) << device;
    const DramDevice d = ReadDramDevice(copy.path);
    const json& theirs = run["energy_pj"];
    const auto check = [&theirs](const char* component, double pj) {
      CAPTURE(component);
      CHECK(pj == Approx(theirs[component].get<double>()).epsilon(0.01));
    };
    const double bits = d.burst_bytes * 8.0;
    check("act_energy", d.activate_pj * run["ACT"].get<double>());
    check("read_energy", d.read_core_pj_bit * bits * run["RD"].get<double>());
    check("write_energy", d.write_core_pj_bit * bits * run["WR"].get<double>());
    check("ref_energy", d.refresh_pj * run["REF"].get<double>());
    // Their standby energies, as times at our powers, fill the time of the run: mW * ns = pJ.
    const double active = theirs["act_stb_energy"].get<double>() / d.active_standby_mw;
    const double precharged = theirs["pre_stb_energy"].get<double>() / d.precharge_standby_mw;
    CHECK(active + precharged ==
          Approx(run["cycles"].get<double>() * static_cast<double>(d.tck_ps) * 1e-3).epsilon(0.01));
  }
  CHECK(compared == 24);
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
  CHECK_THAT(with([](json& j) { j.erase("banks_per_refresh"); }),
             Catch::Contains("banks_per_refresh: missing"));
  CHECK_THAT(with([](json& j) { j["banks_per_refresh"]["value"] = 3; }),
             Catch::Contains("banks_per_refresh: does not divide"));
  const auto with_rails = [&message](auto change) {
    std::ifstream file(DevicePath("ddr4-3200-x64"));
    json j = json::parse(file);
    change(j);
    return message(j.dump());
  };
  CHECK(with_rails([](json&) {}) == "accepted");
  CHECK_THAT(with_rails([](json& j) { j["rails"] = json::array(); }),
             Catch::Contains("rails: expected a list"));
  CHECK_THAT(with_rails([](json& j) { j["rails"][0].erase("IDD4R"); }),
             Catch::Contains("rails.VDD.IDD4R: missing"));
  CHECK_THAT(with_rails([](json& j) { j["rails"][0].erase("IDD2P"); }),
             Catch::Contains("rails.VDD.IDD2P: missing"));
  CHECK_THAT(with_rails([](json& j) { j["rails"][0]["IDD9"] = 1; }),
             Catch::Contains("rails.VDD.IDD9: unknown field"));
  CHECK_THAT(with_rails([](json& j) { j.erase("devices"); }), Catch::Contains("devices: missing"));
  CHECK_THROWS_WITH(ReadDramDevice("/nowhere.json"), Catch::Contains("/nowhere.json: cannot open"));
}
