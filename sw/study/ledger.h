// A ledger: a SQLite file of rows, one committed for each finished point.
//
// Tables: results(key, platform, status, error, parameters, totals, report, report_bytes, digest),
// `report` deflated (zlib), `digest` XXH3 of the row; timings(key, wall_s, cpu_s, host).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sw/study/database.h"
#include "sw/study/lock_file.h"
#include "sw/study/row.h"

namespace nibble::study {

// What is wrong with a file; empty: nothing.
struct Damage {
  std::string why;
  size_t rows = 0;  // that could be read all the same
};

// Writes. One process at a time.
class Ledger {
 public:
  // Makes the file where there is none. A file that is damaged is put aside as PATH.damaged-N, and
  // what can be read of it goes into a new one; `damage` (may be null) says so. Throws
  // DatabaseError, and LockError where another process writes the same ledger (PATH.lock).
  explicit Ledger(const std::string& path, Damage* damage = nullptr);

  const std::map<std::string, Status>& statuses() const { return statuses_; }  // of rows, by key

  // On disk when it returns. A row of the same key is replaced. Throws DatabaseError; the rows
  // before are kept then.
  void Add(const Row& row, const Timing& timing);
  // Of many rows, in one transaction: Begin, any number of Add, Commit.
  void Begin();
  void Commit();

 private:
  void Open(const std::string& path);
  void Close();
  std::string Replace(const std::string& path);  // a damaged file; returns its new name
  LockFile lock_;
  std::map<std::string, Status> statuses_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Statement> add_result_, add_timing_;
};

// What to read of each row: all, or no `report`.
enum class Depth { kTotals, kAll };

// Calls `take` for each row whose digest is right. Rows are read one by one where the file is
// damaged. No file: no rows. Throws DatabaseError for what is no damage (rights, a lock).
Damage ForEachRow(const std::string& path, Depth depth,
                  const std::function<void(const Row&, const Timing&)>& take);

// Statuses by key of the rows that can be read.
std::map<std::string, Status> ReadStatuses(const std::string& path);

// One row by its key, or nothing. Throws DatabaseError.
std::unique_ptr<Row> FindRow(const std::string& path, const std::string& key);

// Adds all rows of `from` to `to`. Of two rows of a key an ok or refused one counts before a failed
// one. Any number of times, in any order, the same contents. Returns what is damaged in `from`.
Damage MergeInto(Ledger& to, const std::string& from);

}  // namespace nibble::study
