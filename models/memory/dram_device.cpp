#include "models/memory/dram_device.h"

#include <fstream>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <vector>

namespace nibble::memory {
namespace {

using nlohmann::json;

struct Rail {
  double volts = 0, idd0 = 0, idd2n = 0, idd3n = 0, idd4r = 0, idd4w = 0, idd5 = 0;  // mA
  std::optional<double> idd2p, idd3p;
};

// Reads {"value": v, "unit": u, "source": s} fields and remembers which were read, so that a
// misspelt or unknown field is an error.
class Reader {
 public:
  Reader(std::string path, DramDevice& device) : path_(std::move(path)), device_(device) {
    std::ifstream file(path_);
    if (!file) throw std::invalid_argument(path_ + ": cannot open; expected a DRAM device file");
    try {
      root_ = json::parse(file);
    } catch (const json::parse_error& e) {
      throw std::invalid_argument(path_ + ": not JSON: " + e.what());
    }
    if (!root_.is_object()) Fail("", "expected one JSON object");
  }

  std::string Name() {
    seen_.insert("name");
    seen_.insert("description");
    if (!root_.contains("name") || !root_["name"].is_string()) Fail("name", "expected a text");
    return root_["name"].get<std::string>();
  }

  bool Has(const char* field) const { return root_.contains(field); }

  // A positive whole number.
  template <class T>
  void Count(const char* field, const char* unit, T& to) {
    const json& value = Value(root_, "", field, unit);
    if (!value.is_number_unsigned() || value.get<uint64_t>() == 0 ||
        value.get<uint64_t>() > UINT32_MAX) {
      Fail(field,
           std::string("expected a positive whole number of ") + unit + ", found " + value.dump());
    }
    to = value.get<T>();
  }

  // As Count, where the file has the field; otherwise `to` stays.
  void OptionalCount(const char* field, const char* unit, uint64_t& to) {
    if (Has(field)) Count(field, unit, to);
  }

  void Real(const char* field, const char* unit, double& to) {
    to = Number(root_, "", field, unit);
  }

  void OptionalReal(const char* field, const char* unit, std::optional<double>& to) {
    if (Has(field)) to = Number(root_, "", field, unit);
  }

  // Supplies and their currents. Every rail has the same fields: IDD2P and IDD3P in all or in none.
  std::vector<Rail> Rails() {
    seen_.insert("rails");
    if (!root_["rails"].is_array() || root_["rails"].empty()) {
      Fail("rails", "expected a list of supplies");
    }
    std::vector<Rail> rails;
    for (const json& entry : root_["rails"]) {
      if (!entry.is_object() || !entry.contains("name") || !entry["name"].is_string()) {
        Fail("rails", "a supply has no \"name\"");
      }
      const std::string name = entry["name"].get<std::string>();
      const std::string prefix = "rails." + name + ".";
      std::set<std::string> known = {"name"};
      const auto number = [&](const char* field, const char* unit) {
        known.insert(field);
        return Number(entry, prefix, field, unit);
      };
      Rail r;
      r.volts = number("voltage", "V");
      r.idd0 = number("IDD0", "mA");
      r.idd2n = number("IDD2N", "mA");
      r.idd3n = number("IDD3N", "mA");
      r.idd4r = number("IDD4R", "mA");
      r.idd4w = number("IDD4W", "mA");
      r.idd5 = number("IDD5AB", "mA");
      if (entry.contains("IDD2P") || entry.contains("IDD3P")) {
        r.idd2p = number("IDD2P", "mA");
        r.idd3p = number("IDD3P", "mA");
      }
      for (const auto& [field, value] : entry.items()) {
        if (!known.count(field)) Fail(prefix + field, "unknown field");
      }
      if (!rails.empty() && rails.front().idd2p.has_value() != r.idd2p.has_value()) {
        Fail(prefix + "IDD2P", "given for some supplies and not for others");
      }
      rails.push_back(r);
    }
    return rails;
  }

  void NothingElse() const {
    for (const auto& [field, value] : root_.items()) {
      if (!seen_.count(field)) Fail(field, "unknown field");
    }
  }

