#include "models/memory/sram_ports.h"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "models/memory/sram.h"

using namespace nibble;
using memory::Sram;
using memory::SramConfig;
using memory::SramPort;

namespace {

struct Span {
  uint64_t begin, end, cycles;
};

// The run of the tensor unit, cycle by cycle: whoever comes first has the port in the cycles in
// which its evenly spread accesses fall due; the run takes every other one.
uint64_t CycleByCycle(const std::vector<Span>& others, uint64_t begin, uint64_t span,
                      uint64_t need) {
  uint64_t left = need, backlog = 0;
  for (uint64_t t = begin;; ++t) {
    if (left == 0 && t >= begin + span) return t;
    for (const Span& o : others) {
      if (t < o.begin || t >= o.end) continue;
      const uint64_t length = o.end - o.begin;
      backlog += o.cycles * (t + 1 - o.begin) / length - o.cycles * (t - o.begin) / length;
    }
    if (backlog > 0) {
      --backlog;
    } else if (left > 0) {
      --left;
    }
  }
}

// The same by the closed form, as the engines use it.
uint64_t ByClosedForm(const std::vector<Span>& others, uint64_t begin, uint64_t span,
                      uint64_t need) {
  SramConfig config{1 << 16, 1, 16};
  Sram sram("act", config, 1, false);
  // At most two spans of a user at a time; users in turn.
  for (size_t i = 0; i < others.size(); ++i) {
    const auto user = static_cast<SramPort::User>(i % 3);
    sram.Use(user, others[i].begin, others[i].end, 0, others[i].cycles);
  }
  const Sram::Share taken = sram.Taken(SramPort::kTensor, begin);
  uint64_t now = begin + span;
  while (const uint64_t behind = sram.Behind(SramPort::kTensor, begin, now, {need, 0}, taken)) {
    now += behind;
  }
  return now;
}

}  // namespace

TEST_CASE("a run without company takes its own time") {
  CHECK(ByClosedForm({}, 100, 50, 50) == 150);
  CHECK(ByClosedForm({{0, 90, 90}}, 100, 50, 50) == 150);      // over before
  CHECK(ByClosedForm({{200, 290, 90}}, 100, 50, 50) == 150);   // begins afterwards
  CHECK(ByClosedForm({{100, 150, 25}}, 100, 50, 25) == 150);   // room for both
  CHECK(ByClosedForm({{100, 150, 25}}, 100, 50, 50) == 175);   // both want it: the rest behind
  CHECK(ByClosedForm({{100, 200, 100}}, 100, 50, 10) == 210);  // saturated
}

TEST_CASE("port conflicts are those of a simulation cycle by cycle") {
  std::mt19937 random(2);
  for (int i = 0; i < 5000; ++i) {
    const uint64_t begin = 1000, span = 1 + random() % 200, need = 1 + random() % span;
    std::vector<Span> others;
    for (uint32_t n = random() % 4; n > 0; --n) {
      const uint64_t from = begin - 100 + random() % 300, length = 1 + random() % 200;
      others.push_back({from, from + length, random() % (length / 3 + 1)});
    }
    const uint64_t expected = CycleByCycle(others, begin, span, need);
    const uint64_t actual = ByClosedForm(others, begin, span, need);
    INFO(span << " " << need << " " << others.size());
    // Shares of a cycle are rounded, once for each span.
    REQUIRE(actual + others.size() >= expected);
    REQUIRE(actual <= expected + others.size());
    if (others.empty()) REQUIRE(actual == begin + span);
  }
}

TEST_CASE("users are served in the order of their priority") {
  Sram sram("acc", {1 << 16, 1, 16}, 1, false);
  sram.Use(SramPort::kVector, 0, 100, 40, 0);
  sram.Use(SramPort::kTensor, 0, 100, 0, 80);
  CHECK(sram.Behind(SramPort::kVector, 0, 100, {40, 0}, {}) == 0);
  CHECK(sram.Behind(SramPort::kTensor, 0, 100, {0, 80}, {}) == 20);
  SramConfig two{1 << 16, 1, 16};
  two.ports = 2;
  Sram dual("acc", two, 1, false);
  dual.Use(SramPort::kVector, 0, 100, 40, 0);
  CHECK(dual.Behind(SramPort::kTensor, 0, 100, {0, 80}, {}) == 0);   // another port
  CHECK(dual.Behind(SramPort::kTensor, 0, 100, {80, 0}, {}) == 20);  // the same
}
