// The ledger: what was added is there, whatever became of the file since.
#include "sw/study/ledger.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <random>

#include "tests/cli/sim.h"

namespace nibble::study {
namespace {

using Catch::Matchers::Contains;
using cli_test::Folder;
using cli_test::ReadFile;
using cli_test::WriteFile;

Row MakeRow(int i, Status status = Status::kOk) {
  Row row;
  row.key = "key" + std::to_string(i);
  row.platform = i % 2 == 0 ? "accel" : "nearmem";
  row.status = status;
  row.error = status == Status::kOk ? "" : "why, \"quoted\"";
  row.parameters = "{\"tensor.rows\":\"" + std::to_string(i) + "\"}";
  row.totals = "{\"cycles\":" + std::to_string(i * 1000) + "}";
  std::mt19937 random(static_cast<uint32_t>(i));  // does not deflate to nothing
  for (int k = 0; k < 5000; ++k) row.report += static_cast<char>('a' + random() % 20);
  return row;
}

bool Same(const Row& a, const Row& b) {
  return a.key == b.key && a.platform == b.platform && a.status == b.status && a.error == b.error &&
         a.parameters == b.parameters && a.totals == b.totals && a.report == b.report;
}

std::map<std::string, Row> ReadAll(const std::string& path, Damage* damage = nullptr) {
  std::map<std::string, Row> rows;
  const Damage found =
      ForEachRow(path, Depth::kAll, [&](const Row& row, const Timing&) { rows[row.key] = row; });
  if (damage != nullptr) *damage = found;
  return rows;
}

void Fill(const std::string& path, int first, int last) {
  Ledger ledger(path);
  for (int i = first; i < last; ++i) ledger.Add(MakeRow(i), {1.5 * i, 1.0 * i, "host"});
}

TEST_CASE("rows come back as they were, and a row of the same key is replaced") {
  const Folder folder;
  const std::string path = folder / "l.db";
  Fill(path, 0, 5);
  {
    Ledger ledger(path);
    ledger.Add(MakeRow(3, Status::kRefused), {});
  }
  const auto rows = ReadAll(path);
  REQUIRE(rows.size() == 5);
  for (int i = 0; i < 5; ++i) {
    const Row expected = MakeRow(i, i == 3 ? Status::kRefused : Status::kOk);
    CHECK(Same(rows.at(expected.key), expected));
    CHECK(Same(*FindRow(path, expected.key), expected));
  }
  CHECK(FindRow(path, "key5") == nullptr);
  CHECK(ReadStatuses(folder / "none.db").empty());
}

TEST_CASE("a row is on disk when Add returns: kill -9 loses none") {
  const Folder folder;
  const std::string path = folder / "l.db";
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    Ledger ledger(path);
    for (int i = 0;; ++i) {
      ledger.Add(MakeRow(i), {});
      if (write(ends[1], "x", 1) != 1) _exit(1);
    }
  }
  char byte = 0;
  size_t told = 0;
  for (; told < 20; ++told) REQUIRE(read(ends[0], &byte, 1) == 1);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(ends[1]);
  while (read(ends[0], &byte, 1) == 1) ++told;
  close(ends[0]);
  Damage damage;
  CHECK(ReadAll(path, &damage).size() >= told);
  CHECK(damage.why.empty());
  Fill(path, 1000, 1001);  // and it can be written on
  CHECK(ReadAll(path).size() >= told + 1);
}

TEST_CASE("one process at a time writes a ledger, and any may read it") {
  const Folder folder;
  const std::string path = folder / "l.db";
  Ledger ledger(path);
  ledger.Add(MakeRow(0), {});
  const pid_t child = fork();
  if (child == 0) {
    try {
      if (ReadAll(path).size() != 1) _exit(2);
      const Ledger second(path);
    } catch (const LockError& error) {
      _exit(std::string(error.what()).find(std::to_string(getppid())) == std::string::npos ? 3 : 0);
    }
    _exit(4);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a full disk is an error that keeps the rows before it") {
  const Folder folder;
  const std::string path = folder / "l.db";
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {100000, 100000};  // B; rows are about 3 KB, deflated
    setrlimit(RLIMIT_FSIZE, &limit);
    int added = 0;
    try {
      Ledger ledger(path);
      for (; added < 1000; ++added) ledger.Add(MakeRow(added), {});
    } catch (const DatabaseError& error) {
      _exit(error.is_full() ? added : 255);
    }
    _exit(254);
  }
  int status = 0;
  waitpid(child, &status, 0);
  const int added = WEXITSTATUS(status);
  CHECK(added > 10);
  REQUIRE(added < 200);
  CHECK(ReadAll(path).size() == static_cast<size_t>(added));
  Fill(path, added, added + 5);
  CHECK(ReadAll(path).size() == static_cast<size_t>(added) + 5);
}

TEST_CASE("damage: what can be read is kept, and what is kept is right") {
  const Folder folder;
  const std::string path = folder / "l.db";
  Fill(path, 0, 40);
  const std::string good = ReadFile(path);
  REQUIRE(good.size() > 100000);
  std::mt19937 random(7);
  size_t salvaged = 0;
  for (int round = 0; round < 30; ++round) {
    std::string bad = good;
    switch (round % 3) {
      case 0:  // a page of zeros, past the first, which holds the tables
        bad.replace(4096 * (1 + random() % (good.size() / 4096 - 1)), 4096, 4096, '\0');
        break;
      case 1:  // cut
        bad.resize(random() % good.size());
        break;
      default:  // a flipped bit
        bad[random() % good.size()] ^= static_cast<char>(1 << (random() % 8));
    }
    WriteFile(path, bad);
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      if (entry.path().string() != path) std::filesystem::remove(entry.path());
    }
    INFO("round " << round);
    Damage damage;
    const Ledger ledger(path, &damage);
    Damage after;
    const auto rows = ReadAll(path, &after);
    CHECK(after.why.empty());
    for (const auto& [key, row] : rows) CHECK(Same(row, MakeRow(std::stoi(key.substr(3)))));
    if (rows.size() < 40 && !bad.empty()) {
      CHECK_THAT(damage.why, Contains("damaged-1"));
      CHECK(ReadFile(path + ".damaged-1") == bad);
    }
    salvaged += rows.size();
  }
  CHECK(salvaged > 30 * 40 / 2);  // most damage is to a row or two
}

