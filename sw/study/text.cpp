#include "sw/study/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "sw/report/table.h"

namespace nibble::study {

namespace {

std::string Plural(size_t n, const std::string& what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

struct Candidate {
  Point point;
  std::vector<double> values, costs;
};

// The front of one trace as a table.
std::string FrontTable(const Study& study, const std::vector<Candidate>& candidates,
                       const std::vector<Objective>& objectives) {
  const Plan& plan = study.plan();
  std::vector<std::vector<double>> costs;
  costs.reserve(candidates.size());
  for (const Candidate& c : candidates) costs.push_back(c.costs);
  std::vector<size_t> front = Front(costs);
  std::sort(front.begin(), front.end(), [&](size_t a, size_t b) { return costs[a] < costs[b]; });

  report::Table table;
  for (const Objective& o : objectives) table.AddColumn(o.name, o.unit);
  const auto left = report::Table::Align::kLeft;
  const bool presets = !plan.machines.front().preset.empty();
  table.AddColumn(presets ? "preset" : "platform", "", left);
  std::vector<const Axis*> axes;
  for (const Axis& axis : plan.axes) {
    if (axis.values.size() < 2) continue;
    axes.push_back(&axis);
    table.AddColumn(axis.key, "", left);
  }
  for (const size_t f : front) {
    const Candidate& c = candidates[f];
    std::vector<std::string> cells;
    for (const double value : c.values) cells.push_back(report::Significant(value));
    const Machine& machine = plan.machines[c.point.machine];
    cells.emplace_back(presets ? machine.preset : platforms::PlatformName(machine.platform));
    const std::map<std::string, std::string> given(c.point.settings.begin(),
                                                   c.point.settings.end());
    for (const Axis* axis : axes) {
      const auto value = given.find(axis->key);
      cells.push_back(value == given.end() ? "-" : value->second);
    }
    table.AddRow(std::move(cells));
  }
  return table.Render(0);
}

}  // namespace

std::string StatusText(const Study& study, const Results& results) {
  const Progress p = ProgressOf(study, results);
  std::string text = fmt::format("{}: {}", study.folder(), Plural(p.points, "point"));
  if (p.unique < p.points) text += fmt::format(", {} of them different machines", p.unique);
  text += fmt::format("\n  ok {}, refused {}, failed {}, missing {}\n", p.ok, p.refused, p.failed,
                      p.missing);
  bool damaged = false;
  double cpu_s = 0;
  size_t rows = 0;
  for (const LedgerState& l : results.ledgers) {
    const size_t in_file = l.rows.ok + l.rows.refused + l.rows.failed;
    text +=
        fmt::format("  {}: {}\n", l.path.substr(study.folder().size() + 1), Plural(in_file, "row"));
    if (!l.damage.why.empty()) text += fmt::format("    damaged: {}\n", l.damage.why);
    damaged |= !l.damage.why.empty();
    rows += in_file;
    cpu_s += l.cpu_s;
  }
  if (rows > 0) text += fmt::format("  {:.3g} s of CPU a row\n", cpu_s / static_cast<double>(rows));
  const Row* failure = nullptr;
  for (const StudyPoint& point : study.points()) {
    const Row* const row = results.Find(point);
    if (failure == nullptr && row != nullptr && row->status == Status::kFailed) failure = row;
  }
  if (failure != nullptr) text += fmt::format("  first failure: {}\n", failure->error);
  if (!p.complete()) {
    text += study.is_search()
                ? "next: give sim sweep PLAN --out FOLDER --pareto ... again; the search goes on "
                  "from the rows that are there\n"
                : fmt::format(
                      "next: sim sweep run {}, or of shards the same commands again; "
                      "finished rows are kept{}\n",
                      study.folder(), damaged ? ", damaged files are put aside" : "");
  }
  return text;
}

std::string ReportText(const Study& study, const Results& results,
                       const std::vector<Objective>& objectives) {
  const Plan& plan = study.plan();
  std::vector<std::vector<Candidate>> by_trace(plan.traces.size());
  std::map<std::string, size_t> refusals;
  std::set<std::string> keys;
  for (const StudyPoint& p : study.points()) {
    const Row* const row = results.Find(p);
    if (row == nullptr || !keys.insert(p.key).second) continue;
    Candidate c{study.space().At(p.number), {}, {}};
    if (const auto values = ValuesOf(*row, objectives)) {
      c.values = *values;
      c.costs = Costs(*values, objectives);
      by_trace[c.point.trace].push_back(std::move(c));
    } else {
      ++refusals[row->error];
    }
  }
  std::string text;
  for (size_t t = 0; t < by_trace.size(); ++t) {
    if (by_trace[t].empty()) continue;
    text += fmt::format("{}: the front of {}\n{}\n", plan.traces[t],
                        Plural(by_trace[t].size(), "design point"),
                        FrontTable(study, by_trace[t], objectives));
  }
  if (!refusals.empty()) text += "without figures:\n";
  for (const auto& [error, count] : refusals) text += fmt::format("  {} x {}\n", count, error);
  return text;
}

}  // namespace nibble::study
