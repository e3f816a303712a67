#include "sw/study/objectives.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "platforms/design_point.h"
#include "platforms/params/value.h"
#include "sw/evaluation/result.h"

namespace nibble::study {

using Json = nlohmann::json;

namespace {

const std::vector<Objective>& KnownObjectives() {
  static const std::vector<Objective> known = {{"accuracy", "% or dB", 1, true},
                                               {"latency", "us", 1e-3, false},
                                               {"energy", "uJ", 1e-6, false},
                                               {"area", "mm2", 1, false},
                                               {"sram_area", "mm2", 1, false}};
  return known;
}

// In the row's own unit. Throws nlohmann's exceptions for a figure that is not there.
double Figure(const Json& totals, const std::string& name) {
  if (name == "energy") return totals.at("energy_pj");
  if (name == "latency") return totals.at("latency_ns");
  if (name == "area") return totals.at("area_mm2");
  if (name == "sram_area") return totals.at("sram_area_mm2");
  const Json& quality = totals.at("quality");
  const double images = quality.at("images");
  if (quality.contains("top1_images")) return 100 * quality["top1_images"].get<double>() / images;
  if (images > 1) return 100 * quality.at("top1_agree_images").get<double>() / images;
  if (!quality.at("sqnr_db").is_null()) return quality["sqnr_db"];
  return quality.at("output_equal") ? evaluation::kExactDb : evaluation::kLostDb;
}

}  // namespace

std::string ObjectiveNames() {
  std::vector<std::string> names;
  for (const Objective& o : KnownObjectives()) names.push_back(o.name);
  return platforms::Join(names, ", ");
}

std::vector<Objective> ParseObjectives(const std::string& list) {
  std::vector<Objective> objectives;
  for (const std::string& name : platforms::Split(list, ',')) {
    const auto& known = KnownObjectives();
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const Objective& o) { return o.name == name; });
    if (found == known.end()) {
      throw platforms::ParameterError("\"" + name + "\" is no objective: " + ObjectiveNames());
    }
    for (const Objective& o : objectives) {
      if (o.name == name) throw platforms::ParameterError("objective " + name + " is given twice");
    }
    objectives.push_back(*found);
  }
  return objectives;
}

std::optional<std::vector<double>> ValuesOf(const Row& row,
                                            const std::vector<Objective>& objectives) {
  if (row.status != Status::kOk) return std::nullopt;
  const Json totals = Json::parse(row.totals);
  std::vector<double> values;
  for (const Objective& o : objectives) {
    try {
      values.push_back(Figure(totals, o.name) * o.scale);
    } catch (const Json::exception&) {
      throw platforms::ParameterError(fmt::format(
          "objective {}: the study has no such figure{}", o.name,
          o.name == "accuracy" ? "; it takes timing_only = off, and best images and labels" : ""));
    }
  }
  return values;
}

std::vector<double> Costs(const std::vector<double>& values,
                          const std::vector<Objective>& objectives) {
  std::vector<double> costs = values;
  for (size_t i = 0; i < costs.size(); ++i) {
    if (objectives[i].most) costs[i] = -costs[i];
  }
  return costs;
}

bool Dominates(const std::vector<double>& a, const std::vector<double>& b) {
  bool better = false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] > b[i]) return false;
    better |= a[i] < b[i];
  }
  return better;
}

std::vector<size_t> Front(const std::vector<std::vector<double>>& costs) {
  // In lexicographic order a point is dominated, if at all, by one before it, and by one of the
  // front.
  std::vector<size_t> order(costs.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return costs[a] < costs[b]; });
  std::vector<size_t> front;
  for (const size_t i : order) {
    const bool beaten = std::any_of(front.begin(), front.end(), [&](size_t f) {
      return costs[f] == costs[i] || Dominates(costs[f], costs[i]);
    });
    if (!beaten) front.push_back(i);
  }
  std::sort(front.begin(), front.end());
  return front;
}

double Hypervolume(const std::vector<std::vector<double>>& costs,
                   const std::vector<double>& reference) {
  std::vector<std::vector<double>> below;
  for (const std::vector<double>& c : costs) {
    bool counts = true;
    for (size_t i = 0; i < reference.size(); ++i) counts &= c[i] < reference[i];
    if (counts) below.push_back(c);
  }
  if (below.empty()) return 0;
  if (reference.size() == 1) {
    return reference[0] - (*std::min_element(below.begin(), below.end()))[0];
  }
  // Slices along the last objective: each as thick as it is to the next point, and as large as the
  // volume of all points up to there without that objective.
  std::sort(below.begin(), below.end(),
            [](const auto& a, const auto& b) { return a.back() < b.back(); });
  const std::vector<double> rest(reference.begin(), reference.end() - 1);
  std::vector<std::vector<double>> so_far;
  double volume = 0;
  for (size_t i = 0; i < below.size(); ++i) {
    std::vector<double> projected(below[i].begin(), below[i].end() - 1);
    const bool inside = std::any_of(so_far.begin(), so_far.end(), [&](const auto& p) {
      return p == projected || Dominates(p, projected);
    });
    if (!inside) so_far.push_back(std::move(projected));
    const double top = i + 1 < below.size() ? below[i + 1].back() : reference.back();
    if (top > below[i].back()) volume += (top - below[i].back()) * Hypervolume(so_far, rest);
  }
  return volume;
}

}  // namespace nibble::study