TEST_CASE("merging is idempotent, in any order, and an ok row stays") {
  const Folder folder;
  Fill(folder / "a.db", 0, 10);
  Fill(folder / "b.db", 5, 15);
  {
    Ledger ledger(folder / "b.db");
    ledger.Add(MakeRow(2, Status::kFailed), {});   // ok in a
    ledger.Add(MakeRow(20, Status::kFailed), {});  // nowhere else
  }
  std::map<std::string, Row> first;
  for (const auto& order : {std::vector<const char*>{"a.db", "b.db"}, {"b.db", "a.db", "b.db"}}) {
    const std::string path = folder / (std::string("to") + order.front());
    for (int round = 0; round < 2; ++round) {
      Ledger ledger(path);
      CHECK(ledger.statuses() == ReadStatuses(path));
      for (const char* from : order) CHECK(MergeInto(ledger, folder / from).why.empty());
      CHECK(ledger.statuses() == ReadStatuses(path));
    }
    const auto rows = ReadAll(path);
    CHECK(rows.size() == 16);
    CHECK(rows.at("key2").status == Status::kOk);
    CHECK(rows.at("key20").status == Status::kFailed);
    if (first.empty()) first = rows;
    for (const auto& [key, row] : rows) CHECK(Same(row, first.at(key)));
  }
}

}  // namespace
}  // namespace nibble::study
