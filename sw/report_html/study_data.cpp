#include "sw/report_html/study_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "sw/study/launch.h"
#include "sw/study/results.h"
#include "sw/study/study.h"

namespace nibble::report_html {

namespace {

using Json = nlohmann::ordered_json;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

struct Figure {
  Metric metric;
  const char* key;  // of the totals, flattened
  double scale;
};

const std::vector<Figure>& KnownFigures() {
  static const std::vector<Figure> known = {
      {{"latency", "latency", "µs", false}, "latency_ns", 1e-3},
      {{"energy", "energy per inference", "µJ", false}, "energy_pj", 1e-6},
      {{"area", "area, known blocks", "mm²", false}, "area_mm2", 1},
      {{"accuracy", "top-1 accuracy", "%", true}, "quality.top1_images", 100},
      {{"agreement", "top-1 agreement with FP32", "%", true}, "quality.top1_agree_images", 100},
      {{"sqnr", "SQNR", "dB", true}, "quality.sqnr_db", 1},
      {{"tops_per_w", "efficiency", "TOPS/W", true}, "tops_per_w", 1},
      {{"dram", "DRAM read", "MB", false}, "dram_read_bytes", 1e-6},
      {{"sram_area", "scratchpad area", "mm²", false}, "sram_area_mm2", 1},
      {{"utilisation", "utilisation", "%", true}, "utilisation", 100},
      {{"bits_per_weight", "stored bits per weight", "bit", false}, "bits_per_weight", 1},
      {{"bits_per_activation", "stored bits per activation", "bit", false},
       "bits_per_activation",
       1}};
  return known;
}

void Flatten(const Json& json, const std::string& prefix, std::map<std::string, double>& figures) {
  for (const auto& [name, value] : json.items()) {
    if (value.is_object()) Flatten(value, prefix + name + '.', figures);
    if (value.is_number()) figures[prefix + name] = value.get<double>();
  }
}

double ValueOf(const Figure& figure, const std::map<std::string, double>& totals) {
  const auto found = totals.find(figure.key);
  if (found == totals.end()) return kNone;
  double value = found->second * figure.scale;
  const std::string id = figure.metric.id;
  if (id == "accuracy" || id == "agreement") {
    const double images = totals.at("quality.images");
    // Of one image a share is no accuracy.
    if (images < 2) return kNone;
    value /= images;
  }
  return value;
}

int IndexIn(Column& column, const std::string& value) {
  const auto at = std::find(column.values.begin(), column.values.end(), value);
  if (at != column.values.end()) return static_cast<int>(at - column.values.begin());
  column.values.push_back(value);
  return static_cast<int>(column.values.size()) - 1;
}

// Words that mean the same to every shell stay as they are.
std::string Quoted(const std::string& word) {
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || std::strchr("_./-=:,+@%", c) != nullptr;
  });
  return plain ? word : study::ShellQuoted(word);
}

std::string CommandOf(const study::Plan& plan, const study::Point& point) {
  const study::Machine& machine = plan.machines[point.machine];
  std::string command = std::string("sim --platform ") + platforms::PlatformName(machine.platform);
  if (!machine.preset.empty()) command += " --config " + Quoted(machine.preset);
  command += " --trace " + Quoted(plan.traces[point.trace]);
  for (const auto& [key, value] : point.settings) {
    command += fmt::format(" --set {}", Quoted(fmt::format("{}={}", key, value)));
  }
  if (plan.timing_only) return command + " --timing-only";
  if (plan.input.images.empty()) return command + " --seed " + std::to_string(plan.input.seed);
  command +=
      " --input " + Quoted(plan.input.images) + " --count " + std::to_string(plan.input.count);
  return plan.input.labels.empty() ? command : command + " --labels " + Quoted(plan.input.labels);
}

// Collects points, and finds out what varies.
class Collection {
 public:
  explicit Collection(const study::Study& study) : study_(study) {
    const study::Plan& plan = study.plan();
    data_.folder = study.folder();
    data_.version = study.version();
    AddColumn("network", plan.traces);
    std::vector<std::string> machines, presets;
    for (const study::Machine& m : plan.machines) {
      machines.emplace_back(platforms::PlatformName(m.platform));
      presets.push_back(m.preset.empty() ? "defaults" : m.preset);
    }
    AddColumn("platform", machines);
    AddColumn("preset", presets);
    for (const study::Axis& axis : plan.axes) AddColumn(axis.key, axis.values);
  }

  void Add(const study::StudyPoint& p, const study::Row& row) {
    const study::Plan& plan = study_.plan();
    const study::Point point = study_.space().At(p.number);
    const study::Machine& machine = plan.machines[point.machine];
    std::map<std::string, std::string> given(point.settings.begin(), point.settings.end());
    given["network"] = plan.traces[point.trace];
    given["platform"] = platforms::PlatformName(machine.platform);
    given["preset"] = machine.preset.empty() ? "defaults" : machine.preset;
    StudyPoint out{p.key, CommandOf(plan, point), {}, {}, row.platform};
    for (Column& column : data_.columns) {
      const auto value = given.find(column.key);
      out.values.push_back(value == given.end() ? -1 : IndexIn(column, value->second));
    }
    std::map<std::string, double> totals;
    Flatten(Json::parse(row.totals), "", totals);
    for (const Figure& figure : KnownFigures()) out.metrics.push_back(ValueOf(figure, totals));
    data_.points.push_back(std::move(out));
    const Json parameters = Json::parse(row.parameters);
    for (const auto& [name, value] : parameters.items()) {
      resolved_[row.platform][name].push_back(value.get<std::string>());
    }
  }

  StudyData Take() {
    AddFollowing();
    DropConstantColumns();
    DropMissingMetrics();
    return std::move(data_);
  }

