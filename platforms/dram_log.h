// The commands of the DRAM controllers, for a recorder. Controllers decide on commands ahead of
// time and out of order, so that they are told when the run is over.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "models/memory/dram.h"
#include "models/sim_core/recorder.h"

namespace nibble::platforms {

class DramLog {
 public:
  // Listens to `dram` from now on, which must outlive it.
  explicit DramLog(memory::Dram& dram);
  DramLog(const DramLog&) = delete;
  DramLog& operator=(const DramLog&) = delete;

  // Serves first what still waits in write buffers.
  void Tell(sim::Recorder& recorder);

 private:
  memory::Dram& dram_;
  std::vector<std::vector<memory::DramChannel::Command>> commands_;  // by channel
  std::vector<std::pair<uint64_t, uint64_t>> occupied_;
};

}  // namespace nibble::platforms
