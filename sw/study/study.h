// A study on disk. A folder that holds
//   plan.cfg          the plan, as it was given
//   study.json        what the points are (schema nibble.study/1)
//   ledger.db         rows (ledger.h): of a study run in one piece, or of its shards, merged
//   shards/I-of-N.db  rows of one shard
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "sw/study/measure.h"
#include "sw/study/plan.h"
#include "sw/study/space.h"

namespace nibble::study {

// A folder that is no study, or one that this program cannot go on with. what() is one line that
// says what to do.
class StudyError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct StudyPoint {
  uint64_t number = 0;  // of the space
  std::string key;      // of its row (point_run.h); points that come to the same machine share it
};

// The points i, i + count, ... of a study.
struct Shard {
  size_t index = 0, count = 1;
};
Shard ParseShard(const std::string& text);  // "2/8", from 0/8 to 7/8; throws StudyError

class Study {
 public:
  // A new one, of the plan at `plan_path`; `find_trace` gives the path of a trace that the plan
  // names. Writes nothing yet; with an empty `folder` it never does. Throws
  // platforms::ParameterError for a wrong plan, StudyError where the folder holds anything but a
  // study, and what `find_trace` throws.
  Study(const std::string& folder, const std::string& plan_path,
        const std::function<std::string(const std::string&)>& find_trace, std::string version);
  // The one in a folder. Makes the folder in which it was begun the working folder, from which
  // relative paths in its plan count. Throws StudyError, and platforms::ParameterError.
  explicit Study(const std::string& folder);

  const std::string& folder() const { return folder_; }  // absolute
  const Plan& plan() const { return *plan_; }
  const Space& space() const { return *space_; }
  const std::string& version() const { return version_; }
  const std::vector<StudyPoint>& points() const { return points_; }
  bool is_search() const { return is_search_; }

  // Images, labels and traces, read. Throws trace::FileError.
  std::unique_ptr<Meter> MakeMeter() const;
  // Replaces the points, and writes folder, plan and study.json, each whole or not at all. Rows
  // that are there already are kept: those of the same key need not run again. Throws
  // trace::OutputError.
  void Save(std::vector<StudyPoint> points, bool is_search);

  std::string LedgerPath() const;
  std::string LedgerPath(const Shard& shard) const;  // that of one shard of one is LedgerPath()
  std::vector<std::string> ShardFiles() const;       // those that are there, in order of names

 private:
  std::string folder_, plan_text_, version_, directory_;
  std::vector<std::string> trace_paths_;
  std::unique_ptr<Plan> plan_;
  std::unique_ptr<Space> space_;
  std::vector<StudyPoint> points_;
  bool is_search_ = false;
};

}  // namespace nibble::study
