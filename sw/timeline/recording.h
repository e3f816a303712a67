// What a run did, over time: a recorder that keeps everything, as spans on tracks and levels, for
// the two writers below.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/sim_core/recorder.h"

namespace nibble::timeline {

// [begin, end) in ps. Of a DRAM track: `count` bursts that followed each other without a gap, of a
// bank group those that took turns with the other groups'.
struct Span {
  uint64_t begin = 0, end = 0;
  std::string label;  // opcode, "wait CAUSE", "read", "write", "refresh", "all banks"
  int layer = -1, tile = -1;
  uint64_t count = 1;
  bool wait = false;  // an engine waits
};

struct Track {
  std::string group, name;  // "engines", "tensor"; "DRAM channel 0", "bank group 1"
  std::vector<Span> spans;  // in order of time, without overlap
};

// A value that holds until the next change.
struct Level {
  std::string group, name;
  std::vector<std::pair<uint64_t, uint64_t>> changes;  // (ps, value), in order of time
};

// An amount spread evenly over a span: scratchpad port cycles, DRAM bytes.
struct Flow {
  uint64_t begin = 0, end = 0;
  double amount = 0;
};

class Recording : public sim::Recorder {
 public:
  // `burst_bytes`: of the DRAM.
  explicit Recording(uint32_t burst_bytes) : burst_bytes_(burst_bytes) {}

  void Ran(sim::Engine engine, const sim::Command& command, uint64_t begin, uint64_t end) override;
  void Waited(sim::Engine engine, const sim::Command& command, const char* cause, uint64_t begin,
              uint64_t end) override;
  void Queued(sim::Engine engine, size_t words, uint64_t now) override;
  void Tokens(sim::Engine from, sim::Engine to, unsigned count, uint64_t now) override;
  void Fetched(uint64_t words, uint64_t begin, uint64_t end) override;
  void JobBegan(uint64_t now) override;
  void LayerEnded(size_t layer, uint64_t now) override;
  void Interrupt(bool level, uint64_t now) override;
  void SramUsed(const std::string& name, uint64_t port_cycles, uint64_t begin,
                uint64_t end) override;
  void DramBurst(uint32_t channel, uint32_t group, bool write, uint64_t begin, uint64_t end,
                 uint64_t group_begin, uint64_t group_end) override;
  void DramRefreshed(uint32_t channel, uint64_t begin, uint64_t end) override;
  void BanksOccupied(uint64_t begin, uint64_t end) override;

  // The run is over: puts DRAM spans in order of time and joins those that follow each other.
  void Finish();

  const std::vector<Track>& engines() const { return engines_; }  // fetch, then as they appear
  const std::vector<Track>& dram() const { return dram_; }        // channel by channel
  const std::vector<Level>& queues() const { return queues_; }
  const std::vector<Level>& tokens() const { return tokens_; }
  // Each from the end of the layer before, or the beginning of its job.
  const std::vector<Span>& layers() const { return layers_; }
  const Level& interrupt() const { return interrupt_; }
  const std::map<std::string, std::vector<Flow>>& srams() const { return srams_; }
  const std::vector<Flow>& dram_bytes() const { return dram_bytes_; }

 private:
  Track& Engine(const std::string& name);
  Track& DramTrack(uint32_t channel, const std::string& name);
  void Add(Track& track, Span span);

  uint32_t burst_bytes_;
  std::vector<Track> engines_, dram_;
  std::vector<Level> queues_, tokens_;
  std::vector<Span> layers_;
  Level interrupt_{"machine", "interrupt", {{0, 0}}};
  uint64_t layer_begin_ = 0;
  std::map<std::string, std::vector<Flow>> srams_;
  std::vector<Flow> dram_bytes_;
};

// What makes a trace readable: names of layers, and the length of a machine cycle.
struct Labels {
  std::vector<std::string> layers;
  uint64_t cycle_ps = 1000;
  std::string title;  // "mobilenet_v2 on accel"
};

// Chrome trace-event JSON, for Perfetto: a process "engines" with a thread an engine, one a DRAM
// channel with its data bus, bank groups and refreshes, and counters by microsecond.
std::string ToTraceEvents(const Recording& recording, const Labels& labels);

// Value change dump (IEEE 1364), time in ps: by engine `busy`, `stall`, `opcode`, `layer`, `queue`;
// tokens by pair of engines; by DRAM channel `busy` and `write`; `layers_done` of the job, and the
// `interrupt` line.
std::string ToVcd(const Recording& recording, const Labels& labels);

}  // namespace nibble::timeline
