// A DRAM device as read from platforms/dram/NAME.json: organisation, timing and energy of one rank
// of one channel; every number there carries its source.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace nibble::memory {

struct DramDevice {
  std::string name;
  // Organisation of one rank of one channel, in powers of two.
  uint32_t bank_groups = 4, banks_per_group = 4, rows = 32768;
  uint32_t row_bytes = 2048;  // page of one bank, all devices of the rank together
  uint32_t burst_bytes = 32;  // one column access
  // Timing in clocks, except tck_ps. Zero where the file has no such field: see the last line.
  uint64_t tck_ps = 1250;
  uint64_t cl = 0, cwl = 0, rcd = 0, rcd_wr = 0, rp = 0, rp_ab = 0, ras = 0, rc = 0;
  uint64_t rrd_s = 0, rrd_l = 0, faw = 0, ccd_s = 0, ccd_l = 0, burst = 0;
  uint64_t wr = 0, rtp = 0, wtr_s = 0, wtr_l = 0, refi = 0, rfc_ab = 0;
  uint64_t rtw_gap = 0;   // idle clocks of the data bus between read data and write data
  uint64_t rank_gap = 0;  // idle clocks of the data bus between the data of two ranks
  // Clocks for which a command occupies the command bus. With two buses row and column commands
  // have one each.
  uint64_t act_clocks = 1, pre_clocks = 1, column_clocks = 1, command_buses = 1;
  // Optional: per-bank refresh (interval, duration, banks that one command refreshes), exit from
  // power-down.
  uint64_t refi_pb = 0, rfc_pb = 0, pb_banks = 0, xp = 0;
  // Energy. Core excludes the data pins (I/O). From currents where the file has them.
  double activate_pj = 0;  // ACT + PRE of one row
  double read_core_pj_bit = 0, read_io_pj_bit = 0;
  double write_core_pj_bit = 0, write_io_pj_bit = 0;
  double near_read_pj_bit = 0;                             // column access that stays in the die
  double refresh_pj = 0;                                   // one all-bank refresh of one rank
  double active_standby_mw = 0, precharge_standby_mw = 0;  // one rank
  std::optional<double> active_power_down_mw, precharge_power_down_mw;  // one rank
  std::map<std::string, std::string> sources;  // field -> where the number comes from

  uint32_t banks() const { return bank_groups * banks_per_group; }
  uint32_t columns() const { return row_bytes / burst_bytes; }
};

// Throws std::invalid_argument naming the file, the field and what was expected.
//
// Energy is given in one of two ways. `rails`: a list of supplies, each with its voltage and the
// currents IDD0, IDD2N, IDD3N, IDD4R, IDD4W, IDD5AB (and IDD2P, IDD3P where known) of one of the
// `devices` of a rank; the per-event energies then follow from the usual formulas,
//   ACT + PRE   V (IDD0 tRC - IDD3N tRAS - IDD2N (tRC - tRAS))
//   read        V (IDD4R - IDD3N) burst, write alike
//   refresh     V (IDD5AB - IDD3N) tRFCab
//   standby     V IDD3N with a row open, V IDD2N with all rows closed; power-down V IDD3P, V IDD2P
// (Micron TN-40-07; the same as DRAMsim3 and DRAMPower use). Or, where no currents are published,
// the energies themselves.
DramDevice ReadDramDevice(const std::string& path);

}  // namespace nibble::memory
