#include "sw/study/table.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "sw/report/table.h"

namespace nibble::study {

namespace {

using Json = nlohmann::ordered_json;
using report::CsvField;

// Figures by name, those of objects within as NAME.PART; null is nothing.
void Flatten(const Json& json, const std::string& prefix,
             std::vector<std::pair<std::string, std::string>>& cells) {
  for (const auto& [name, value] : json.items()) {
    if (value.is_object()) {
      Flatten(value, prefix + name + '.', cells);
    } else {
      cells.emplace_back(prefix + name, value.is_null() ? "" : value.dump());
    }
  }
}

std::string StatusOf(const Row* row) {
  return row == nullptr ? "missing" : StatusName(row->status);
}

}  // namespace

std::string ToCsv(const Study& study, const Results& results) {
  const Plan& plan = study.plan();
  std::vector<std::string> figures;  // in the order in which rows bring them
  std::vector<std::map<std::string, std::string>> cells_of_point;
  for (const StudyPoint& p : study.points()) {
    auto& cells_by_name = cells_of_point.emplace_back();
    const Row* const row = results.Find(p);
    if (row == nullptr || row->totals.empty()) continue;
    std::vector<std::pair<std::string, std::string>> cells;
    Flatten(Json::parse(row->totals), "", cells);
    for (const auto& [name, value] : cells) {
      if (std::find(figures.begin(), figures.end(), name) == figures.end()) figures.push_back(name);
      cells_by_name[name] = value;
    }
  }
  std::string csv = "trace,platform,preset";
  for (const Axis& axis : plan.axes) csv += ',' + CsvField(axis.key);
  csv += ",status,error";
  for (const std::string& name : figures) csv += ',' + CsvField(name);
  csv += ",key\n";
  for (size_t i = 0; i < study.points().size(); ++i) {
    const StudyPoint& p = study.points()[i];
    const Point point = study.space().At(p.number);
    const Machine& machine = plan.machines[point.machine];
    const Row* const row = results.Find(p);
    csv += CsvField(plan.traces[point.trace]) + ',' + platforms::PlatformName(machine.platform) +
           ',' + CsvField(machine.preset);
    std::map<std::string, std::string> given(point.settings.begin(), point.settings.end());
    for (const Axis& axis : plan.axes) csv += ',' + CsvField(given[axis.key]);
    csv += ',' + StatusOf(row) + ',' + CsvField(row == nullptr ? "" : row->error);
    for (const std::string& name : figures) csv += ',' + CsvField(cells_of_point[i][name]);
    csv += ',' + p.key + '\n';
  }
  return csv;
}

std::string ToJson(const Study& study, const Results& results) {
  const Plan& plan = study.plan();
  Json points = Json::array();
  for (const StudyPoint& p : study.points()) {
    const Point point = study.space().At(p.number);
    const Machine& machine = plan.machines[point.machine];
    const Row* const row = results.Find(p);
    Json json = {{"key", p.key},
                 {"trace", plan.traces[point.trace]},
                 {"platform", platforms::PlatformName(machine.platform)},
                 {"preset", machine.preset},
                 {"settings", Json::object()},
                 {"status", StatusOf(row)}};
    for (const auto& [key, value] : point.settings) json["settings"][key] = value;
    if (row != nullptr) {
      json["error"] = row->error;
      json["parameters"] = Json::parse(row->parameters);
      if (!row->totals.empty()) json["totals"] = Json::parse(row->totals);
    }
    points.push_back(std::move(json));
  }
  const Json json = {
      {"schema", "nibble.sweep/1"}, {"version", study.version()}, {"points", points}};
  return json.dump(1) + '\n';
}

}  // namespace nibble::study
