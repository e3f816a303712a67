// Timelines, waveforms, comparisons and pages, as the program writes them.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/cli/sim.h"

namespace nibble::cli_test {
namespace {

using Json = nlohmann::json;

TEST_CASE("a timeline and waveforms change no result") {
  const Folder folder;
  const std::string run = "--trace " + SmallTrace() + " --timing-only -q";
  REQUIRE(Sim(folder, run + " --json plain.json").exit_code == 0);
  const Result r = Sim(folder, run + " --json seen.json --timeline t.json --vcd w.vcd");
  INFO(r.err);
  REQUIRE(r.exit_code == 0);
  CHECK(ReadFile(folder / "plain.json") == ReadFile(folder / "seen.json"));
  const Json timeline = Json::parse(ReadFile(folder / "t.json"));
  CHECK(timeline["traceEvents"].size() > 100);
  CHECK(ReadFile(folder / "w.vcd").find("$enddefinitions $end") != std::string::npos);
}

TEST_CASE("one output at most goes to standard output") {
  const Folder folder;
  const std::string run = "--trace " + SmallTrace() + " --timing-only";
  const Result r = Sim(folder, run + " --timeline -");
  REQUIRE(r.exit_code == 0);
  CHECK(Json::parse(r.out).contains("traceEvents"));
  for (const char* two : {"--json - --timeline -", "--timeline - --vcd -", "--csv - --vcd -"}) {
    const Result refused = Sim(folder, run + ' ' + two);
    CAPTURE(two);
    CHECK(refused.exit_code == 2);
    CHECK(IsOneLine(refused.err));
  }
}

TEST_CASE("compare names the parameter that differs and what changed with it") {
  const Folder folder;
  const std::string run = "--trace " + SmallTrace() + " --timing-only -q --json ";
  REQUIRE(Sim(folder, run + "a.json").exit_code == 0);
  REQUIRE(Sim(folder, run + "b.json --set datapath.block=32").exit_code == 0);
  const Result r = Sim(folder, "compare a.json b.json --top 3");
  REQUIRE(r.exit_code == 0);
  CHECK(r.out.find("datapath.block  16  32") != std::string::npos);
  CHECK(r.out.find("energy by layer") != std::string::npos);
  const Result same = Sim(folder, "compare a.json a.json");
  CHECK(same.out.find("No parameter differs.") != std::string::npos);
  WriteFile(folder / "c.json", R"({"schema": "nibble.sweep/1"})");
  const Result other = Sim(folder, "compare a.json c.json");
  CHECK(other.exit_code == 3);
  CHECK(other.err.find("schema nibble.sweep/1; expected nibble.run/1") != std::string::npos);
  CHECK(Sim(folder, "compare a.json nothing.json").exit_code == 3);
  CHECK(Sim(folder, "compare a.json").exit_code == 2);
}

// What script.js reads.
Json DataOf(const std::string& page) {
  const std::string mark = "id=\"data\">";
  const size_t begin = page.find(mark) + mark.size();
  return Json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

TEST_CASE("a study's page has commands that a shell takes as they are") {
  const Folder folder;
  const std::string trace = "it's [1] & $HOME.trc";
  WriteFile(folder / trace, ReadFile(SmallTrace()));
  WriteFile(folder / "plan.cfg", "trace = \"" + trace +
                                     "\"\nplatform = accel\ntiming_only = on\n"
                                     "layers.[a-c]*.weights = fp8\n");
  REQUIRE(Sim(folder, "sweep plan.cfg --out study -q -j 1").exit_code == 0);
  REQUIRE(Sim(folder, "report study -o study.html").exit_code == 0);
  const std::string command = DataOf(ReadFile(folder / "study.html"))["points"][0]["c"];
  REQUIRE(command.rfind("sim ", 0) == 0);
  REQUIRE(Sim(folder, command.substr(4) + " -q --json run.json").exit_code == 0);
  REQUIRE(Sim(folder, "sweep export study --json study.json").exit_code == 0);
  CHECK(Json::parse(ReadFile(folder / "run.json"))["totals"] ==
        Json::parse(ReadFile(folder / "study.json"))["points"][0]["totals"]);
}

TEST_CASE("report makes a page of a run, or of a study, and says what it cannot read") {
  const Folder folder;
  REQUIRE(Sim(folder, "--trace " + SmallTrace() + " --timing-only -q --json a.json").exit_code ==
          0);
  REQUIRE(Sim(folder, "report a.json -o a.html").exit_code == 0);
  CHECK(ReadFile(folder / "a.html").find("id=\"energy-by-layer\"") != std::string::npos);
  WriteFile(folder / "plan.cfg", "trace = " + SmallTrace() +
                                     "\nplatform = accel\ntiming_only = on\n[datapath]\n"
                                     "block = 16, 32\nweights = nvfp4, fp8\n");
  REQUIRE(Sim(folder, "sweep plan.cfg --out study -q -j 1").exit_code == 0);
  REQUIRE(Sim(folder, "report study -o study.html").exit_code == 0);
  // Each point of the page is a row of the ledger.
  const Json data = DataOf(ReadFile(folder / "study.html"));
  REQUIRE(Sim(folder, "sweep export study --json study.json").exit_code == 0);
  const Json rows = Json::parse(ReadFile(folder / "study.json"))["points"];
  REQUIRE(data["points"].size() == rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    CHECK(data["points"][i]["k"] == rows[i]["key"]);
    for (size_t m = 0; m < data["metrics"].size(); ++m) {
      const double shown = data["points"][i]["m"][m];
      if (data["metrics"][m]["id"] == "energy") {
        CHECK(shown == Approx(rows[i]["totals"]["energy_pj"].get<double>() * 1e-6).epsilon(1e-5));
      }
      if (data["metrics"][m]["id"] == "area") {
        CHECK(shown == Approx(rows[i]["totals"]["area_mm2"].get<double>()).epsilon(1e-5));
      }
    }
  }
  CHECK(data["layers"].size() == rows.size());
  REQUIRE(Sim(folder, "report study -o study.html --layers 0").exit_code == 0);
  CHECK(ReadFile(folder / "study.html").find("\"layers\":{}") != std::string::npos);
  const Result of_run = Sim(folder, "report a.json -o b.html --layers 3");
  CHECK(of_run.exit_code == 2);
  CHECK_THAT(of_run.err, Catch::Contains("--layers") && Catch::Contains("study"));
  CHECK(Sim(folder, "report nothing.json -o b.html").exit_code == 3);
  CHECK(Sim(folder, "report . -o b.html").exit_code == 2);  // no study
  CHECK(Sim(folder, "report a.json -o no/such/folder.html").exit_code == 2);
}

}  // namespace
}  // namespace nibble::cli_test
