#include "sw/study/ledger.h"

#include <fmt/format.h>
#include <xxhash.h>
#include <zlib.h>

#include <filesystem>
#include <optional>
#include <set>

namespace nibble::study {

namespace fs = std::filesystem;

namespace {

constexpr int kDeflateLevel = 6;  // of a report of 300 KB it makes 27 KB in 2.5 ms
constexpr int kFormat = 1;        // user_version of the file
constexpr int64_t kMaxReportBytes = int64_t{1} << 30;

constexpr char kTables[] =
    "CREATE TABLE results(key TEXT NOT NULL UNIQUE, platform TEXT NOT NULL, "
    "status TEXT NOT NULL, error TEXT NOT NULL, parameters TEXT NOT NULL, totals TEXT NOT NULL, "
    "report BLOB NOT NULL, report_bytes INTEGER NOT NULL, digest INTEGER NOT NULL);"
    "CREATE TABLE timings(key TEXT PRIMARY KEY, wall_s REAL NOT NULL, "
    "cpu_s REAL NOT NULL, host TEXT NOT NULL);";

constexpr char kSelect[] =
    "SELECT key, platform, status, error, parameters, totals, digest, report, report_bytes "
    "FROM results ";

std::string Deflate(const std::string& text) {
  uLongf size = compressBound(text.size());
  std::string bytes(size, '\0');
  if (compress2(reinterpret_cast<Bytef*>(bytes.data()), &size,
                reinterpret_cast<const Bytef*>(text.data()), text.size(), kDeflateLevel) != Z_OK) {
    throw std::bad_alloc();
  }
  bytes.resize(size);
  return bytes;
}

std::optional<std::string> Inflate(const std::string& bytes, int64_t size) {
  if (size < 0 || size > kMaxReportBytes) return std::nullopt;
  std::string text(static_cast<size_t>(size), '\0');
  uLongf length = text.size();
  if (uncompress(reinterpret_cast<Bytef*>(text.data()), &length,
                 reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()) != Z_OK ||
      length != text.size()) {
    return std::nullopt;
  }
  return text;
}

// SQLite has no checksums of its pages, and a flipped bit in a row would go unseen.
int64_t Digest(const std::vector<std::string>& columns) {
  std::string all;
  for (const std::string& column : columns) {
    all += std::to_string(column.size()) + ':' + column;
  }
  return static_cast<int64_t>(XXH3_64bits(all.data(), all.size()));
}

// The row that the statement stands on, unless its digest is wrong.
std::optional<Row> ReadRow(const Statement& s, Depth depth) {
  Row row;
  row.key = s.Text(0);
  row.platform = s.Text(1);
  const std::string status = s.Text(2);
  row.error = s.Text(3);
  row.parameters = s.Text(4);
  row.totals = s.Text(5);
  const std::string deflated = s.Text(7);
  if (Digest({row.key, row.platform, status, row.error, row.parameters, row.totals, deflated}) !=
      s.Integer(6)) {
    return std::nullopt;
  }
  row.status = ParseStatus(status);
  if (depth == Depth::kAll && !deflated.empty()) {
    std::optional<std::string> report = Inflate(deflated, s.Integer(8));
    if (!report) return std::nullopt;
    row.report = std::move(*report);
  }
  return row;
}

// Row by row, each on its own: what lies on good pages is found.
class Salvage {
 public:
  Salvage(const std::string& path, Depth depth,
          const std::function<void(const Row&, const Timing&)>& take)
      : path_(path), depth_(depth), take_(take) {}

  void Run(const std::set<std::string>& taken, size_t& rows) {
    try {
      Database database(path_, Database::Mode::kRead);
      Statement one = database.Prepare(std::string(kSelect) + "WHERE rowid = ?");
      // A row takes a quarter of a page of 4 KiB and more; rows that were replaced leave holes.
      const int64_t last = static_cast<int64_t>(fs::file_size(path_) / 256) + 1000;
      for (int64_t id = 1; id <= last; ++id) {
        try {
          one.Bind(1, id);
          if (!one.Step()) continue;
          const std::optional<Row> row = ReadRow(one, depth_);
          one.Reset();
          if (!row || taken.count(row->key) > 0) continue;
          take_(*row, {});
          ++rows;
        } catch (const DatabaseError& error) {
          if (!error.is_damaged()) throw;
        }
      }
    } catch (const DatabaseError& error) {
      if (!error.is_damaged()) throw;
    }
  }

