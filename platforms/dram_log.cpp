#include "platforms/dram_log.h"

#include <algorithm>

namespace nibble::platforms {

using Kind = memory::DramChannel::Command::Kind;

DramLog::DramLog(memory::Dram& dram) : dram_(dram), commands_(dram.channels()) {
  for (uint32_t c = 0; c < dram.channels(); ++c) dram.channel(c).RecordCommands(&commands_[c]);
  dram.RecordOccupied(&occupied_);
}

void DramLog::Tell(sim::Recorder& recorder) {
  dram_.Drain();
  const memory::DramDevice& d = dram_.device();
  const uint64_t turn = std::max(d.ccd_l, d.bank_groups * std::max(d.ccd_s, d.burst));
  for (uint32_t channel = 0; channel < commands_.size(); ++channel) {
    for (const auto& c : commands_[channel]) {
      if (c.kind == Kind::kRead || c.kind == Kind::kWrite) {
        const bool write = c.kind == Kind::kWrite;
        const uint64_t data = c.time + (write ? d.cwl : d.cl);
        recorder.DramBurst(channel, c.bank / d.banks_per_group, write, data * d.tck_ps,
                           (data + d.burst) * d.tck_ps, c.time * d.tck_ps,
                           (c.time + turn) * d.tck_ps);
      } else if (c.kind == Kind::kRefreshAll || c.kind == Kind::kRefreshBank) {
        const uint64_t clocks = c.kind == Kind::kRefreshAll ? d.rfc_ab : d.rfc_pb;
        recorder.DramRefreshed(channel, c.time * d.tck_ps, (c.time + clocks) * d.tck_ps);
      }
    }
  }
  for (const auto& [begin, end] : occupied_) {
    recorder.BanksOccupied(begin * d.tck_ps, end * d.tck_ps);
  }
}

}  // namespace nibble::platforms
