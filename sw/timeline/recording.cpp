#include "sw/timeline/recording.h"

#include <algorithm>

namespace nibble::timeline {

namespace {

// In order of time; what follows without a gap, or overlaps (refreshes of several banks, turns of a
// bank group), and says the same, becomes one span; what says another thing ends the one before.
void Join(std::vector<Span>& spans) {
  std::stable_sort(spans.begin(), spans.end(),
                   [](const Span& a, const Span& b) { return a.begin < b.begin; });
  std::vector<Span> joined;
  for (Span& span : spans) {
    if (!joined.empty() && joined.back().label == span.label && span.begin <= joined.back().end) {
      joined.back().end = std::max(joined.back().end, span.end);
      joined.back().count += span.count;
    } else {
      if (!joined.empty()) joined.back().end = std::min(joined.back().end, span.begin);
      joined.push_back(std::move(span));
    }
  }
  spans = std::move(joined);
}

Level& LevelOf(std::vector<Level>& levels, const char* group, const std::string& name) {
  for (Level& level : levels) {
    if (level.name == name) return level;
  }
  return levels.emplace_back(Level{group, name, {{0, 0}}});
}

// Of several changes at one time the last counts.
void Change(Level& level, uint64_t now, uint64_t value) {
  if (level.changes.back().first == now) {
    level.changes.back().second = value;
  } else {
    level.changes.emplace_back(now, value);
  }
}

}  // namespace

Track& Recording::Engine(const std::string& name) {
  for (Track& track : engines_) {
    if (track.name == name) return track;
  }
  return engines_.emplace_back(Track{"engines", name, {}});
}

Track& Recording::DramTrack(uint32_t channel, const std::string& name) {
  const std::string group = "DRAM channel " + std::to_string(channel);
  for (Track& track : dram_) {
    if (track.group == group && track.name == name) return track;
  }
  return dram_.emplace_back(Track{group, name, {}});
}

void Recording::Add(Track& track, Span span) {
  if (span.end == span.begin) return;
  track.spans.push_back(std::move(span));
}

void Recording::Ran(sim::Engine engine, const sim::Command& command, uint64_t begin, uint64_t end) {
  Add(Engine(sim::EngineName(engine)),
      {begin, end, sim::OpcodeName(command.opcode), command.layer, command.tile, 1, false});
}

void Recording::Waited(sim::Engine engine, const sim::Command& command, const char* cause,
                       uint64_t begin, uint64_t end) {
  Add(Engine(sim::EngineName(engine)),
      {begin, end, std::string("wait ") + cause, command.layer, command.tile, 1, true});
}

void Recording::Queued(sim::Engine engine, size_t words, uint64_t now) {
  Change(LevelOf(queues_, "queues", sim::EngineName(engine)), now, words);
}

void Recording::Tokens(sim::Engine from, sim::Engine to, unsigned count, uint64_t now) {
  const std::string name = std::string(sim::EngineName(from)) + "_to_" + sim::EngineName(to);
  Change(LevelOf(tokens_, "tokens", name), now, count);
}

void Recording::Fetched(uint64_t words, uint64_t begin, uint64_t end) {
  Add(Engine("fetch"), {begin, end, "FETCH", -1, -1, words, false});
}

void Recording::JobBegan(uint64_t now) { layer_begin_ = now; }

void Recording::LayerEnded(size_t layer, uint64_t now) {
  layers_.push_back({layer_begin_, now, "layer", static_cast<int>(layer), -1, 1, false});
  layer_begin_ = now;
}

void Recording::Interrupt(bool level, uint64_t now) { Change(interrupt_, now, level ? 1 : 0); }

void Recording::SramUsed(const std::string& name, uint64_t port_cycles, uint64_t begin,
                         uint64_t end) {
  srams_[name].push_back({begin, end, static_cast<double>(port_cycles)});
}

void Recording::DramBurst(uint32_t channel, uint32_t group, bool write, uint64_t begin,
                          uint64_t end, uint64_t group_begin, uint64_t group_end) {
  const char* const label = write ? "write" : "read";
  Add(DramTrack(channel, "data bus"), {begin, end, label, -1, -1, 1, false});
  Add(DramTrack(channel, "bank group " + std::to_string(group)),
      {group_begin, group_end, label, -1, -1, 1, false});
  dram_bytes_.push_back({begin, end, static_cast<double>(burst_bytes_)});
}

void Recording::DramRefreshed(uint32_t channel, uint64_t begin, uint64_t end) {
  Add(DramTrack(channel, "refresh"), {begin, end, "refresh", -1, -1, 1, false});
}

void Recording::BanksOccupied(uint64_t begin, uint64_t end) {
  uint32_t channels = 0;
  for (const Track& track : dram_) channels += track.name == "data bus" ? 1 : 0;
  for (uint32_t c = 0; c < channels; ++c) {
    Add(DramTrack(c, "all banks"), {begin, end, "all banks", -1, -1, 1, false});
  }
}

void Recording::Finish() {
  for (Track& track : dram_) Join(track.spans);
  std::stable_sort(dram_.begin(), dram_.end(), [](const Track& a, const Track& b) {
    const auto rank = [](const Track& t) {
      return t.name == "data bus" ? 0 : t.name == "all banks" ? 1 : t.name == "refresh" ? 3 : 2;
    };
    if (a.group != b.group) return a.group < b.group;
    return rank(a) != rank(b) ? rank(a) < rank(b) : a.name < b.name;
  });
}

}  // namespace nibble::timeline
