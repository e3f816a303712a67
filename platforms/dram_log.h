// The commands of the DRAM controllers, for a recorder. Controllers decide on commands ahead of
// time and out of order, so that they are told when a job is over.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "models/memory/dram_target.h"
#include "models/sim_core/recorder.h"

namespace nibble::platforms {

class DramLog {
 public:
  // Listens to `memory` from now on, which must outlive it.
  explicit DramLog(memory::DramTarget& memory);
  DramLog(const DramLog&) = delete;
  DramLog& operator=(const DramLog&) = delete;

  // What was given since the last call; no self-refresh may lie in between.
  void Tell(sim::Recorder& recorder);

 private:
  memory::DramTarget& memory_;
  std::vector<std::vector<memory::DramChannel::Command>> commands_;  // by channel
  std::vector<std::pair<uint64_t, uint64_t>> occupied_;
};

}  // namespace nibble::platforms
