// sim sweep: the same bytes however a study is run, and what it says.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sw/study/ledger.h"
#include "tests/cli/onnx_model.h"
#include "tests/study/sweep_fixture.h"

namespace nibble::study_test {
namespace {

using Catch::Matchers::Contains;
using cli_test::Result;
using Json = nlohmann::json;

TEST_CASE("sweep: any number of processes and shards come to the same bytes") {
  const Folder folder;
  CHECK(Sweep(folder, "plan.cfg --out a -j 3").exit_code == 0);
  CHECK(ExportOf(folder, "a") == ReferenceExport());
  CHECK(Sweep(folder, "plan.cfg --out b -j 2 --shards 4").exit_code == 0);
  CHECK(ExportOf(folder, "b") == ReferenceExport());
}

TEST_CASE("sweep: shards by hand, in any order, merged any number of times") {
  const Folder folder;
  const Result printed = Sweep(folder, "plan.cfg --out s --launcher print --shards 3 -j 1");
  CHECK(printed.exit_code == 0);
  std::istringstream lines(printed.out);
  std::vector<std::string> commands;
  for (std::string line; std::getline(lines, line);) commands.push_back(line);
  REQUIRE(commands.size() == 3);
  std::reverse(commands.begin(), commands.end());
  CHECK(Sweep(folder, "status s").exit_code == 5);
  for (size_t i = 0; i < commands.size(); ++i) {
    INFO(commands[i]);
    CHECK(std::system((commands[i] + " >/dev/null").c_str()) == 0);
    // Merging halfway is no mistake.
    CHECK(Sweep(folder, "merge s").exit_code == (i + 1 < commands.size() ? 5 : 0));
  }
  const std::string once = ExportOf(folder, "s");
  CHECK(once == ReferenceExport());
  CHECK(Sweep(folder, "merge s").exit_code == 0);
  std::filesystem::remove_all(folder / "s/shards");  // the merged ledger alone
  CHECK(ExportOf(folder, "s") == once);
}

TEST_CASE("sweep: a row is what a run of the same design point says") {
  const Folder folder;
  REQUIRE(Sweep(folder, "plan.cfg --out s").exit_code == 0);
  Sweep(folder, "export s --json s.json");
  const Json study = Json::parse(cli_test::ReadFile(folder / "s.json"));
  CHECK(study["schema"] == "nibble.sweep/1");
  REQUIRE(study["points"].size() == 30);
  size_t compared = 0;
  for (size_t i = 0; i < 30; i += 4) {
    const Json& point = study["points"][i];
    std::string run = "--timing-only --platform " + point["platform"].get<std::string>() +
                      " --trace " + point["trace"].get<std::string>() + " --json -";
    for (const auto& [key, value] : point["settings"].items()) {
      run += " --set " + key + "=" + value.get<std::string>();
    }
    const Result r = Sim(folder, run);
    INFO(run << ": " << r.err);
    REQUIRE((r.exit_code == 0) == (point["status"] == "ok"));
    if (r.exit_code != 0) {
      CHECK_THAT(r.err, Contains(point["error"].get<std::string>()));
      continue;
    }
    CHECK(Json::parse(r.out)["totals"] == point["totals"]);
    ++compared;
  }
  CHECK(compared > 4);
}

TEST_CASE("sweep: with bits, quality is a run's, too") {
  const Folder folder;
  cli_test::WriteFile(folder / "bits.cfg", "trace = " + cli_test::SmallTrace() +
                                               "\nplatform = accel\nseed = 3\n"
                                               "datapath.weights = nvfp4, fp16\n");
  REQUIRE(Sweep(folder, "bits.cfg --out s").exit_code == 0);
  Sweep(folder, "export s --json s.json");
  const Json study = Json::parse(cli_test::ReadFile(folder / "s.json"));
  for (const Json& point : study["points"]) {
    const Result r = Sim(folder, "--seed 3 --trace " + cli_test::SmallTrace() +
                                     " --json - --set datapath.weights=" +
                                     point["settings"]["datapath.weights"].get<std::string>());
    const Json run = Json::parse(r.out);
    CHECK(run["quality"] == point["totals"]["quality"]);
    CHECK(run["totals"]["energy_pj"] == point["totals"]["energy_pj"]);
  }
  CHECK_THAT(Sweep(folder, "report s").out, Contains("accuracy"));
}

TEST_CASE("sweep: accuracy over labelled images is a run's, in one process and in shards") {
  const Folder folder;
  cli_test::WriteFile(folder / "images.npy", cli_test::NumpyImages(5, 32));
  cli_test::WriteFile(folder / "labels.txt", "0\n1\n2\n3\n4\n");
  cli_test::WriteFile(folder / "images.cfg",
                      "trace = " + cli_test::SmallTrace() +
                          "\nplatform = accel, nearmem\nimages = images.npy\n"
                          "labels = labels.txt\ncount = 4\n"
                          "datapath.weights = nvfp4, fp16\n");
  REQUIRE(Sweep(folder, "images.cfg --out s -j 1").exit_code == 0);
  REQUIRE(Sweep(folder, "images.cfg --out t -j 2 --shards 2").exit_code == 0);
  CHECK(ExportOf(folder, "s") == ExportOf(folder, "t"));
  Sweep(folder, "export s --json s.json");
  const Json study = Json::parse(cli_test::ReadFile(folder / "s.json"));
  REQUIRE(study["points"].size() == 4);
  for (const Json& point : study["points"]) {
    const Result r = Sim(
        folder,
        "--input images.npy --labels labels.txt --count 4 --json - --trace " +
            cli_test::SmallTrace() + " --platform " + point["platform"].get<std::string>() +
            " --set datapath.weights=" + point["settings"]["datapath.weights"].get<std::string>());
    CHECK(Json::parse(r.out)["quality"] == point["totals"]["quality"]);
  }
  // Other images: other points. The relative paths count from where the study was begun.
  CHECK(Sweep(folder, "run ../" + folder.path().filename().string() + "/s").exit_code == 0);
  cli_test::WriteFile(folder / "images.npy", cli_test::NumpyImages(6, 32));
  std::filesystem::remove(folder / "s/ledger.db");
  const Result changed = Sweep(folder, "run s");
  CHECK(changed.exit_code == 2);
  CHECK_THAT(changed.err, Contains("changed since the study was made"));
  cli_test::WriteFile(folder / "labels.txt", "0\n");
  CHECK_THAT(Sweep(folder, "images.cfg --out s").err, Contains("labels.txt"));
}

TEST_CASE("sweep: finished points do not run again, also in a plan that grew") {
  const Folder folder;
  REQUIRE(Sweep(folder, "plan.cfg --out s").exit_code == 0);
  const auto written = std::filesystem::last_write_time(folder / "s/ledger.db");
  REQUIRE(Sweep(folder, "plan.cfg --out s").exit_code == 0);
  CHECK(std::filesystem::last_write_time(folder / "s/ledger.db") == written);
  cli_test::WriteFile(folder / "more.cfg", SmallPlan() + "[tensor]\nrows = 16, 32\n");
  const Result more = Sweep(folder, "more.cfg --out s");
  CHECK(more.exit_code == 0);
  // 16 rows are the default: of 60 points, 20 resolve to a machine that has run. (The 10 refused
  // ones resolve to none.)
  CHECK_THAT(more.out, Contains("60 points") && Contains("ledger.db: 70 rows"));
}

TEST_CASE(
    "sweep: what the merged ledger has finished does not run again for a shard's failed row") {
  const Folder folder;
  REQUIRE(Sweep(folder, "plan.cfg --out s").exit_code == 0);
  const std::string shard = folder / "s/shards/0-of-2.db";
  {
    study::Ledger ledger(shard);
    study::Row row;
    row.status = study::Status::kFailed;
    for (const auto& [known, status] : study::ReadStatuses(folder / "s/ledger.db")) {
      row.key = known;
      ledger.Add(row, {});
    }
  }
  REQUIRE(Sweep(folder, "run s --shard 0/2").exit_code == 0);
  for (const auto& [known, status] : study::ReadStatuses(shard)) {
    CHECK(status == study::Status::kFailed);  // as it was put there
  }
}

TEST_CASE("sweep: after a table has changed, all points are new") {
  namespace fs = std::filesystem;
  const Folder folder;
  for (const char* tables : {"area", "dram", "energy", "sram"}) {
    const std::string place = std::string("platforms/") + tables;
    fs::create_directories(folder.path() / "data" / place);
    fs::copy(fs::path(NIBBLE_SOURCE_DIR) / place, folder.path() / "data" / place);
  }
  cli_test::WriteFile(folder / "one.cfg", "trace = " + cli_test::SmallTrace() +
                                              "\nplatform = accel\ntiming_only = on\n");
  const auto rows = [&] {
    const Result r = Sweep(folder, "one.cfg --out s", "NIBBLE_DATA=data ");
    INFO(r.err);
    REQUIRE(r.exit_code == 0);
    const size_t at = r.out.find("ledger.db: ");
    return std::stoul(r.out.substr(at + 11));
  };
  size_t expected = 1;
  CHECK(rows() == expected);
  CHECK(rows() == expected);  // nothing has changed
  for (const char* file : {"area/logic", "dram/lpddr5-6400-x16", "energy/cacti", "sram/voltage"}) {
    const std::string table = (folder / "data/platforms/") + file + ".json";
    cli_test::WriteFile(table, cli_test::ReadFile(table) + "\n");
    INFO(file);
    CHECK(rows() == ++expected);
  }
}

TEST_CASE("sweep: a dry run counts, estimates, and leaves nothing") {
  const Folder folder;
  const Result r = Sweep(folder, "plan.cfg --dry-run");
  CHECK(r.exit_code == 0);
  CHECK_THAT(r.out, Contains("30 points") && Contains("8 points tried"));
  CHECK(folder.files() == 1);  // the plan
}

TEST_CASE("sweep: a sample is a part of the grid, with the same rows") {
  const Folder folder;
  const Result r = Sweep(folder, "plan.cfg --out s --sample 12 --seed 4");
  CHECK(r.exit_code == 0);
  std::istringstream sample(Sweep(folder, "export s --csv -").out);
  const std::string& all = ReferenceExport();
  size_t lines = 0;
  std::string line;
  std::getline(sample, line);
  for (; std::getline(sample, line); ++lines) {
    // Columns that no row of the sample has are missing; the key ends the line.
    CHECK_THAT(all, Contains(line.substr(line.rfind(','))));
  }
  CHECK(lines == 12);
}

TEST_CASE("sweep: the report has the front, and why points have no figures") {
  const Folder folder;
  REQUIRE(Sweep(folder, "plan.cfg --out s").exit_code == 0);
  const Result r = Sweep(folder, "report s --objectives energy,latency,sram_area");
  CHECK(r.exit_code == 0);
  CHECK_THAT(r.out, Contains("sram_area") && Contains("datapath.block") && Contains("mm2"));
  CHECK_THAT(r.out, Contains("10 x sram.weight.size = \"64KiB\""));
}

TEST_CASE("sweep: wrong use is refused in one line") {
  const Folder folder;
  const auto refuses = [&](const std::string& arguments, int code, const std::string& names) {
    const Result r = Sweep(folder, arguments);
    INFO(arguments << ": " << r.err);
    CHECK(r.exit_code == code);
    CHECK(cli_test::IsOneLine(r.err));
    CHECK_THAT(r.err, Contains(names));
  };
  refuses("", 2, "plan");
  refuses("plan.cfg", 2, "--out");
  refuses("nowhere.cfg --out s", 2, "nowhere.cfg");
  refuses("plan.cfg --out .", 2, "empty folder");
  refuses("plan.cfg --out s --seed 3", 2, "--sample");
  refuses("plan.cfg --out s --slurm-args x", 2, "--launcher");
  refuses("plan.cfg --out s --launcher pbs", 2, "pbs");
  refuses("plan.cfg --out /proc/s", 2, "/proc/s");
  refuses("run .", 2, "no study");
  refuses("status nowhere", 2, "no study");
  const Result no_slurm = Sweep(folder, "plan.cfg --out s --launcher slurm", "PATH=/nowhere");
  CHECK(no_slurm.exit_code == 2);
  CHECK(cli_test::IsOneLine(no_slurm.err));
  CHECK_THAT(no_slurm.err, Contains("sbatch") && Contains("--launcher local"));
  refuses("plan.cfg --out s --pareto latency,speed", 2, "speed");
  refuses("plan.cfg --out s --pareto latency,accuracy", 2, "timing_only");
  refuses("plan.cfg --out s --pareto latency --shards 2", 2, "--shards");
  refuses("plan.cfg --out s --pareto latency --sample 2", 2, "--sample");
  refuses("plan.cfg --out s --runs 7", 2, "--pareto");
  REQUIRE(Sweep(folder, "plan.cfg --out s --launcher print").exit_code == 0);
  refuses("run s --shard 3/3", 2, "shard");
  refuses("run s --shard x", 2, "shard");
  refuses("export s", 2, "--csv");
  refuses("report s --objectives speed", 2, "speed");
  refuses("report s --objectives speed --csv x", 2, "--csv");
  cli_test::WriteFile(folder / "none.cfg", SmallPlan() + "where tensor.rows == 3\n");
  refuses("none.cfg --out t", 2, "no point");
  cli_test::WriteFile(folder / "notrace.cfg", "trace = no.trc\nplatform = accel\n");
  refuses("notrace.cfg --out t", 3, "no.trc");
  std::string head = cli_test::ReadFile(folder / "s/study.json");
  const size_t version = head.find("\"version\":\"") + 11;
  cli_test::WriteFile(folder / "s/study.json", head.insert(version, "9"));
  refuses("run s", 2, "version");
  cli_test::WriteFile(folder / "s/study.json", head.substr(0, head.size() / 2));
  refuses("run s", 2, "finished rows are kept");
}

}  // namespace
}  // namespace nibble::study_test
