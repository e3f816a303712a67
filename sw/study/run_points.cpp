#include "sw/study/run_points.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <set>
#include <stdexcept>

#include "sw/study/own_process.h"
#include "sw/study/point_run.h"

namespace nibble::study {

namespace {

double CpuSeconds() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string HostName() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

// In the point's own process.
std::string RunAndPack(const Study& study, const Meter& meter, const StudyPoint& point) {
  const auto start = std::chrono::steady_clock::now();
  const Row row = RunPoint(study.plan(), study.space().At(point.number), meter);
  Timing timing;
  timing.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  timing.cpu_s = CpuSeconds();
  timing.host = HostName();
  return Pack(row, timing);
}

}  // namespace

void Tally::Count(const Row& row) {
  ++(row.status == Status::kOk ? ok : row.status == Status::kRefused ? refused : failed);
  if (row.status == Status::kFailed && failure.empty()) failure = row.error;
}

Tally RunPoints(const Study& study, Meter& meter, const std::vector<StudyPoint>& points,
                const RunOptions& options,
                const std::function<void(const Row&, const Timing&)>& take) {
  std::set<size_t> networks;
  for (const StudyPoint& p : points) networks.insert(study.space().At(p.number).trace);
  meter.PrepareFp32(networks, options.jobs, options.stop);
  Tally tally;
  size_t done = 0;
  const auto work = [&](size_t i) { return RunAndPack(study, meter, points[i]); };
  const auto finish = [&](size_t i, const ProcessResult& result) {
    Row row;
    Timing timing;
    if (result.ended.empty()) {
      Unpack(result.bytes, row, timing);
    } else {
      row = FailedRow(study.plan(), study.space().At(points[i].number), meter, result.ended);
      timing.host = HostName();
    }
    if (row.key != points[i].key) {
      throw StudyError(
          "a trace, preset, table or image has changed since the study was made; give sim sweep "
          "PLAN --out FOLDER again, finished rows of what has not changed are kept");
    }
    take(row, timing);
    tally.Count(row);
    if (options.progress) options.progress(++done, points.size());
  };
  ForEachInOwnProcess(options.jobs, points.size(), work, finish, options.stop);
  return tally;
}

std::vector<StudyPoint> PointsOf(const Study& study, const Meter& meter,
                                 const std::vector<uint64_t>& numbers) {
  std::vector<StudyPoint> points;
  points.reserve(numbers.size());
  for (const uint64_t n : numbers) {
    points.push_back({n, KeyOf(study.plan(), study.space().At(n), meter)});
  }
  return points;
}

std::vector<StudyPoint> UniquePoints(const std::vector<StudyPoint>& points) {
  std::vector<StudyPoint> unique;
  std::set<std::string> keys;
  for (const StudyPoint& p : points) {
    if (keys.insert(p.key).second) unique.push_back(p);
  }
  return unique;
}

ShardRun RunShard(const Study& study, Meter& meter, const Shard& shard, const RunOptions& options) {
  ShardRun run;
  const std::string path = study.LedgerPath(shard);
  Ledger ledger(path, &run.damage);
  std::set<std::string> finished;  // keys
  const auto add = [&](const std::map<std::string, Status>& statuses) {
    for (const auto& [key, status] : statuses) {
      if (status != Status::kFailed) finished.insert(key);
    }
  };
  add(ledger.statuses());
  if (path != study.LedgerPath()) add(ReadStatuses(study.LedgerPath()));
  const std::vector<StudyPoint> unique = UniquePoints(study.points());
  std::vector<StudyPoint> todo;
  for (size_t i = shard.index; i < unique.size(); i += shard.count) {
    ++run.points;
    if (finished.count(unique[i].key) == 0) todo.push_back(unique[i]);
  }
  run.skipped = run.points - todo.size();
  run.tally = RunPoints(study, meter, todo, options,
                        [&](const Row& row, const Timing& timing) { ledger.Add(row, timing); });
  return run;
}

}  // namespace nibble::study
