// One process a piece of work: what ends one, ends no other.
#include "sw/study/own_process.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <map>
#include <set>

#include "platforms/machine.h"

namespace nibble::study {
namespace {

std::map<size_t, ProcessResult> RunAll(int jobs, size_t count,
                                       const std::function<std::string(size_t)>& work) {
  std::map<size_t, ProcessResult> results;
  ForEachInOwnProcess(
      jobs, count, work,
      [&](size_t i, const ProcessResult& result) { CHECK(results.emplace(i, result).second); },
      nullptr);
  return results;
}

TEST_CASE("every piece of work ends in a process of its own, whatever it returns") {
  for (const int jobs : {1, 3}) {
    const auto results = RunAll(jobs, 20, [](size_t i) {
      return std::to_string(getpid()) + ' ' + std::string(i * 50000, static_cast<char>(i));
    });
    REQUIRE(results.size() == 20);
    std::set<int> processes;
    for (const auto& [i, result] : results) {
      CHECK(result.ended.empty());
      const size_t blank = result.bytes.find(' ');
      processes.insert(std::stoi(result.bytes.substr(0, blank)));
      CHECK(result.bytes.substr(blank + 1) == std::string(i * 50000, static_cast<char>(i)));
    }
    CHECK(processes.size() == 20);
    CHECK(processes.count(getpid()) == 0);
  }
}

TEST_CASE("a crash, a kill, an exit and an exception are told, and the others go on") {
  const auto results = RunAll(2, 6, [](size_t i) -> std::string {
    if (i == 1) std::raise(SIGKILL);
    if (i == 2) _exit(7);
    if (i == 3) throw std::runtime_error("no");
    if (i == 4) std::raise(SIGTERM);
    return "done";
  });
  REQUIRE(results.size() == 6);
  CHECK(results.at(0).bytes == "done");
  CHECK(results.at(1).ended == "ended by signal 9 (Killed)");
  CHECK(results.at(2).ended == "ended with exit code 7");
  CHECK(results.at(3).ended == "ended with exit code 1");
  CHECK(results.at(4).ended == "ended by signal 15 (Terminated)");
  CHECK(results.at(5).bytes == "done");
}

TEST_CASE("work is stopped when it is asked to, and when its taker throws") {
  std::atomic<bool> stop{false};
  size_t done = 0;
  const auto forever = [](size_t i) {
    if (i > 0) pause();
    return std::string();
  };
  CHECK_THROWS_AS(ForEachInOwnProcess(
                      2, 5, forever,
                      [&](size_t, const ProcessResult&) {
                        ++done;
                        stop = true;
                      },
                      &stop),
                  platforms::Interrupted);
  CHECK(done == 1);
  CHECK_THROWS_WITH(
      ForEachInOwnProcess(
          2, 5, forever, [](size_t, const ProcessResult&) { throw std::runtime_error("full"); },
          nullptr),
      "full");
}

}  // namespace
}  // namespace nibble::study
