// The controllers beside the clocked four-phase reference, which shares no code with them, on the
// same streams.
#include <catch2/catch.hpp>
#include <deque>

#include "models/memory/dram_at.h"
#include "sw/requests/patterns.h"
#include "tests/memory/at_initiator.h"
#include "tests/memory/devices.h"

using namespace nibble;
using memory::AtInitiator;
using memory::AtTransaction;
using memory::DramAt;
using memory::MemoryRequest;

namespace {

struct Stream {
  std::string device, mapping, name;
  uint32_t outstanding = 0;
  std::vector<MemoryRequest> requests;
};

// The reference patterns, shortened, and others: strides, tiles, bursts of writes, hot rows.
std::vector<Stream> Streams() {
  std::vector<Stream> streams;
  for (const char* device : memory::kDevices) {
    const memory::DramDevice d = memory::ReadDramDevice(memory::DevicePath(device));
    for (const char* mapping : {"M1", "M2"}) {
      const auto add = [&](const std::string& name, std::vector<MemoryRequest> requests,
                           uint32_t outstanding = 0) {
        streams.push_back({device, mapping, name, outstanding, std::move(requests)});
      };
      for (const std::string& name : requests::PatternNames()) {
        const bool serial = name == "rand_serial";
        std::vector<MemoryRequest> requests = requests::Pattern(name, d);
        requests.resize(serial ? 500 : 4000);
        add(name, requests, serial ? 1 : 0);
      }
      const uint64_t burst = d.burst_bytes;
      std::vector<MemoryRequest> stride, tile, bursts, hot, two;
      for (uint64_t i = 0; i < 4000; ++i) {
        stride.push_back({i * 7 * burst, false});
        tile.push_back({(i / 8 % 64 * 512 + i % 8 + i / 512 * 8) * burst, false});
        bursts.push_back({i * burst, i / 100 % 3 == 2});
        const uint64_t row = i % 5 == 4 ? i / 5 % 3 : 0;
        hot.push_back({row * d.row_bytes * d.banks() + i % d.columns() * burst, i % 16 == 7});
        two.push_back({(i / 2 + (i % 2) * 100000) * burst, i % 2 == 1});
      }
      add("stride", stride);
      add("tile", tile);
      add("bursts of writes", bursts);
      add("hot rows", hot);
      add("read and write streams", two);
    }
  }
  return streams;
}

}  // namespace

TEST_CASE("controllers take the clocks of a clocked four-phase reference") {
  struct Run {
    Stream stream;
    std::unique_ptr<AtInitiator> initiator;
    std::unique_ptr<DramAt> target;
  };
  std::deque<Run> runs;
  for (Stream& stream : Streams()) {
    const memory::DramDevice d = memory::ReadDramDevice(memory::DevicePath(stream.device));
    const memory::DramMapping mapping(d, 1, requests::NamedMapping(stream.mapping, d));
    Run& run = runs.emplace_back();
    run.stream = std::move(stream);
    AtTransaction all;
    all.bursts.resize(1);
    for (const MemoryRequest& r : run.stream.requests) {
      all.bursts[0].push_back({r.address, r.write});
    }
    const std::string name = "run" + std::to_string(runs.size());
    run.target =
        std::make_unique<DramAt>((name + "_dram").c_str(), d, memory::DramConfig(), mapping, 0);
    run.initiator = std::make_unique<AtInitiator>((name + "_initiator").c_str(),
                                                  std::vector<AtTransaction>{all}, 1, d.tck_ps,
                                                  run.stream.outstanding);
    run.initiator->sockets[0]->bind(run.target->socket);
  }
  sc_core::sc_start();
  for (const Run& run : runs) {
    const Stream& s = run.stream;
    const memory::DramDevice d = memory::ReadDramDevice(memory::DevicePath(s.device));
    memory::Dram dram(d, 1, requests::NamedMapping(s.mapping, d), 1);
    const memory::RequestRunResult ours = memory::RunRequests(dram, s.requests, s.outstanding);
    const memory::DramCounters& theirs = run.target->counters();
    const auto reference = static_cast<double>(run.initiator->transactions[0].end);
    const double off = static_cast<double>(ours.cycles) / reference - 1;
    CAPTURE(s.device, s.mapping, s.name, ours.cycles, reference, off);
    CHECK(std::abs(off) < 0.015);
    CHECK(ours.counters.reads == theirs.reads);
    CHECK(ours.counters.writes == theirs.writes);
    CHECK(static_cast<double>(ours.counters.activates) ==
          Approx(static_cast<double>(theirs.activates)).epsilon(0.05).margin(20));
  }
}
