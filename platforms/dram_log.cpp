#include "platforms/dram_log.h"

#include <algorithm>

namespace nibble::platforms {

using Kind = memory::DramChannel::Command::Kind;

DramLog::DramLog(memory::DramTarget& memory)
    : memory_(memory), commands_(memory.dram().channels()) {
  memory::Dram& dram = memory.dram();
  for (uint32_t c = 0; c < dram.channels(); ++c) dram.channel(c).RecordCommands(&commands_[c]);
  dram.RecordOccupied(&occupied_);
}

void DramLog::Tell(sim::Recorder& recorder) {
  const memory::DramDevice& d = memory_.dram().device();
  const auto ps = [this](uint64_t clock) { return memory_.TimeOf(clock); };
  const uint64_t turn = std::max(d.ccd_l, d.bank_groups * std::max(d.ccd_s, d.burst));
  for (uint32_t channel = 0; channel < commands_.size(); ++channel) {
    for (const auto& c : commands_[channel]) {
      if (c.kind == Kind::kRead || c.kind == Kind::kWrite) {
        const bool write = c.kind == Kind::kWrite;
        const uint64_t data = c.time + (write ? d.cwl : d.cl);
        recorder.DramBurst(channel, c.bank / d.banks_per_group, write, ps(data), ps(data + d.burst),
                           ps(c.time), ps(c.time + turn));
      } else if (c.kind == Kind::kRefreshAll || c.kind == Kind::kRefreshBank) {
        const uint64_t clocks = c.kind == Kind::kRefreshAll ? d.rfc_ab : d.rfc_pb;
        recorder.DramRefreshed(channel, ps(c.time), ps(c.time + clocks));
      }
    }
    commands_[channel].clear();
  }
  for (const auto& [begin, end] : occupied_) recorder.BanksOccupied(ps(begin), ps(end));
  occupied_.clear();
}

}  // namespace nibble::platforms
