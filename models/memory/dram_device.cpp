#include <fstream>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "models/memory/dram.h"

namespace nibble::memory {
namespace {

using nlohmann::json;

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

  // A positive whole number.
  template <class T>
  void Count(const char* field, const char* unit, T& to) {
    const json& value = Value(field, unit);
    if (!value.is_number_unsigned() || value.get<uint64_t>() == 0 ||
        value.get<uint64_t>() > UINT32_MAX) {
      Fail(field,
           std::string("expected a positive whole number of ") + unit + ", found " + value.dump());
    }
    to = value.get<T>();
  }

  void Real(const char* field, const char* unit, double& to) {
    const json& value = Value(field, unit);
    if (!value.is_number() || !(value.get<double>() >= 0)) {
      Fail(field,
           std::string("expected a number of ") + unit + ", not negative, found " + value.dump());
    }
    to = value.get<double>();
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
  const json& Value(const char* field, const char* unit) {
    seen_.insert(field);
    const auto entry = root_.find(field);
    if (entry == root_.end())
      Fail(field, std::string("missing; expected {value, unit \"") + unit + "\", source}");
    for (const char* part : {"value", "unit", "source"}) {
      if (!entry->is_object() || !entry->contains(part)) {
        Fail(field, std::string("has no \"") + part + "\"; expected {value, unit, source}");
      }
    }
    if ((*entry)["unit"] != unit) {
      Fail(field, std::string("unit must be \"") + unit + "\", found " + (*entry)["unit"].dump());
    }
    if (!(*entry)["source"].is_string()) Fail(field, "source must be a text");
    device_.sources[field] = (*entry)["source"].get<std::string>();
    return (*entry)["value"];
  }

  std::string path_;
  DramDevice& device_;
  json root_;
  std::set<std::string> seen_;
};

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
  in.Count("tRP", "clocks", d.rp);
  in.Count("tRPab", "clocks", d.rp_ab);
  in.Count("tRAS", "clocks", d.ras);
  in.Count("tRC", "clocks", d.rc);
  in.Count("tRRD", "clocks", d.rrd);
  in.Count("tFAW", "clocks", d.faw);
  in.Count("tCCD_S", "clocks", d.ccd_s);
  in.Count("tCCD_L", "clocks", d.ccd_l);
  in.Count("burst", "clocks", d.burst);
  in.Count("tWR", "clocks", d.wr);
  in.Count("tRTP", "clocks", d.rtp);
  in.Count("tWTR_S", "clocks", d.wtr_s);
  in.Count("tWTR_L", "clocks", d.wtr_l);
  in.Count("read_to_write_gap", "clocks", d.rtw_gap);
  in.Count("tREFI", "clocks", d.refi);
  in.Count("tRFCab", "clocks", d.rfc_ab);

  in.Real("activate", "pJ", d.activate_pj);
  in.Real("read_core", "pJ/bit", d.read_core_pj_bit);
  in.Real("read_io", "pJ/bit", d.read_io_pj_bit);
  in.Real("write_core", "pJ/bit", d.write_core_pj_bit);
  in.Real("write_io", "pJ/bit", d.write_io_pj_bit);
  in.Real("near_read", "pJ/bit", d.near_read_pj_bit);
  in.Real("refresh", "pJ", d.refresh_pj);
  in.Real("standby", "mW", d.standby_mw);
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
  // Between two refreshes the device must have time for a row cycle, or no access would ever end.
  if (d.refi <= d.rp_ab + d.rfc_ab + d.rc + d.cl + d.burst) {
    in.Fail("tREFI", "leaves no time for a row cycle after tRPab + tRFCab");
  }
  return d;
}

}  // namespace nibble::memory
