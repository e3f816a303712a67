#include "models/memory/bus_schedule.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

using namespace nibble::memory;

namespace {

BusConfig Config(uint32_t width, Arbitration arbitration) {
  BusConfig config;
  config.width = width;
  config.arbitration = arbitration;
  return config;
}

}  // namespace

TEST_CASE("transfers of one master follow each other at the bus's width") {
  for (const Arbitration a : {Arbitration::kRoundRobin, Arbitration::kPriority}) {
    BusSchedule bus(Config(16, a), 1000, 3);
    CHECK(bus.Place(1, 0, 160).end_ps == 10000);
    CHECK(bus.Place(1, 0, 161).end_ps == 21000);
    const auto third = bus.Place(1, 5000, 16);
    CHECK(third.end_ps == 22000);
    CHECK(third.move_ps == 1000);
    CHECK(third.wait_ps == 16000);
    CHECK(bus.Place(1, 50500, 16).end_ps == 52000);  // idle since; begins with a bus cycle
    CHECK(bus.Place(1, 50500, 16).wait_ps == 1500);
  }
}

TEST_CASE("a slower bus clock and a narrower bus take longer in proportion") {
  for (const uint64_t cycle : {500, 1000, 2000}) {
    for (const uint32_t width : {8u, 64u}) {
      BusSchedule bus(Config(width, Arbitration::kRoundRobin), cycle, 1);
      CHECK(bus.Place(0, 0, 4096).end_ps == 4096 / width * cycle);
    }
  }
}

TEST_CASE("two masters with work share the bus, or the first has it") {
  BusSchedule fair(Config(64, Arbitration::kRoundRobin), 1, 3);
  CHECK(fair.Place(1, 0, 6400).end_ps == 100);
  CHECK(fair.Place(2, 0, 6400).end_ps == 200);  // both by halves until the end
  CHECK(fair.Place(0, 0, 640).end_ps == 30);    // three in turn
  BusSchedule strict(Config(64, Arbitration::kPriority), 1, 3);
  CHECK(strict.Place(2, 0, 6400).end_ps == 100);
  CHECK(strict.Place(1, 10, 640).end_ps == 20);   // passes
  CHECK(strict.Place(2, 20, 640).end_ps == 120);  // behind all of it: 100 + 10 + 10
  CHECK(strict.Place(0, 119, 64).end_ps == 120);
}

namespace {

// Masters' work moved cycle by cycle.
struct CycleByCycle {
  Arbitration arbitration;
  std::vector<uint64_t> work = std::vector<uint64_t>(3);
  size_t turn = 0;

  void Step() {
    for (size_t i = 0; i < 3; ++i) {
      const size_t master = arbitration == Arbitration::kPriority ? i : (turn + i) % 3;
      if (work[master] == 0) continue;
      --work[master];
      turn = (master + 1) % 3;
      return;
    }
  }
  uint64_t CyclesUntilDone(size_t master) const {
    CycleByCycle later = *this;
    uint64_t cycles = 0;
    for (; later.work[master] > 0; ++cycles) later.Step();
    return cycles;
  }
};

}  // namespace

TEST_CASE("transfers end when a simulation cycle by cycle says so") {
  std::mt19937 random(3);
  for (const Arbitration a : {Arbitration::kRoundRobin, Arbitration::kPriority}) {
    for (int round = 0; round < 300; ++round) {
      BusSchedule bus(Config(1, a), 1, 3);
      CycleByCycle expected{a};
      uint64_t now = 0;
      for (int i = 0; i < 6; ++i) {
        for (uint64_t pass = random() % 30; pass > 0; --pass, ++now) expected.Step();
        const size_t master = random() % 3;
        const uint64_t bytes = 1 + random() % 40;
        expected.work[master] += bytes;
        const auto transfer = bus.Place(master, now, bytes);
        const uint64_t end = now + expected.CyclesUntilDone(master);
        REQUIRE(transfer.end_ps == now + transfer.move_ps + transfer.wait_ps);
        // Whose turn comes first in a round is not modelled: a cycle a master, and once a call.
        const uint64_t slack = a == Arbitration::kPriority ? 0 : 3 + static_cast<uint64_t>(i);
        REQUIRE(transfer.end_ps + slack >= end);
        REQUIRE(transfer.end_ps <= end + slack);
      }
      // Nothing is lost: the last to move ends when all bytes have moved.
      uint64_t left = 0;
      for (const uint64_t w : expected.work) left += w;
      if (a == Arbitration::kPriority) {
        CHECK(bus.Place(2, now, 1).end_ps == now + left + 1);
      }
    }
  }
}