 private:
  void AddColumn(const std::string& key, const std::vector<std::string>& values) {
    Column column{key, {}, true};
    for (const std::string& value : values) IndexIn(column, value);
    data_.columns.push_back(std::move(column));
  }

  // Parameters that differ between points of a platform and are none of the plan's; the others are
  // constants.
  void AddFollowing() {
    for (const auto& [platform, parameters] : resolved_) {
      for (const auto& [name, values] : parameters) {
        const bool planned = std::any_of(data_.columns.begin(), data_.columns.end(),
                                         [n = name](const Column& c) { return c.key == n; });
        const bool constant =
            std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) == values.end();
        if (constant && !planned) {
          data_.constants[platform].emplace_back(name, values.front());
        } else if (!planned) {
          AddFollowing(platform, name, values);
        }
      }
    }
  }
  void AddFollowing(const std::string& platform, const std::string& name,
                    const std::vector<std::string>& values) {
    size_t c = 0;
    while (c < data_.columns.size() && data_.columns[c].key != name) ++c;
    if (c == data_.columns.size()) {
      data_.columns.push_back({name, {}, false});
      for (StudyPoint& p : data_.points) p.values.push_back(-1);
    }
    size_t next = 0;
    for (StudyPoint& p : data_.points) {
      if (p.platform == platform) p.values[c] = IndexIn(data_.columns[c], values[next++]);
    }
  }

  // All but the network's.
  void DropConstantColumns() {
    for (size_t c = data_.columns.size(); c-- > 1;) {
      std::set<int> used;
      for (const StudyPoint& p : data_.points) used.insert(p.values[c]);
      if (used.size() > 1) continue;
      data_.columns.erase(data_.columns.begin() + static_cast<std::ptrdiff_t>(c));
      for (StudyPoint& p : data_.points) {
        p.values.erase(p.values.begin() + static_cast<std::ptrdiff_t>(c));
      }
    }
  }
  void DropMissingMetrics() {
    const std::vector<Figure>& figures = KnownFigures();
    for (size_t m = 0; m < figures.size(); ++m) {
      const bool any = std::any_of(data_.points.begin(), data_.points.end(),
                                   [m](const StudyPoint& p) { return !std::isnan(p.metrics[m]); });
      if (any) data_.metrics.push_back(figures[m].metric);
    }
    for (StudyPoint& p : data_.points) {
      std::vector<double> kept;
      for (size_t m = 0; m < figures.size(); ++m) {
        const bool keep =
            std::any_of(data_.metrics.begin(), data_.metrics.end(),
                        [&](const Metric& metric) { return metric.id == figures[m].metric.id; });
        if (keep) kept.push_back(p.metrics[m]);
      }
      p.metrics = std::move(kept);
    }
  }

  const study::Study& study_;
  StudyData data_;
  // By platform and parameter: values of its points, in order.
  std::map<std::string, std::map<std::string, std::vector<std::string>>> resolved_;
};

// Fronts first, then the others in their order.
std::vector<size_t> PointsWithLayers(const StudyData& data, size_t most) {
  std::vector<size_t> chosen;
  for (size_t n = 0; n < data.columns[0].values.size(); ++n) {
    std::vector<size_t> of;
    for (size_t i = 0; i < data.points.size(); ++i) {
      if (data.points[i].values[0] == static_cast<int>(n)) of.push_back(i);
    }
    for (const size_t i : FrontOf(data, of, 0, 1)) chosen.push_back(i);
  }
  const std::set<size_t> fronts(chosen.begin(), chosen.end());
  for (size_t i = 0; i < data.points.size(); ++i) {
    if (fronts.count(i) == 0) chosen.push_back(i);
  }
  chosen.resize(std::min(chosen.size(), most));
  return chosen;
}

void ReadLayers(StudyData& data, const study::Results& results, size_t most) {
  for (const size_t i : PointsWithLayers(data, most)) {
    const std::string& key = data.points[i].key;
    for (const study::LedgerState& ledger : results.ledgers) {
      const auto row = study::FindRow(ledger.path, key);
      if (row == nullptr || row->report.empty()) continue;
      data.runs[i] = report::ParseRun(row->report, ledger.path + ", row " + key);
      break;
    }
  }
}

}  // namespace

std::vector<size_t> FrontOf(const StudyData& data, const std::vector<size_t>& of, size_t x,
                            size_t y) {
  const auto cost = [&](size_t i, size_t m) {
    return data.metrics[m].most ? -data.points[i].metrics[m] : data.points[i].metrics[m];
  };
  std::vector<size_t> order;
  for (const size_t i : of) {
    if (!std::isnan(cost(i, x)) && !std::isnan(cost(i, y))) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return cost(a, x) != cost(b, x) ? cost(a, x) < cost(b, x) : cost(a, y) < cost(b, y);
  });
  std::vector<size_t> front;
  for (const size_t i : order) {
    if (front.empty() || cost(i, y) < cost(front.back(), y)) front.push_back(i);
  }
  return front;
}

StudyData ReadStudy(const std::string& folder, size_t most_layers) {
  const study::Study study(folder);
  const study::Results results = study::ReadResults(study);
  Collection collection(study);
  size_t refused = 0, failed = 0, missing = 0;
  for (const study::StudyPoint& p : study::UniquePoints(study.points())) {
    const study::Row* const row = results.Find(p);
    if (row == nullptr) {
      ++missing;
    } else if (row->status == study::Status::kOk) {
      collection.Add(p, *row);
    } else {
      ++(row->status == study::Status::kRefused ? refused : failed);
    }
  }
  StudyData data = collection.Take();
  data.refused = refused;
  data.failed = failed;
  data.missing = missing;
  ReadLayers(data, results, most_layers);
  return data;
}

}  // namespace nibble::report_html
