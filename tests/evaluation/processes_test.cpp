// Work in processes is as work in one.
#include "sw/evaluation/processes.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <stdexcept>

#include "platforms/machine.h"
#include "sw/trace/file.h"

namespace nibble::evaluation {
namespace {

// What `done` is told for work that returns texts of many lengths, beyond those of a pipe among
// them.
std::string AllDone(int jobs, size_t count) {
  std::string all;
  size_t next = 0;
  ForEachInProcesses(
      jobs, count,
      [](size_t i) { return std::string(i * i * 100, static_cast<char>('a' + i % 26)); },
      [&](size_t i, const std::string& text) {
        REQUIRE(i == next++);
        all += std::to_string(i) + text;
      });
  CHECK(next == count);
  return all;
}

TEST_CASE("results come in order, whole, and the same from any number of processes") {
  for (const size_t count : {0u, 1u, 2u, 40u}) {
    const std::string one = AllDone(1, count);
    for (const int jobs : {2, 3, 7, 64}) CHECK(AllDone(jobs, count) == one);
  }
}

TEST_CASE("each index is worked on once, in a process of its own kind") {
  const pid_t self = getpid();
  int elsewhere = 0;
  ForEachInProcesses(
      3, 20, [&](size_t) { return std::to_string(getpid()); },
      [&](size_t, const std::string& pid) { elsewhere += pid != std::to_string(self) ? 1 : 0; });
  CHECK(elsewhere == 20);
}

TEST_CASE("what work throws arrives as what it was, after all results before it") {
  const auto fail_at_five = [](auto error) {
    return [error](size_t i) {
      if (i == 5) throw error;
      return std::string("x");
    };
  };
  for (const int jobs : {1, 3}) {
    CAPTURE(jobs);
    size_t done = 0;
    const auto count = [&](size_t, const std::string&) { ++done; };
    CHECK_THROWS_AS(ForEachInProcesses(jobs, 9, fail_at_five(trace::FileError("file")), count),
                    trace::FileError);
    CHECK(done == 5);
    CHECK_THROWS_AS(ForEachInProcesses(jobs, 9, fail_at_five(platforms::Interrupted()), count),
                    platforms::Interrupted);
    CHECK(done == 10);
    CHECK_THROWS_WITH(
        ForEachInProcesses(jobs, 9, fail_at_five(std::runtime_error("so it is")), count),
        "so it is");
    CHECK(done == 15);
  }
}

TEST_CASE("a worker that is killed is an error, not a wait for ever") {
  const auto killed = [](size_t i) {
    if (i == 3) (void)raise(SIGKILL);
    return std::string();
  };
  CHECK_THROWS_WITH(ForEachInProcesses(2, 8, killed, [](size_t, const std::string&) {}),
                    Catch::Contains("ended by signal 9"));
}

TEST_CASE("a stop ends the work") {
  for (const int jobs : {1, 3}) {
    std::atomic<bool> stop{false};
    size_t done = 0;
    CHECK_THROWS_AS(ForEachInProcesses(
                        jobs, 1000, [](size_t) { return std::string(); },
                        [&](size_t, const std::string&) { stop = ++done >= 4; }, &stop),
                    platforms::Interrupted);
    CHECK(done >= 4);
    CHECK(done < 1000);
  }
}

TEST_CASE("no jobs are refused") {
  CHECK_THROWS_AS(
      ForEachInProcesses(
          0, 1, [](size_t) { return std::string(); }, [](size_t, const std::string&) {}),
      std::invalid_argument);
}

}  // namespace
}  // namespace nibble::evaluation