 private:
  const std::string& path_;
  Depth depth_;
  const std::function<void(const Row&, const Timing&)>& take_;
};

std::string Aside(const std::string& path) {
  for (int n = 1;; ++n) {
    std::string aside = fmt::format("{}.damaged-{}", path, n);
    if (!fs::exists(aside)) return aside;
  }
}

void RemoveDatabase(const std::string& path) {
  fs::remove(path);
  fs::remove(path + "-journal");
}

}  // namespace

Damage ForEachRow(const std::string& path, Depth depth,
                  const std::function<void(const Row&, const Timing&)>& take) {
  Damage damage;
  if (!fs::exists(path)) return damage;
  std::set<std::string> taken;
  try {
    Database database(path, Database::Mode::kRead);
    Statement version = database.Prepare("PRAGMA user_version");
    if (version.Step() && version.Integer(0) > kFormat) {
      throw DatabaseError(path + ": a ledger of a later program", 0);
    }
    version.Reset();
    Statement exists = database.Prepare("SELECT 1 FROM sqlite_master WHERE name = 'results'");
    if (!exists.Step()) return damage;  // a run that was ended at once
    exists.Reset();
    Statement timing = database.Prepare("SELECT wall_s, cpu_s, host FROM timings WHERE key = ?");
    Statement all = database.Prepare(kSelect);
    while (all.Step()) {
      const std::optional<Row> row = ReadRow(all, depth);
      if (!row) {
        damage.why = path + ": a row whose digest is wrong";
        continue;
      }
      Timing time;
      if (timing.Bind(1, row->key).Step()) {
        time = {timing.Real(0), timing.Real(1), timing.Text(2)};
        timing.Reset();
      }
      take(*row, time);
      taken.insert(row->key);
      ++damage.rows;
    }
  } catch (const DatabaseError& error) {
    if (!error.is_damaged()) throw;
    damage.why = error.what();
    Salvage(path, depth, take).Run(taken, damage.rows);
  }
  return damage;
}

std::map<std::string, Status> ReadStatuses(const std::string& path) {
  std::map<std::string, Status> statuses;
  ForEachRow(path, Depth::kTotals,
             [&](const Row& row, const Timing&) { statuses[row.key] = row.status; });
  return statuses;
}

std::unique_ptr<Row> FindRow(const std::string& path, const std::string& key) {
  if (!fs::exists(path)) return nullptr;
  Database database(path, Database::Mode::kRead);
  Statement one = database.Prepare(std::string(kSelect) + "WHERE key = ?");
  if (!one.Bind(1, key).Step()) return nullptr;
  const std::optional<Row> row = ReadRow(one, Depth::kAll);
  return row ? std::make_unique<Row>(*row) : nullptr;
}

Ledger::Ledger(const std::string& path, Damage* damage) : lock_(path + ".lock") {
  const Damage found = ForEachRow(path, Depth::kTotals, [&](const Row& row, const Timing&) {
    statuses_[row.key] = row.status;
  });
  if (!found.why.empty()) {
    const std::string aside = Replace(path);
    if (damage != nullptr)
      *damage = {fmt::format("{}; put aside as {}", found.why, aside), found.rows};
  }
  Open(path);
}

std::string Ledger::Replace(const std::string& path) {
  // In this order: killed at any moment, it leaves all rows in a file that the next run looks into.
  const std::string fresh = path + ".new";
  RemoveDatabase(fresh);
  Open(fresh);
  Begin();
  ForEachRow(path, Depth::kAll, [&](const Row& row, const Timing& time) { Add(row, time); });
  Commit();
  Close();
  std::string aside = Aside(path);
  fs::copy_file(path, aside);
  fs::remove(path + "-journal");  // of the damaged file
  fs::rename(fresh, path);
  RemoveDatabase(fresh);
  return aside;
}

void Ledger::Close() {
  add_result_.reset();
  add_timing_.reset();
  database_.reset();
}

void Ledger::Open(const std::string& path) {
  database_ = std::make_unique<Database>(path, Database::Mode::kWrite);
  // A journal that is cut to nothing and not removed: one operation of the file system less, and
  // no name that comes and goes on a network's file system.
  database_->Execute("PRAGMA journal_mode = truncate; PRAGMA synchronous = normal;");
  Statement version = database_->Prepare("PRAGMA user_version");
  const bool is_new = version.Step() && version.Integer(0) == 0;
  version.Reset();
  if (is_new) {
    database_->Execute(
        fmt::format("BEGIN; {} PRAGMA user_version = {}; COMMIT;", kTables, kFormat));
  }
  add_result_ = std::make_unique<Statement>(
      database_->Prepare("INSERT OR REPLACE INTO results VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  add_timing_ = std::make_unique<Statement>(
      database_->Prepare("INSERT OR REPLACE INTO timings VALUES(?, ?, ?, ?)"));
}

void Ledger::Begin() { database_->Execute("BEGIN"); }
void Ledger::Commit() { database_->Execute("COMMIT"); }

namespace {

void AddResult(Statement& s, const Row& row) {
  const std::string status = StatusName(row.status);
  const std::string report = row.report.empty() ? "" : Deflate(row.report);
  s.Bind(1, row.key).Bind(2, row.platform).Bind(3, status).Bind(4, row.error);
  s.Bind(5, row.parameters).Bind(6, row.totals).BindBlob(7, report);
  s.Bind(8, static_cast<int64_t>(row.report.size()));
  s.Bind(9, Digest({row.key, row.platform, status, row.error, row.parameters, row.totals, report}));
  s.Step();
}

}  // namespace

void Ledger::Add(const Row& row, const Timing& timing) {
  database_->Execute("SAVEPOINT row");
  try {
    AddResult(*add_result_, row);
    add_timing_->Bind(1, row.key).Bind(2, timing.wall_s).Bind(3, timing.cpu_s);
    add_timing_->Bind(4, timing.host).Step();
    database_->Execute("RELEASE row");
    statuses_[row.key] = row.status;
  } catch (const DatabaseError&) {
    try {
      database_->Execute("ROLLBACK");
    } catch (const DatabaseError&) {  // SQLite has rolled back by itself
    }
    throw;
  }
}

Damage MergeInto(Ledger& to, const std::string& from) {
  to.Begin();
  Damage damage = ForEachRow(from, Depth::kAll, [&](const Row& row, const Timing& timing) {
    const auto at = to.statuses().find(row.key);
    if (at != to.statuses().end() &&
        (row.status == Status::kFailed || at->second != Status::kFailed)) {
      return;  // there is one as good
    }
    to.Add(row, timing);
  });
  to.Commit();
  return damage;
}

}  // namespace nibble::study
