// What a study has come to so far: the rows of all its ledgers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sw/study/ledger.h"
#include "sw/study/run_points.h"
#include "sw/study/study.h"

namespace nibble::study {

struct LedgerState {
  std::string path;
  Tally rows;  // of any study, those of an earlier plan included
  Damage damage;
  double cpu_s = 0;  // of all its rows
};

struct Results {
  std::map<std::string, Row> rows;  // by key, without Row::report; the study's own, and others
  std::vector<LedgerState> ledgers;

  const Row* Find(const StudyPoint& point) const;  // null: there is none
};

// Throws DatabaseError for what is no damage.
Results ReadResults(const Study& study);

// Copies the rows of all shards into the merged ledger. Any number of times, at any time, also
// while shards run. Returns the state of the shards' files and, first, of the merged ledger as it
// was found. Throws as Ledger.
std::vector<LedgerState> Merge(const Study& study);

// How many of a study's points are where.
struct Progress {
  size_t points = 0, unique = 0;  // unique: that resolve to machines of their own
  size_t ok = 0, refused = 0, failed = 0, missing = 0;  // of the unique ones
  bool complete() const { return failed + missing == 0; }
};
Progress ProgressOf(const Study& study, const Results& results);

}  // namespace nibble::study
