#include "sw/study/results.h"

#include <filesystem>

namespace nibble::study {

namespace {

// A row that is there and not failed stays.
void Take(std::map<std::string, Row>& rows, const Row& row) {
  const auto [at, is_new] = rows.emplace(row.key, row);
  if (!is_new && at->second.status == Status::kFailed) at->second = row;
}

}  // namespace

const Row* Results::Find(const StudyPoint& point) const {
  const auto row = rows.find(point.key);
  return row == rows.end() ? nullptr : &row->second;
}

Results ReadResults(const Study& study) {
  Results results;
  std::vector<std::string> paths = study.ShardFiles();
  paths.insert(paths.begin(), study.LedgerPath());
  for (const std::string& path : paths) {
    if (!std::filesystem::exists(path)) continue;
    LedgerState& ledger = results.ledgers.emplace_back();
    ledger.path = path;
    ledger.damage = ForEachRow(path, Depth::kTotals, [&](const Row& row, const Timing& timing) {
      ledger.rows.Count(row);
      ledger.cpu_s += timing.cpu_s;
      Take(results.rows, row);
    });
  }
  return results;
}

std::vector<LedgerState> Merge(const Study& study) {
  std::vector<LedgerState> states;
  LedgerState& merged = states.emplace_back();
  merged.path = study.LedgerPath();
  Ledger ledger(merged.path, &merged.damage);
  for (const std::string& path : study.ShardFiles()) {
    LedgerState& shard = states.emplace_back();
    shard.path = path;
    shard.damage = MergeInto(ledger, path);
  }
  return states;
}

Progress ProgressOf(const Study& study, const Results& results) {
  Progress progress;
  progress.points = study.points().size();
  for (const StudyPoint& point : UniquePoints(study.points())) {
    ++progress.unique;
    const Row* const row = results.Find(point);
    if (row == nullptr) {
      ++progress.missing;
    } else {
      ++(row->status == Status::kOk        ? progress.ok
         : row->status == Status::kRefused ? progress.refused
                                           : progress.failed);
    }
  }
  return progress;
}

}  // namespace nibble::study
