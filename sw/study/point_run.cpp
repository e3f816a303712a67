#include "sw/study/point_run.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "platforms/params/core_parameters.h"
#include "platforms/params/preset.h"
#include "sw/lowering/lowering.h"
#include "sw/trace/hash.h"

namespace nibble::study {

using Json = nlohmann::ordered_json;

namespace {

std::vector<std::string> SetsOf(const Point& point) {
  std::vector<std::string> sets;
  for (const auto& [key, value] : point.settings) sets.push_back(fmt::format("{}={}", key, value));
  return sets;
}

struct Resolved {
  std::optional<platforms::DesignPoint> design;
  std::string error;       // why there is none
  std::string parameters;  // JSON
  std::string key;
};

// The preset's values, and over them the plan's.
std::map<std::string, std::string> Given(const Machine& machine, const Point& point) {
  std::map<std::string, std::string> given;
  if (!machine.preset.empty()) {
    for (const auto& s : platforms::ReadPreset(machine.preset, machine.platform)) {
      given[s.key] = s.value;
    }
  }
  for (const auto& [key, value] : point.settings) given[key] = value;
  return given;
}

Resolved Resolve(const Plan& plan, const Point& point, const Meter& meter) {
  const Machine& machine = plan.machines[point.machine];
  Resolved r;
  Json parameters = Json::object();
  try {
    r.design = platforms::Resolve(machine.platform, machine.preset, SetsOf(point));
    platforms::RefuseCoreParameters(*r.design);
    for (const platforms::Parameter& p : r.design->parameters) parameters[p.name] = p.value;
  } catch (const platforms::ParameterError& error) {
    r.design.reset();
    r.error = error.what();
    for (const auto& [key, value] : Given(machine, point)) parameters[key] = value;
  }
  r.parameters = parameters.dump();
  const std::string identity = fmt::format(
      "nibble.point/1\n{}\n{}\n{}\n{}\n{}\n", meter.identity(), meter.networks()[point.trace].hash,
      platforms::PlatformName(machine.platform), r.design ? "resolved" : "refused", r.parameters);
  r.key = trace::HashOf(identity);
  return r;
}

Row RowOf(const Plan& plan, const Point& point, const Resolved& r) {
  Row row;
  row.key = r.key;
  row.platform = platforms::PlatformName(plan.machines[point.machine].platform);
  row.parameters = r.parameters;
  return row;
}

Row Refused(Row row, const std::string& why) {
  row.status = Status::kRefused;
  row.error = why;
  return row;
}

Row Failed(Row row, const std::string& why) {
  row.status = Status::kFailed;
  row.error = why;
  return row;
}

}  // namespace

std::string KeyOf(const Plan& plan, const Point& point, const Meter& meter) {
  return Resolve(plan, point, meter).key;
}

Row RunPoint(const Plan& plan, const Point& point, const Meter& meter) {
  const Resolved r = Resolve(plan, point, meter);
  Row row = RowOf(plan, point, r);
  if (!r.design) return Refused(row, r.error);
  try {
    const report::Report report = meter.Run(point.trace, *r.design);
    row.totals = report::TotalsToJson(report);
    row.report = report::ToJson(report);
    return row;
  } catch (const platforms::ParameterError& error) {
    return Refused(row, error.what());
  } catch (const lowering::LoweringError& error) {
    return Refused(row, error.what());
  } catch (const std::exception& error) {
    return Failed(row, std::string("internal error: ") + error.what());
  }
}

Row FailedRow(const Plan& plan, const Point& point, const Meter& meter, const std::string& how) {
  return Failed(RowOf(plan, point, Resolve(plan, point, meter)), how);
}

}  // namespace nibble::study
