// A study whose processes are killed, whose disk is full or whose files are damaged: nothing that
// was finished is lost, the rest is run by the next command, and the message says so.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "sw/study/ledger.h"
#include "tests/study/sweep_fixture.h"

namespace nibble::study_test {
namespace {

using Catch::Matchers::Contains;
using cli_test::Result;

size_t RowsOf(const std::string& ledger) {
  try {
    return study::ReadStatuses(ledger).size();
  } catch (const study::DatabaseError&) {  // being made
    return 0;
  }
}

pid_t StartDriver(const Folder& folder, const std::vector<std::string>& options) {
  const pid_t driver = fork();
  if (driver != 0) return driver;
  if (chdir(folder.path().c_str()) != 0) _exit(1);
  const int null = open("/dev/null", O_WRONLY);
  dup2(null, STDOUT_FILENO);
  std::vector<std::string> words = {NIBBLE_SIM, "sweep", "plan.cfg", "--out", "s", "-j", "1"};
  words.insert(words.end(), options.begin(), options.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execv(NIBBLE_SIM, arguments.data());
  _exit(1);
}

// Starts the study, with further options, stops its process when it has some rows and not yet all,
// calls `then` with it and lets it go on. Returns the exit code, or 128 + signal.
int RunUntil(const Folder& folder, size_t rows, const std::function<void(pid_t)>& then,
             const std::vector<std::string>& options = {}) {
  cli_test::WriteFile(folder / "plan.cfg", SmallPlan());
  int status = 0;
  for (;;) {
    const pid_t driver = StartDriver(folder, options);
    while (RowsOf(folder / "s/ledger.db") < rows) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    kill(driver, SIGSTOP);
    waitpid(driver, &status, WUNTRACED);
    const bool stopped = WIFSTOPPED(status);
    const bool early = stopped && RowsOf(folder / "s/ledger.db") < rows + 12;
    if (early) then(driver);
    kill(driver, early ? SIGCONT : SIGKILL);
    if (stopped) waitpid(driver, &status, 0);
    if (early) break;
    std::filesystem::remove_all(folder / "s");  // this process was held up: once more
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void Resumes(const Folder& folder) {
  const Result r = Sweep(folder, "plan.cfg --out s");
  INFO(r.err << r.out);
  CHECK(r.exit_code == 0);
  CHECK(ExportOf(folder, "s") == ReferenceExport());
}

TEST_CASE("sweep: kill -9 of the driver") {
  const Folder folder;
  CHECK(RunUntil(folder, 10, [](pid_t driver) { kill(driver, SIGKILL); }) == 128 + SIGKILL);
  const size_t rows = RowsOf(folder / "s/ledger.db");
  CHECK(rows >= 10);
  CHECK(rows < 30);
  const Result status = Sweep(folder, "status s");
  CHECK(status.exit_code == 5);
  CHECK_THAT(status.out,
             Contains("missing " + std::to_string(30 - rows)) && Contains("next: sim sweep run"));
  const Result run = Sweep(folder, "run s");  // as the message says
  CHECK(run.exit_code == 0);
  CHECK(ExportOf(folder, "s") == ReferenceExport());
}

TEST_CASE("sweep: Ctrl-C ends it in order") {
  const Folder folder;
  CHECK(RunUntil(folder, 10, [](pid_t driver) { kill(driver, SIGINT); }) == 130);
  CHECK(RowsOf(folder / "s/ledger.db") < 30);
  Resumes(folder);
}

TEST_CASE("sweep: a search that was killed goes on, and makes the same choices") {
  const Folder folder;
  const std::vector<std::string> options = {"--pareto=latency,energy", "--runs=24", "--seed=2"};
  const std::string command =
      "plan.cfg " + options[0] + ' ' + options[1] + ' ' + options[2] + " --out ";
  REQUIRE(Sweep(folder, command + "whole").exit_code == 0);
  const auto kill_it = [](pid_t driver) { kill(driver, SIGKILL); };
  CHECK(RunUntil(folder, 10, kill_it, options) == 128 + SIGKILL);
  CHECK_THAT(Sweep(folder, "status s").out, Contains("--pareto"));
  CHECK_THAT(Sweep(folder, "run s").err, Contains("--pareto"));
  const Result r = Sweep(folder, command + "s");
  INFO(r.err);
  CHECK(r.exit_code == 0);
  CHECK_THAT(r.out, Contains("24 points") && Contains("ledger.db: 24 rows"));
  CHECK(ExportOf(folder, "s") == ExportOf(folder, "whole"));
}

// Kills a process that runs a point: a child of the driver.
void KillChild(pid_t driver) {
  const std::string path =
      "/proc/" + std::to_string(driver) + "/task/" + std::to_string(driver) + "/children";
  for (int tries = 0; tries < 10000; ++tries) {
    pid_t child = 0;
    if (std::ifstream(path) >> child && kill(child, SIGKILL) == 0) return;
  }
  FAIL("the driver has no children");
}

TEST_CASE("sweep: kill -9 of a point's process is that point's error") {
  const Folder folder;
  int code = 0, tries = 0;
  // A process that had sent all when the signal came has done its work.
  for (; code != 5 && tries < 20; ++tries) {
    std::filesystem::remove_all(folder / "s");
    code = RunUntil(folder, 3, KillChild);
  }
  INFO(tries << " tries");
  CHECK(code == 5);
  const Result status = Sweep(folder, "status s");
  CHECK_THAT(status.out, Contains("failed 1, missing 0") &&
                             Contains("ended by signal 9 (Killed)") && Contains("next:"));
  CHECK_THAT(ExportOf(folder, "s"), Contains("failed,ended by signal 9 (Killed)"));
  Resumes(folder);
}

TEST_CASE("sweep: a full disk") {
  const Folder folder;
  // 300 blocks of 512 B; a row takes about 20 KB.
  const Result r = Sweep(folder, "plan.cfg --out s -j 2", "ulimit -f 300;");
  CHECK(r.exit_code == 5);
  CHECK_THAT(r.err, Contains("ledger.db") && Contains("make room"));
  const size_t rows = RowsOf(folder / "s/ledger.db");
  CHECK(rows > 0);
  CHECK(rows < 30);
  Resumes(folder);
}

TEST_CASE("sweep: a damaged shard") {
  const Folder folder;
  REQUIRE(Sweep(folder, "plan.cfg --out s --launcher print --shards 2").exit_code == 0);
  REQUIRE(Sweep(folder, "run s --shard 0/2").exit_code == 0);
  REQUIRE(Sweep(folder, "run s --shard 1/2").exit_code == 0);
  const std::string path = folder / "s/shards/1-of-2.db";
  std::string bytes = cli_test::ReadFile(path);
  bytes.resize(bytes.size() / 2);
  cli_test::WriteFile(path, bytes);
  const Result status = Sweep(folder, "status s");
  CHECK(status.exit_code == 5);
  CHECK_THAT(status.out, Contains("damaged") && Contains("next:"));
  const Result merge = Sweep(folder, "merge s");
  CHECK(merge.exit_code == 5);
  CHECK_THAT(merge.err, Contains("1-of-2.db") && Contains("rows could be read"));
  const Result again = Sweep(folder, "run s --shard 1/2");
  CHECK(again.exit_code == 0);
  CHECK_THAT(again.err, Contains("put aside as") && Contains("damaged-1"));
  REQUIRE(Sweep(folder, "merge s").exit_code == 0);
  CHECK(ExportOf(folder, "s") == ReferenceExport());
}

TEST_CASE("sweep: two drivers of one study") {
  const Folder folder;
  RunUntil(folder, 5, [&](pid_t driver) {
    const Result second = Sweep(folder, "run s");
    CHECK(second.exit_code == 2);
    CHECK_THAT(second.err, Contains("process " + std::to_string(driver)));
  });
  CHECK(ExportOf(folder, "s") == ReferenceExport());
}

}  // namespace
}  // namespace nibble::study_test
