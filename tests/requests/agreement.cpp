// The controllers beside reference simulators, on the same requests with the same timings.
#include "sw/requests/agreement.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <set>

#include "sw/requests/patterns.h"

using namespace nibble;
using requests::Comparison;

namespace {

const std::string kSource = NIBBLE_SOURCE_DIR;

const std::vector<Comparison>& Comparisons() {
  static const std::vector<Comparison> comparisons =
      requests::Compare(kSource + "/tests/data/dram/references.json", kSource + "/platforms/dram");
  return comparisons;
}

// The closed forms of docs/memory.md: clocks a request.
double Law(const std::string& pattern, const std::string& mapping, const memory::DramDevice& d) {
  if (pattern == "row_conflict") return static_cast<double>(d.rc);
  if (pattern == "rand_read") {
    return std::max(static_cast<double>(d.rrd_s), static_cast<double>(d.faw) / 4);
  }
  if (pattern == "rand_serial") return static_cast<double>(d.rp + d.rcd + d.cl + d.burst);
  const bool one_group = mapping == "M1" && d.bank_groups > 1;
  return static_cast<double>(one_group || pattern == "mix_2r1w" ? 0 : d.burst);
}

}  // namespace

TEST_CASE("cycles and activates are within the bounds of the reference simulators") {
  // What is missed, and why: docs/memory.md, "What is missed". All of LPDDR4, for which there is
  // one reference run only, of a deeper look-ahead.
  const std::set<std::string> missed = {"M1 seq_read", "M1 seq_write", "M1 mix_2r1w",
                                        "M2 seq_write", "M2 mix_2r1w"};
  CHECK(Comparisons().size() == 4 * 2 * 6);
  for (const Comparison& c : Comparisons()) {
    CAPTURE(c.device, c.mapping, c.pattern, c.off, c.activates_off);
    const bool known =
        c.device == "lpddr4-3200-x16" && missed.count(c.mapping + " " + c.pattern) > 0;
    CHECK(c.within() == !known);
    CHECK(std::abs(c.off) < 0.07);
    CHECK(std::abs(c.activates_off) < 0.09);
  }
}

TEST_CASE("reads and writes are exact, and refreshes follow the time taken") {
  for (const Comparison& c : Comparisons()) {
    const memory::DramDevice d =
        memory::ReadDramDevice(kSource + "/platforms/dram/" + c.device + ".json");
    CAPTURE(c.device, c.mapping, c.pattern);
    const memory::DramCounters& n = c.ours.counters;
    for (const requests::Reference& r : c.references) {
      if (r.reads + r.writes == 0) continue;
      // One DRAMsim3 run stopped a read early.
      CHECK(n.reads >= r.reads);
      CHECK(n.reads <= r.reads + 1);
      CHECK(n.writes == r.writes);
    }
    CHECK(n.refreshes == c.ours.cycles / d.refi);
    CHECK(std::abs(c.refreshes_off) <= std::abs(c.off) + 0.02);
  }
}

TEST_CASE("patterns that one resource limits take that resource's time") {
  for (const Comparison& c : Comparisons()) {
    const memory::DramDevice d =
        memory::ReadDramDevice(kSource + "/platforms/dram/" + c.device + ".json");
    const double each = Law(c.pattern, c.mapping, d);
    if (each == 0) continue;
    const memory::DramCounters& n = c.ours.counters;
    const double law = static_cast<double>(n.reads + n.writes) * each /
                       (1 - static_cast<double>(d.rfc_ab) / static_cast<double>(d.refi));
    const double off = static_cast<double>(c.ours.cycles) / law - 1;
    CAPTURE(c.device, c.mapping, c.pattern, off);
    // Serial reads find some rows closed by refresh and save tRP. Random reads meet in banks and,
    // where commands take several clocks, on the command bus.
    CHECK(off > (c.pattern == "rand_serial" ? -0.05 : 0.0));
    CHECK(off < (c.pattern == "rand_read" ? 0.07 : 0.035));
  }
}

TEST_CASE("docs/memory.md has the table that sim memory --agreement prints") {
  std::ifstream file(kSource + "/docs/memory.md");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::string table = requests::Markdown(Comparisons());
  CHECK(table.size() > 48 * 60);
  CHECK(text.find(table) != std::string::npos);
}

TEST_CASE("patterns are those of the reference runs") {
  const memory::DramDevice d =
      memory::ReadDramDevice(kSource + "/platforms/dram/lpddr5-6400-x16.json");
  // First addresses that the generator of the reference runs printed.
  CHECK(requests::Pattern("seq_read", d)[2].address == 0x40);
  CHECK(requests::Pattern("seq_read", d).size() == 524288);
  CHECK(requests::Pattern("mix_2r1w", d)[2].write);
  CHECK_FALSE(requests::Pattern("mix_2r1w", d)[3].write);
  CHECK(requests::Pattern("row_conflict", d)[1].address == 0x8000);
  CHECK(requests::Pattern("rand_read", d)[0].address == 0x3d6dd2a0);
  CHECK(requests::Pattern("rand_read", d)[99999].address == 0x236b9d60);
  CHECK(requests::Pattern("rand_serial", d)[0].address == 0x29fdf100);
  CHECK(requests::Pattern("seq_read", d, 16).size() == 524288 / 16);
  CHECK_THROWS_WITH(requests::Pattern("zigzag", d), Catch::Contains("zigzag"));
}
