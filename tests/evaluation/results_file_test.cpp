// A file of results is worth what was written to it, whenever its writer ended.
#include "sw/evaluation/results_file.h"

#include <catch2/catch.hpp>

#include "sw/trace/file.h"
#include "sw/trace/whole_file.h"
#include "tests/evaluation/small_set.h"

namespace nibble::evaluation {
namespace {

const Identity kIdentity{{"trace", "aa"}, {"design", "bb"}, {"images", "cc"}, {"scope", "output"}};

ImageResult Numbered(int i) {
  ImageResult r;
  r.top.fill(i);
  r.sqnr_db = i;
  return r;
}

// A file of `count` results, as bytes.
std::string Written(const test::TemporaryFolder& folder, int count) {
  const std::string path = folder / "written";
  std::filesystem::remove(path);
  ResultsFile file(path, kIdentity);
  for (int i = 0; i < count; ++i) file.Append(Numbered(i));
  return test::FileText(path);
}

TEST_CASE("torn anywhere, a file goes on and ends with the same bytes") {
  const test::TemporaryFolder folder;
  const std::string whole = Written(folder, 3), path = folder / "torn";
  for (size_t length = 0; length <= whole.size(); ++length) {
    test::WriteText(path, whole.substr(0, length));
    {
      ResultsFile file(path, kIdentity);
      for (int i = static_cast<int>(file.results().size()); i < 3; ++i) file.Append(Numbered(i));
    }
    CAPTURE(length);
    REQUIRE(test::FileText(path) == whole);
  }
}

TEST_CASE("results of anything else are refused by what differs") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "written";
  Written(folder, 1);
  for (size_t i = 0; i < kIdentity.size(); ++i) {
    Identity other = kIdentity;
    other[i].second = "other";
    CHECK_THROWS_WITH(ResultsFile(path, other),
                      Catch::Contains("results of another " + other[i].first));
  }
  test::WriteText(path, "something else\n");
  CHECK_THROWS_WITH(ResultsFile(path, kIdentity), Catch::Contains("no file of results"));
  test::WriteText(path, Written(folder, 1) + "top 1\n");
  CHECK_THROWS_WITH(ResultsFile(path, kIdentity), Catch::Contains("line 7"));
  CHECK_THROWS_AS(ResultsFile(folder / "no/such/folder", kIdentity), trace::OutputError);
}

TEST_CASE("two writers are one too many") {
  const test::TemporaryFolder folder;
  const ResultsFile first(folder / "file", kIdentity);
  CHECK_THROWS_WITH(ResultsFile(folder / "file", kIdentity), Catch::Contains("in use"));
}

TEST_CASE("without a path results are kept in memory") {
  ResultsFile file("", kIdentity);
  file.Append(Numbered(7));
  CHECK(file.results().at(0).top[0] == 7);
}

}  // namespace
}  // namespace nibble::evaluation
