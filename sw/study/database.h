// SQLite with errors as exceptions and handles that close themselves.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

struct sqlite3;
struct sqlite3_stmt;

namespace nibble::study {

class DatabaseError : public std::runtime_error {
 public:
  DatabaseError(const std::string& what, int code) : std::runtime_error(what), code_(code) {}
  bool is_full() const;     // no room on the disk, or a limit of file size
  bool is_damaged() const;  // not a database, or one whose pages do not fit together

 private:
  int code_;  // SQLite's, without extension
};

class Statement {
 public:
  Statement(Statement&& other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Parameters count from 1. Text and blobs are copied.
  Statement& Bind(int parameter, const std::string& text);
  Statement& BindBlob(int parameter, const std::string& bytes);
  Statement& Bind(int parameter, int64_t number);
  Statement& Bind(int parameter, double number);
  // True: there is a row. False: done, and reset for the next use. Throws DatabaseError, reset too.
  bool Step();
  void Reset();
  // Columns count from 0.
  std::string Text(int column) const;  // of a blob its bytes
  int64_t Integer(int column) const;
  double Real(int column) const;

 private:
  friend class Database;
  explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}
  sqlite3_stmt* handle_;
};

class Database {
 public:
  enum class Mode { kRead, kWrite };  // kWrite makes the file where there is none
  // Throws DatabaseError, whose text starts with the path.
  Database(const std::string& path, Mode mode);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void Execute(const std::string& sql);
  Statement Prepare(const std::string& sql);

 private:
  void Open(int flags);
  [[noreturn]] void Fail(int code) const;
  sqlite3* handle_ = nullptr;
  std::string path_;
};

}  // namespace nibble::study