  [[noreturn]] void Fail(const std::string& field, const std::string& what) const {
    throw std::invalid_argument(path_ + ": " + (field.empty() ? "" : field + ": ") + what);
  }

 private:
  double Number(const json& in, const std::string& prefix, const char* field, const char* unit) {
    const json& value = Value(in, prefix, field, unit);
    if (!value.is_number() || !(value.get<double>() >= 0)) {
      Fail(prefix + field,
           std::string("expected a number of ") + unit + ", not negative, found " + value.dump());
    }
    return value.get<double>();
  }

  const json& Value(const json& in, const std::string& prefix, const char* field,
                    const char* unit) {
    const std::string name = prefix + field;
    seen_.insert(name);
    const auto entry = in.find(field);
    if (entry == in.end())
      Fail(name, std::string("missing; expected {value, unit \"") + unit + "\", source}");
    for (const char* part : {"value", "unit", "source"}) {
      if (!entry->is_object() || !entry->contains(part)) {
        Fail(name, std::string("has no \"") + part + "\"; expected {value, unit, source}");
      }
    }
    if ((*entry)["unit"] != unit) {
      Fail(name, std::string("unit must be \"") + unit + "\", found " + (*entry)["unit"].dump());
    }
    if (!(*entry)["source"].is_string()) Fail(name, "source must be a text");
    device_.sources[name] = (*entry)["source"].get<std::string>();
    return (*entry)["value"];
  }

