// Points of a study, run, and their rows in a ledger.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "sw/study/ledger.h"
#include "sw/study/study.h"

namespace nibble::study {

struct RunOptions {
  int jobs = 1;  // processes
  // Called with (points done, points in all) when one is done.
  std::function<void(size_t, size_t)> progress;
  const std::atomic<bool>* stop = nullptr;  // throws platforms::Interrupted soon after it is set
};

struct Tally {
  size_t ok = 0, refused = 0, failed = 0;
  std::string failure;  // of the first failed one
  void Count(const Row& row);
};

// Runs each in a process of its own and hands its row on, in the order in which they end. Throws
// StudyError where a point is no longer what it was when the study was made.
Tally RunPoints(const Study& study, Meter& meter, const std::vector<StudyPoint>& points,
                const RunOptions& options,
                const std::function<void(const Row&, const Timing&)>& take);

struct ShardRun {
  size_t points = 0, skipped = 0;  // finished before
  Tally tally;                     // of those that ran
  Damage damage;                   // of the shard's file as it was found
};

// Runs the points of a shard that neither its own file nor the merged ledger has finished, and
// commits each row to the shard's file. Throws as RunPoints and Ledger; rows before are kept.
ShardRun RunShard(const Study& study, Meter& meter, const Shard& shard, const RunOptions& options);

// Points of the space by number, with their keys.
std::vector<StudyPoint> PointsOf(const Study& study, const Meter& meter,
                                 const std::vector<uint64_t>& numbers);

// Of several points of a key the first.
std::vector<StudyPoint> UniquePoints(const std::vector<StudyPoint>& points);

}  // namespace nibble::study
