// Sees what a machine does, as it does it: for timelines and waveforms. Nothing that a recorder
// does comes back to the machine, whose results are the same with and without one. Where there is
// none (null), an event costs a comparison.
#pragma once

#include <cstdint>
#include <string>

#include "models/sim_core/command.h"

namespace nibble::sim {

class Recorder {
 public:
  Recorder() = default;
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  virtual ~Recorder() = default;

  // All times are ps of machine time (clock.h), of what has passed: spans are [begin, end). Those
  // of an engine come in order of time; those of DRAM need not.

  // `engine` executed `command`: what it counts as busy_cycles.
  virtual void Ran(Engine engine, const Command& command, uint64_t begin, uint64_t end) = 0;
  // `engine` could not begin `command`: for want of the word itself (`cause` "fetch"), or of a
  // token of the engine `cause`.
  virtual void Waited(Engine engine, const Command& command, const char* cause, uint64_t begin,
                      uint64_t end) = 0;
  // `words` lie in the engine's queue from now on, `count` tokens in a channel.
  virtual void Queued(Engine engine, size_t words, uint64_t now) = 0;
  virtual void Tokens(Engine from, Engine to, unsigned count, uint64_t now) = 0;
  // The command processor waited for words from DRAM.
  virtual void Fetched(uint64_t words, uint64_t begin, uint64_t end) = 0;
  virtual void JobBegan(uint64_t now) = 0;
  virtual void LayerEnded(size_t layer, uint64_t now) = 0;
  virtual void Interrupt(bool level, uint64_t now) = 0;  // the line to the host
  // So many port cycles of scratchpad `name` were taken, spread evenly over the span.
  virtual void SramUsed(const std::string& name, uint64_t port_cycles, uint64_t begin,
                        uint64_t end) = 0;
  // One burst: the data on the channel's bus, and the turn of its bank group, from the column
  // command until that group is due again when all take turns. `group` counts through the ranks.
  virtual void DramBurst(uint32_t channel, uint32_t group, bool write, uint64_t begin, uint64_t end,
                         uint64_t group_begin, uint64_t group_end) = 0;
  virtual void DramRefreshed(uint32_t channel, uint64_t begin, uint64_t end) = 0;
  // All banks of all channels worked near the memory.
  virtual void BanksOccupied(uint64_t begin, uint64_t end) = 0;
};

}  // namespace nibble::sim