  std::string path_;
  DramDevice& device_;
  json root_;
  std::set<std::string> seen_;
};

// Core energies from currents; see dram_device.h. mA * V * ps = 1e-3 pJ.
void FromCurrents(const std::vector<Rail>& rails, double devices, DramDevice& d) {
  const auto ps = [&d](uint64_t clocks) { return static_cast<double>(clocks * d.tck_ps); };
  const double burst_bits = d.burst_bytes * 8.0;
  const bool power_down = rails.front().idd2p.has_value();
  if (power_down) d.active_power_down_mw = d.precharge_power_down_mw = 0;
  for (const Rail& r : rails) {
    const double v = r.volts * devices;
    d.activate_pj +=
        1e-3 * v * (r.idd0 * ps(d.rc) - r.idd3n * ps(d.ras) - r.idd2n * ps(d.rc - d.ras));
    d.read_core_pj_bit += 1e-3 * v * (r.idd4r - r.idd3n) * ps(d.burst) / burst_bits;
    d.write_core_pj_bit += 1e-3 * v * (r.idd4w - r.idd3n) * ps(d.burst) / burst_bits;
    d.refresh_pj += 1e-3 * v * (r.idd5 - r.idd3n) * ps(d.rfc_ab);
    d.active_standby_mw += v * r.idd3n;
    d.precharge_standby_mw += v * r.idd2n;
    if (power_down) {
      *d.active_power_down_mw += v * *r.idd3p;
      *d.precharge_power_down_mw += v * *r.idd2p;
    }
  }
  const std::string from = d.sources.at("devices") + "; from its currents: ";
  d.sources["activate"] = from + "V (IDD0 tRC - IDD3N tRAS - IDD2N (tRC - tRAS))";
  d.sources["read_core"] = from + "V (IDD4R - IDD3N) burst";
  d.sources["write_core"] = from + "V (IDD4W - IDD3N) burst";
  d.sources["refresh"] = from + "V (IDD5AB - IDD3N) tRFCab";
  d.sources["active_standby"] = from + "V IDD3N";
  d.sources["precharge_standby"] = from + "V IDD2N";
  d.sources["active_power_down"] = from + "V IDD3P";
  d.sources["precharge_power_down"] = from + "V IDD2P";
}

}  // namespace

DramDevice ReadDramDevice(const std::string& path) {
  DramDevice d;
  Reader in(path, d);
  d.name = in.Name();

  in.Count("bank_groups", "1", d.bank_groups);
  in.Count("banks_per_group", "1", d.banks_per_group);
  in.Count("rows", "1", d.rows);
  in.Count("row_bytes", "B", d.row_bytes);
  in.Count("burst_bytes", "B", d.burst_bytes);

  in.Count("tCK", "ps", d.tck_ps);
  in.Count("CL", "clocks", d.cl);
  in.Count("CWL", "clocks", d.cwl);
  in.Count("tRCD", "clocks", d.rcd);
  d.rcd_wr = d.rcd;
  in.OptionalCount("tRCDWR", "clocks", d.rcd_wr);
  in.Count("tRP", "clocks", d.rp);
  in.Count("tRPab", "clocks", d.rp_ab);
  in.Count("tRAS", "clocks", d.ras);
  in.Count("tRC", "clocks", d.rc);
  in.Count("tRRD_S", "clocks", d.rrd_s);
  in.Count("tRRD_L", "clocks", d.rrd_l);
  in.Count("tFAW", "clocks", d.faw);
  in.Count("tCCD_S", "clocks", d.ccd_s);
  in.Count("tCCD_L", "clocks", d.ccd_l);
  in.Count("burst", "clocks", d.burst);
  in.Count("tWR", "clocks", d.wr);
  in.Count("tRTP", "clocks", d.rtp);
  in.Count("tWTR_S", "clocks", d.wtr_s);
  in.Count("tWTR_L", "clocks", d.wtr_l);
  in.Count("read_to_write_gap", "clocks", d.rtw_gap);
  in.OptionalCount("rank_to_rank_gap", "clocks", d.rank_gap);
  in.OptionalCount("command_activate", "clocks", d.act_clocks);
  in.OptionalCount("command_precharge", "clocks", d.pre_clocks);
  in.OptionalCount("command_column", "clocks", d.column_clocks);
  in.OptionalCount("command_buses", "1", d.command_buses);
  in.Count("tREFI", "clocks", d.refi);
  in.Count("tRFCab", "clocks", d.rfc_ab);
  if (in.Has("tRFCpb") || in.Has("tREFIpb")) {
    in.Count("tRFCpb", "clocks", d.rfc_pb);
    in.Count("tREFIpb", "clocks", d.refi_pb);
    in.Count("banks_per_refresh", "1", d.pb_banks);
  }
  in.OptionalCount("tXP", "clocks", d.xp);

  if (in.Has("rails")) {
    double devices = 0;
    in.Real("devices", "1", devices);
    FromCurrents(in.Rails(), devices, d);
  } else {
    in.Real("activate", "pJ", d.activate_pj);
    in.Real("read_core", "pJ/bit", d.read_core_pj_bit);
    in.Real("write_core", "pJ/bit", d.write_core_pj_bit);
    in.Real("refresh", "pJ", d.refresh_pj);
    in.Real("active_standby", "mW", d.active_standby_mw);
    in.Real("precharge_standby", "mW", d.precharge_standby_mw);
    in.OptionalReal("active_power_down", "mW", d.active_power_down_mw);
    in.OptionalReal("precharge_power_down", "mW", d.precharge_power_down_mw);
  }
  in.Real("read_io", "pJ/bit", d.read_io_pj_bit);
  in.Real("write_io", "pJ/bit", d.write_io_pj_bit);
  in.Real("near_read", "pJ/bit", d.near_read_pj_bit);
  in.NothingElse();

  const std::pair<const char*, uint32_t> powers[] = {{"bank_groups", d.bank_groups},
                                                     {"banks_per_group", d.banks_per_group},
                                                     {"rows", d.rows},
                                                     {"row_bytes", d.row_bytes},
                                                     {"burst_bytes", d.burst_bytes}};
  for (const auto& [field, value] : powers) {
    if ((value & (value - 1)) != 0) {
      in.Fail(field, "expected a power of two, found " + std::to_string(value));
    }
  }
  if (d.burst_bytes > d.row_bytes) in.Fail("burst_bytes", "is larger than row_bytes");
  if (d.rc < d.ras) in.Fail("tRC", "is shorter than tRAS");
  if (d.pb_banks > 0 && d.banks() % d.pb_banks != 0) {
    in.Fail("banks_per_refresh", "does not divide the banks");
  }
  // Between two refreshes the device must have time for a row cycle, or no access would ever end.
  if (d.refi <= d.rp_ab + d.rfc_ab + d.rc + d.cl + d.burst) {
    in.Fail("tREFI", "leaves no time for a row cycle after tRPab + tRFCab");
  }
  return d;
}

}  // namespace nibble::memory
