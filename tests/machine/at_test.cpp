// The DRAM of a run of each committed trace, played again through the clocked four-phase reference,
// in which the bursts of transactions that overlap in time take turns.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>

#include "models/memory/dram_at.h"
#include "platforms/machine.h"
#include "sw/lowering/lowering.h"
#include "sw/trace/file.h"
#include "tests/memory/at_initiator.h"

namespace nibble::test {
namespace {

using memory::AtInitiator;
using memory::AtTransaction;
using memory::DramAt;
using memory::DramTransaction;

// The transactions of a run. Each follows the last of its initiator's that had ended when it began,
// by as many clocks as it did in the run; so that an initiator slows down when the memory does.
std::vector<AtTransaction> Work(const std::vector<DramTransaction>& log,
                                const sim::Program& program, const memory::DramMapping& mapping,
                                uint32_t channels, uint64_t burst) {
  std::vector<AtTransaction> work;
  const uint64_t commands = program.commands_address;
  const uint64_t commands_end = commands + program.commands.size() * sim::kCommandBytes;
  std::vector<size_t> before[3];  // of fetch, load and store: the last few
  for (size_t i = 0; i < log.size(); ++i) {
    const DramTransaction& t = log[i];
    AtTransaction mine;
    mine.start = t.start;
    mine.bursts.resize(channels);
    for (uint32_t row = 0; row < t.rows; ++row) {
      const uint64_t address = t.address + uint64_t{row} * t.stride;
      for (uint64_t b = address / burst; b <= (address + t.row_bytes - 1) / burst; ++b) {
        mine.bursts[mapping.Locate(b * burst).channel].push_back({b * burst, t.write});
      }
    }
    const bool fetch = t.address >= commands && t.address < commands_end;
    std::vector<size_t>& own = before[t.write ? 2 : (fetch ? 0 : 1)];
    for (auto j = own.rbegin(); j != own.rend(); ++j) {
      if (log[*j].end > t.start) continue;
      mine.after = static_cast<int64_t>(*j);
      mine.start = t.start - log[*j].end;
      break;
    }
    own.push_back(i);
    work.push_back(std::move(mine));
  }
  return work;
}

struct Replay {
  std::string trace;
  platforms::DesignPoint design;
  std::vector<DramTransaction> log;
  std::vector<std::unique_ptr<DramAt>> targets;
  std::unique_ptr<AtInitiator> initiator;
};

std::unique_ptr<Replay> MakeReplay(const std::string& name, const std::string& device) {
  auto replay = std::make_unique<Replay>();
  replay->trace = name + " " + device;
  const trace::Network net =
      trace::Read(std::string(NIBBLE_SOURCE_DIR) + "/traces/" + name + ".trc", false);
  const platforms::DesignPoint& design = replay->design =
      platforms::Resolve(platforms::Platform::kAccel, "", {"dram.device=" + device});
  const sim::Program program = lowering::Lower(net, design, {false});
  platforms::RunOptions options;
  options.timing_only = true;
  options.memory_log = &replay->log;
  platforms::Run(design, program, options);

  const memory::DramMapping mapping(design.dram, design.dram_channels, design.dram_mapping);
  const std::string id = name + "_" + device;
  replay->initiator = std::make_unique<AtInitiator>(
      (id + "_initiator").c_str(),
      Work(replay->log, program, mapping, design.dram_channels, design.dram.burst_bytes),
      design.dram_channels, design.dram.tck_ps, 0);
  for (uint32_t c = 0; c < design.dram_channels; ++c) {
    const std::string channel = id + "_dram" + std::to_string(c);
    replay->targets.push_back(
        std::make_unique<DramAt>(channel.c_str(), design.dram, design.dram_config, mapping, c));
    replay->initiator->sockets[c]->bind(replay->targets.back()->socket);
  }
  return replay;
}

std::vector<std::string> CommittedTraces() {
  std::vector<std::string> names;
  for (const auto& file :
       std::filesystem::directory_iterator(std::string(NIBBLE_SOURCE_DIR) + "/traces")) {
    if (file.path().extension() == ".trc") names.push_back(file.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

TEST_CASE("runs of the committed traces take the clocks of the four-phase reference") {
  std::vector<std::unique_ptr<Replay>> replays;
  for (const std::string& name : CommittedTraces()) {
    replays.push_back(MakeReplay(name, "lpddr5-6400-x16"));
  }
  for (const char* device : {"lpddr4-3200-x16", "hbm2-2000-pch"}) {
    replays.push_back(MakeReplay("mobilenet_v2", device));
  }
  sc_core::sc_start();
  for (const auto& replay : replays) {
    const std::vector<DramTransaction>& log = replay->log;
    REQUIRE(log.size() > 1000);
    double ours = 0, theirs = 0;  // time of all transactions
    uint64_t our_end = 0, their_end = 0;
    const auto& played = replay->initiator->transactions;
    for (size_t i = 0; i < log.size(); ++i) {
      ours += static_cast<double>(log[i].end - log[i].start);
      const AtTransaction& t = played[i];
      const uint64_t start = t.start + (t.after < 0 ? 0 : played[static_cast<size_t>(t.after)].end);
      REQUIRE(t.end > start);
      theirs += static_cast<double>(t.end - start);
      our_end = std::max(our_end, log[i].end);
      their_end = std::max(their_end, t.end);
    }
    const double time = ours / theirs - 1;
    const double end = static_cast<double>(our_end) / static_cast<double>(their_end) - 1;
    CAPTURE(replay->trace, log.size(), ours, theirs, time, our_end, their_end, end);
    // Found: -3.6 to +1.3 %, and -19.4 to -0.5 %: of two transactions that overlap, the reference
    // serves bursts in turn and both end late; the machine serves the first, then the second.
    CHECK(std::abs(end) < 0.05);
    CHECK(std::abs(time) < 0.25);
  }
}

}  // namespace
}  // namespace nibble::test
