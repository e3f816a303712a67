#include "sw/study/run_search.h"

#include <map>

namespace nibble::study {

Tally RunSearch(Study& study, Meter& meter, const std::vector<Objective>& objectives,
                const SearchOptions& search, const RunOptions& options, Damage* damage) {
  for (const Objective& o : objectives) {
    if (o.name != "accuracy" || !study.plan().timing_only) continue;
    throw platforms::ParameterError(study.plan().path +
                                    ": timing_only = on, and accuracy takes the bits");
  }
  study.Save({}, true);
  Ledger ledger(study.LedgerPath(), damage);
  std::map<std::string, Row> rows;
  ForEachRow(study.LedgerPath(), Depth::kTotals, [&](const Row& row, const Timing&) {
    if (row.status != Status::kFailed) rows[row.key] = row;
  });
  std::vector<StudyPoint> points;
  Tally tally;
  RunOptions generation = options;
  const auto costs_of = [&](const std::vector<uint64_t>& numbers) {
    const size_t before = points.size();
    const std::vector<StudyPoint> asked = PointsOf(study, meter, numbers);
    points.insert(points.end(), asked.begin(), asked.end());
    study.Save(points, true);
    std::vector<StudyPoint> todo;
    for (const StudyPoint& p : UniquePoints(asked)) {
      if (rows.count(p.key) == 0) todo.push_back(p);
    }
    if (options.progress) {
      const size_t done = before + asked.size() - todo.size();
      generation.progress = [&options, &search, done](size_t more, size_t) {
        options.progress(done + more, search.runs);
      };
    }
    const Tally ran =
        RunPoints(study, meter, todo, generation, [&](const Row& row, const Timing& timing) {
          ledger.Add(row, timing);
          rows[row.key] = row;
          rows[row.key].report.clear();
        });
    tally.ok += ran.ok;
    tally.refused += ran.refused;
    tally.failed += ran.failed;
    if (tally.failure.empty()) tally.failure = ran.failure;
    std::vector<std::optional<std::vector<double>>> costs;
    for (const StudyPoint& p : asked) {
      const auto values = ValuesOf(rows.at(p.key), objectives);
      costs.push_back(values ? std::optional(Costs(*values, objectives)) : std::nullopt);
    }
    return costs;
  };
  Search(study.plan(), study.space(), search, costs_of);
  return tally;
}

}  // namespace nibble::study
