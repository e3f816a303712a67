// Golden vectors of an independent implementation, bit for bit (tests/data/golden/README.md);
// NIBBLE_GOLDEN_DIR names another directory. And that the check finds what is wrong.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "tests/golden_vectors/directory.h"

namespace nibble::golden_vectors {
namespace {

std::string Directory() {
  const char* directory = std::getenv("NIBBLE_GOLDEN_DIR");
  return directory != nullptr ? directory : NIBBLE_SOURCE_DIR "/tests/data/golden";
}

std::string Read(const std::string& file) {
  std::ifstream stream(Directory() + "/" + file);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

// A directory of one test, removed at its end.
class Scratch {
 public:
  explicit Scratch(const std::string& name)
      : path_(std::filesystem::temp_directory_path() /
              ("nibble_" + name + "_" + std::to_string(std::random_device{}()))) {
    std::filesystem::create_directories(path_);
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string path() const { return path_.string(); }
  void Write(const std::string& file, const std::string& text) const {
    std::ofstream(path_ / file) << text;
  }

 private:
  std::filesystem::path path_;
};

// The check of `file` with digit `at` of the value of `field` in line `line` changed to another.
FileResult CheckChanged(const std::string& file, int line, const std::string& field, size_t at) {
  std::string text = Read(file);
  size_t begin = 0;
  for (int i = 1; i < line; ++i) begin = text.find('\n', begin) + 1;
  const std::string key = "\"" + field + "\":";
  const size_t value = text.find('"', text.find(key, begin) + key.size()) + 1;
  char& digit = text[value + at];
  digit = digit == '0' ? '1' : '0';
  const Scratch scratch("changed");
  scratch.Write(file, text);
  return CheckFile(scratch.path(), file);
}

TEST_CASE("the numerics match the golden vectors", "[golden]") {
  const std::vector<std::string> files = KnownFiles(Directory());
  REQUIRE(!files.empty());
  for (const std::string& file : files) {
    const FileResult result = CheckFile(Directory(), file);
    INFO(file << ": " << (result.mismatch ? result.mismatch->Text() : "equal"));
    CHECK(!result.mismatch);
    if (file.rfind("dot", 0) == 0) CHECK(result.not_checked.empty());  // every accumulator
    CHECK(result.values >= result.records);
  }
}

TEST_CASE("the committed golden vectors cover every kind of file") {
  if (std::getenv("NIBBLE_GOLDEN_DIR") != nullptr) return;
  const std::vector<std::string> files = KnownFiles(Directory());
  CHECK(files == std::vector<std::string>{"decode_tables.json", "dot.jsonl",
                                          "dot_mixed_weights.jsonl", "encode_e2m1.csv",
                                          "encode_e2m3.csv", "encode_e3m2.csv", "encode_e4m3.csv",
                                          "encode_e5m2.csv", "encode_e8m0.csv", "mx_quant.jsonl",
                                          "nvfp4_quant.jsonl", "nvfp4_quant_profiles.jsonl",
                                          "other_quant.jsonl", "scale_swizzle_128x4.json"});
}

TEST_CASE("a changed digit is found, and where it is") {
  struct Change {
    const char *file, *field;
    int line;
    size_t digit, index;
  };
  for (const Change& c :
       {Change{"nvfp4_quant.jsonl", "dequant", 3, 83, 10},
        Change{"nvfp4_quant.jsonl", "s_dec", 2, 7, 0},
        Change{"nvfp4_quant_profiles.jsonl", "packed", 5, 1, 0},
        Change{"mx_quant.jsonl", "scales", 4, 3, 1}, Change{"other_quant.jsonl", "codes", 1, 3, 1},
        Change{"dot.jsonl", "y_d0", 6, 0, 0},
        Change{"dot_mixed_weights.jsonl", "acc_term_rne", 2, 5, 0}}) {
    const FileResult result = CheckChanged(c.file, c.line, c.field, c.digit);
    INFO(c.file << " " << c.field);
    REQUIRE(result.mismatch);
    CHECK(result.mismatch->file == c.file);
    CHECK(result.mismatch->line == c.line);
    CHECK(result.mismatch->field == c.field);
    CHECK(result.mismatch->index == c.index);
    CHECK(result.mismatch->expected != result.mismatch->got);
    CHECK(result.records == static_cast<uint64_t>(c.line - 1));
  }
}

TEST_CASE("files that are not what their name says are refused by name and line") {
  const Scratch scratch("bad");
  const auto check = [&](const std::string& file, const std::string& text) {
    scratch.Write(file, text);
    return CheckFile(scratch.path(), file);
  };
  using Catch::Contains;
  CHECK_THROWS_WITH(check("dot.jsonl", "{\"K\": 64}\n"), Contains("dot.jsonl: line 1"));
  CHECK_THROWS_WITH(check("mx_quant.jsonl", Read("mx_quant.jsonl") + "no json\n"),
                    Contains("mx_quant.jsonl: line "));
  CHECK_THROWS_WITH(check("encode_e4m3.csv", "header\n3f800000,38\n"), Contains("line 2"));
  CHECK_THROWS_WITH(check("encode_e4m3.csv", "header\n3f80000x,38,38\n"), Contains("'x'"));
  CHECK_THROWS_WITH(check("nvfp4_quant.jsonl", ""), Contains("no record"));
  CHECK_THROWS_WITH(check("scale_swizzle.json", "[{"), Contains("scale_swizzle.json"));
  CHECK_THROWS_AS(CheckFile(scratch.path(), "dot_missing.jsonl"), BadFile);
  CHECK_THROWS_AS(KnownFiles(scratch.path() + "/missing"), BadFile);
}

TEST_CASE("dot products of a partial last block may come padded or not") {
  // K = 3, B = 8: (1 * 2 + 2 * 2 + 3 * 2) * 1 * 1 = 12.
  const char* const codes[] = {"4205", "42050000"};
  for (const char* a : codes) {
    const std::string b = std::string(a).size() == 4 ? "4404" : "44040000";
    const Scratch scratch("partial");
    scratch.Write("dot.jsonl", R"({"K":3,"B":8,"a_packed":")" + std::string(a) +
                                   R"(","b_packed":")" + b +
                                   R"(","a_scales":"38","b_scales":"38","s_dec_a":"3f800000",)"
                                   R"("s_dec_b":"3f800000","y_d0":"41400000",)"
                                   R"("acc":{"d0_block_fp32_rne":"41400000"}})"
                                   "\n");
    const FileResult result = CheckFile(scratch.path(), "dot.jsonl");
    INFO(a << ": " << (result.mismatch ? result.mismatch->Text() : "equal"));
    CHECK(!result.mismatch);
  }
}

TEST_CASE("what no check knows is counted, not passed over") {
  const Scratch scratch("unknown");
  scratch.Write("encode_e9m9.csv", "header\n3f800000,38,38\n");
  const FileResult result = CheckFile(scratch.path(), "encode_e9m9.csv");
  CHECK(result.not_checked.at("format e9m9") == 1);
  CHECK(result.values == 0);
}

}  // namespace
}  // namespace nibble::golden_vectors
