// A file of results to which one line is added per image: a long evaluation goes on where it was
// stopped.
//
//   nibble.results/1
//   trace 0123456789abcdef0123456789abcdef
//   design ...
//   images ...
//   scope output
//   <one line of FormatResult per image, from the first on>
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sw/evaluation/result.h"

namespace nibble::evaluation {

// What results depend on: names ("trace", "design", "images", "scope") and hashes or words.
using Identity = std::vector<std::pair<std::string, std::string>>;
std::string ToText(const Identity& identity);  // a line "name value" each

class ResultsFile {
 public:
  // Of the empty path: results are kept in memory alone.
  ResultsFile() = default;
  // Opens or makes the file and reads what is there; a last line without its end, which a crash
  // left, is dropped. Throws trace::FileError where the file holds anything else, results of
  // another identity (naming what differs), or is in use by another process; trace::OutputError.
  ResultsFile(const std::string& path, const Identity& identity);
  ~ResultsFile();
  ResultsFile(ResultsFile&& other) noexcept;
  ResultsFile& operator=(ResultsFile&& other) noexcept;
  ResultsFile(const ResultsFile&) = delete;
  ResultsFile& operator=(const ResultsFile&) = delete;

  const std::vector<ImageResult>& results() const { return results_; }
  // Written before this returns. Throws trace::OutputError.
  void Append(const ImageResult& result);

 private:
  [[noreturn]] void Fail(const std::string& what) const;
  [[noreturn]] void FailToWrite() const;  // what errno says
  void Write(const std::string& text);
  void Load(const std::string& text, const Identity& identity);

  std::string path_;
  int fd_ = -1;
  std::vector<ImageResult> results_;
};

}  // namespace nibble::evaluation
