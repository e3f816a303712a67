// Files of golden vectors: their records, typed access to the fields, and the comparison that
// remembers the first difference.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace nibble::golden_vectors {

// A file that cannot be read as what its name says. Names file and line.
class BadFile : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Mismatch {
  std::string file;
  int line = 0;  // of the file; of the list, for a JSON file that is one list
  std::string field;
  size_t index = 0;  // within the field
  std::string expected, got;

  std::string Text() const;
};

// What came of one file. Its check ends at the first mismatch.
struct FileResult {
  std::string file;
  uint64_t records = 0;
  uint64_t values = 0;                          // compared, each one code, byte or word
  std::map<std::string, uint64_t> not_checked;  // field or kind that no check knows, and how often
  std::optional<Mismatch> mismatch;
};

// One record under check.
class Record {
 public:
  Record(const nlohmann::json& json, int line, FileResult& result)
      : json_(json), line_(line), result_(result) {}

  const nlohmann::json& json() const { return json_; }
  bool Has(const char* field) const { return json_.contains(field); }
  int Int(const char* field) const { return json_.at(field).get<int>(); }
  std::string Text(const char* field) const { return json_.at(field).get<std::string>(); }
  // Hexadecimal numbers of `digits` digits each, concatenated.
  std::vector<uint32_t> Hex(const char* field, size_t digits) const;
  std::vector<uint8_t> Bytes(const char* field) const;
  std::vector<float> Floats(const char* field) const;
  float Float(const char* field) const { return Floats(field).at(0); }

  // Throws Mismatch at the first difference, a difference of length included.
  void Expect(const std::string& field, const std::vector<uint32_t>& expected,
              const std::vector<uint32_t>& got, int digits);
  void Expect(const std::string& field, uint32_t expected, uint32_t got, int digits) {
    Expect(field, std::vector<uint32_t>{expected}, std::vector<uint32_t>{got}, digits);
  }
  void ExpectWords(const char* field, const std::vector<float>& got);
  void ExpectBytes(const char* field, const std::vector<uint8_t>& got);

  void NotChecked(const std::string& what) { ++result_.not_checked[what]; }

 private:
  const nlohmann::json& json_;
  int line_;
  FileResult& result_;
};

std::vector<uint32_t> ParseHex(const std::string& text, size_t digits);

// The checks: vectors of quantisers, of dot products, of element and scale formats.
void CheckNvfp4Quant(Record& record);
void CheckMxQuant(Record& record);
void CheckOtherQuant(Record& record);
void CheckDot(Record& record);
void CheckDotMixedWeights(Record& record);
void CheckSwizzle(Record& record);
// One line of an encode_FORMAT.csv as {"x", "first", "second"}, and one table of decode_tables.json
// as {"format", "values"}; every name that is no format counts as not checked.
void CheckEncode(const std::string& format, Record& record);
void CheckDecodeTable(Record& record);

}  // namespace nibble::golden_vectors
