#include "tests/golden_vectors/directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <system_error>

namespace nibble::golden_vectors {
namespace {

using nlohmann::json;
// Calls `check` for every record of `file`.
using Reader = void (*)(std::istream& file,
                        const std::function<void(const json&, int line)>& check);

void ReadLines(std::istream& file, const std::function<void(const json&, int)>& check) {
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    try {
      check(json::parse(line), number);
    } catch (const std::exception& error) {
      throw BadFile(fmt::format("line {}: {}", number, error.what()));
    }
  }
}

void ReadCsv(std::istream& file, const std::function<void(const json&, int)>& check) {
  std::string line;
  std::getline(file, line);  // header
  for (int number = 2; std::getline(file, line); ++number) {
    const size_t a = line.find(','), b = line.rfind(',');
    if (a == std::string::npos || a == b) {
      throw BadFile(fmt::format("line {}: expected three columns", number));
    }
    try {
      check({{"x", line.substr(0, a)},
             {"first", line.substr(a + 1, b - a - 1)},
             {"second", line.substr(b + 1)}},
            number);
    } catch (const std::exception& error) {
      throw BadFile(fmt::format("line {}: {}", number, error.what()));
    }
  }
}

void ReadList(std::istream& file, const std::function<void(const json&, int)>& check) {
  const json list = json::parse(file);
  int number = 0;
  for (const json& record : list) check(record, ++number);
}

void ReadTables(std::istream& file, const std::function<void(const json&, int)>& check) {
  const json tables = json::parse(file);
  int number = 0;
  for (const auto& [format, values] : tables.items()) {
    ++number;
    if (values.is_array()) check({{"format", format}, {"values", values}}, number);
  }
}

struct Kind {
  const char* prefix;
  const char* extension;
  Reader read;
  void (*check)(const std::string& stem, Record& record);
};

template <void (*check)(Record&)>
void Check(const std::string& /*stem*/, Record& record) {
  check(record);
}

constexpr const char* kEncodePrefix = "encode_";

void CheckEncodeFile(const std::string& stem, Record& record) {
  CheckEncode(stem.substr(std::string(kEncodePrefix).size()), record);
}

// The first that fits decides.
const Kind kKinds[] = {{"decode_tables", ".json", ReadTables, Check<CheckDecodeTable>},
                       {kEncodePrefix, ".csv", ReadCsv, CheckEncodeFile},
                       {"scale_swizzle", ".json", ReadList, Check<CheckSwizzle>},
                       {"nvfp4_quant", ".jsonl", ReadLines, Check<CheckNvfp4Quant>},
                       {"mx_quant", ".jsonl", ReadLines, Check<CheckMxQuant>},
                       {"other_quant", ".jsonl", ReadLines, Check<CheckOtherQuant>},
                       {"dot_mixed_weights", ".jsonl", ReadLines, Check<CheckDotMixedWeights>},
                       {"dot", ".jsonl", ReadLines, Check<CheckDot>}};

const Kind* KindOf(const std::filesystem::path& file) {
  for (const Kind& kind : kKinds) {
    if (file.filename().string().rfind(kind.prefix, 0) == 0 && file.extension() == kind.extension) {
      return &kind;
    }
  }
  return nullptr;
}

}  // namespace

std::vector<std::string> KnownFiles(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (KindOf(entry.path()) != nullptr) files.push_back(entry.path().filename().string());
  }
  if (error) throw BadFile(fmt::format("{}: {}", directory, error.message()));
  std::sort(files.begin(), files.end());
  return files;
}

FileResult CheckFile(const std::string& directory, const std::string& file) {
  const std::filesystem::path path = std::filesystem::path(directory) / file;
  const Kind* kind = KindOf(path);
  if (kind == nullptr) throw BadFile(fmt::format("{}: no check knows this name", path.string()));
  std::ifstream stream(path);
  if (!stream) throw BadFile(fmt::format("{}: cannot be opened", path.string()));

  FileResult result;
  result.file = file;
  try {
    kind->read(stream, [&](const json& json_record, int line) {
      Record record(json_record, line, result);
      kind->check(path.stem().string(), record);
      ++result.records;
    });
    if (stream.bad()) throw BadFile("reading failed");
    if (result.records == 0) throw BadFile("holds no record");
  } catch (const Mismatch& mismatch) {
    result.mismatch = mismatch;
  } catch (const std::exception& error) {
    throw BadFile(fmt::format("{}: {}", path.string(), error.what()));
  }
  return result;
}

}  // namespace nibble::golden_vectors
