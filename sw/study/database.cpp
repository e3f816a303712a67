#include "sw/study/database.h"

#include <sqlite3.h>

namespace nibble::study {

namespace {

// How long another process may hold the file: a merge reads while a shard commits.
constexpr int kBusyMilliseconds = 10000;

}  // namespace

bool DatabaseError::is_full() const { return code_ == SQLITE_FULL || code_ == SQLITE_IOERR; }
bool DatabaseError::is_damaged() const { return code_ == SQLITE_CORRUPT || code_ == SQLITE_NOTADB; }

Statement::~Statement() { sqlite3_finalize(handle_); }

Statement& Statement::Bind(int parameter, const std::string& text) {
  sqlite3_bind_text64(handle_, parameter, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::BindBlob(int parameter, const std::string& bytes) {
  sqlite3_bind_blob64(handle_, parameter, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::Bind(int parameter, int64_t number) {
  sqlite3_bind_int64(handle_, parameter, number);
  return *this;
}

Statement& Statement::Bind(int parameter, double number) {
  sqlite3_bind_double(handle_, parameter, number);
  return *this;
}

bool Statement::Step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(handle_);
    return false;
  }
  sqlite3* const database = sqlite3_db_handle(handle_);
  const DatabaseError error(
      std::string(sqlite3_db_filename(database, "main")) + ": " + sqlite3_errmsg(database),
      code & 0xff);
  sqlite3_reset(handle_);
  throw DatabaseError(error);
}

void Statement::Reset() { sqlite3_reset(handle_); }

std::string Statement::Text(int column) const {
  const void* data = sqlite3_column_blob(handle_, column);
  const int size = sqlite3_column_bytes(handle_, column);
  return data == nullptr ? "" : std::string(static_cast<const char*>(data), size);
}

int64_t Statement::Integer(int column) const { return sqlite3_column_int64(handle_, column); }
double Statement::Real(int column) const { return sqlite3_column_double(handle_, column); }

Database::Database(const std::string& path, Mode mode) : path_(path) {
  if (mode == Mode::kWrite) {
    Open(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    return;
  }
  Open(SQLITE_OPEN_READONLY);
  // A process that was killed while it committed leaves a journal, which the next to open the file
  // rolls back; that takes the right to write.
  const int code = sqlite3_exec(handle_, "SELECT 1 FROM sqlite_master", nullptr, nullptr, nullptr);
  if (code != SQLITE_READONLY && code != SQLITE_CANTOPEN) return;
  sqlite3_close(handle_);
  Open(SQLITE_OPEN_READWRITE);
}

void Database::Open(int flags) {
  const int code = sqlite3_open_v2(path_.c_str(), &handle_, flags, nullptr);
  if (code != SQLITE_OK) {
    const DatabaseError error(path_ + ": " + sqlite3_errmsg(handle_), code & 0xff);
    sqlite3_close(handle_);
    throw DatabaseError(error);
  }
  sqlite3_busy_timeout(handle_, kBusyMilliseconds);
}

Database::~Database() { sqlite3_close(handle_); }

void Database::Fail(int code) const {
  throw DatabaseError(path_ + ": " + sqlite3_errmsg(handle_), code & 0xff);
}

void Database::Execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) Fail(code);
}

Statement Database::Prepare(const std::string& sql) {
  sqlite3_stmt* handle = nullptr;
  const int code =
      sqlite3_prepare_v2(handle_, sql.c_str(), static_cast<int>(sql.size()), &handle, nullptr);
  if (code != SQLITE_OK) Fail(code);
  return Statement(handle);
}

}  // namespace nibble::study
