#include "sw/compiler/images.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <limits>
#include <random>

#include "sw/compiler/compiler.h"
#include "sw/trace/file.h"
#include "tests/trace/small_network.h"

namespace nibble::compiler {
namespace {

using Catch::Matchers::Contains;

std::vector<uint8_t> Npy(const std::string& dictionary, const std::vector<uint8_t>& data,
                         int version = 1) {
  std::vector<uint8_t> file = {0x93, 'N', 'U', 'M', 'P', 'Y', static_cast<uint8_t>(version), 0};
  const std::string header = dictionary + "\n";
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) {
    file.push_back(static_cast<uint8_t>(header.size() >> (8 * i)));
  }
  file.insert(file.end(), header.begin(), header.end());
  file.insert(file.end(), data.begin(), data.end());
  return file;
}

// Two images of 6 x 5 x 3, as the small network takes them.
constexpr size_t kElements = 2 * 6 * 5 * 3;
constexpr char kBytes[] = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 6, 5, 3), }";
constexpr char kFloats[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 6, 5, 3), }";

std::vector<uint8_t> Counting(size_t count) {
  std::vector<uint8_t> data(count);
  for (size_t i = 0; i < count; ++i) data[i] = static_cast<uint8_t>(i);
  return data;
}

std::string MessageFor(const std::vector<uint8_t>& file) {
  const test::TemporaryDirectory directory;
  test::WriteFile(directory / "x.npy", file);
  try {
    const ImageSet set(directory / "x.npy");
    return "";
  } catch (const trace::FileError& e) {
    return e.what();
  }
}

TEST_CASE("uint8 images pass through the preprocess") {
  const test::TemporaryDirectory directory;
  const trace::Network net = test::SmallNetwork();  // mean .5 .25 .125, stddev .5 .5 .75
  for (const int version : {1, 2, 3}) {
    test::WriteFile(directory / "x.npy", Npy(kBytes, Counting(kElements), version));
    const ImageSet set(directory / "x.npy");
    REQUIRE(set.count() == 2);
    REQUIRE_NOTHROW(set.CheckShape(net));
    const std::vector<float> x = set.Input(1, net);
    REQUIRE(x.size() == 90);
    REQUIRE(x[0] == (90.0f / 255.0f - 0.5f) / 0.5f);
    REQUIRE(x[4] == (94.0f / 255.0f - 0.25f) / 0.5f);
    REQUIRE(x[89] == (179.0f / 255.0f - 0.125f) / 0.75f);
    REQUIRE_THROWS_AS(set.Input(2, net), std::out_of_range);
    REQUIRE_THROWS_AS(set.Input(-1, net), std::out_of_range);
    REQUIRE_THROWS_WITH(set.Input(0, BuildNetwork("mobilenet_v2", 32)),
                        Contains("6x5x3") && Contains("32x32x3"));
  }
}

TEST_CASE("float images are inputs as they are") {
  const test::TemporaryDirectory directory;
  std::vector<float> values(kElements);
  for (size_t i = 0; i < kElements; ++i) values[i] = static_cast<float>(i) / 7 - 5;
  std::vector<uint8_t> data(kElements * 4);
  std::memcpy(data.data(), values.data(), data.size());
  test::WriteFile(directory / "x.npy", Npy(kFloats, data));
  const ImageSet set(directory / "x.npy");
  REQUIRE(set.Input(1, test::SmallNetwork()) ==
          std::vector<float>(values.begin() + 90, values.end()));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(&data[4 * 17], &nan, 4);
  REQUIRE_THAT(MessageFor(Npy(kFloats, data)), Contains("element 17 is not finite"));
}

TEST_CASE("what is wrong with a .npy file is said") {
  const std::vector<uint8_t> data = Counting(kElements);
  const auto with = [&](const std::string& dictionary) {
    return MessageFor(Npy(dictionary, data));
  };
  REQUIRE(with(kBytes).empty());
  REQUIRE(with("{\"shape\":(2,6,5,3),\"descr\":\"|u1\",\"fortran_order\":False}").empty());
  CHECK_THAT(with("{'descr': '<i8', 'fortran_order': False, 'shape': (2, 6, 5, 3), }"),
             Contains("'<i8'"));
  CHECK_THAT(with("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 6, 5, 3), }"),
             Contains("fortran_order"));
  CHECK_THAT(with("{'descr': '|u1', 'fortran_order': False, 'shape': (180,), }"),
             Contains("1 dimensions"));
  CHECK_THAT(with("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 6, 5, -3), }"),
             Contains("dimension 3"));
  CHECK_THAT(with("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 6, 5, 4), }"),
             Contains("180 bytes of elements, expected 240"));
  CHECK_THAT(with("{'descr': '|u1', 'fortran_order': False, 'shape': (2147483647, 65535, 65535, "
                  "65535), }"),
             Contains("more than"));
  CHECK_THAT(with("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999, 1, 1, "
                  "1), }"),
             Contains("expected a number"));
  CHECK_THAT(with("{'descr': '|u1', 'shape': (2, 6, 5, 3), }"), Contains("missing"));
  CHECK_THAT(with("{'descr': '|u1'"), Contains("expected"));
  CHECK_THAT(MessageFor(Npy(kBytes, data, 4)), Contains("version 4.0"));
  CHECK_THAT(MessageFor({'h', 'e', 'l', 'l', 'o', ' ', 'y', 'o', 'u'}), Contains("not a .npy"));
  CHECK_THAT(MessageFor({}), Contains("ends within"));
}

TEST_CASE("damaged .npy headers never crash") {
  const std::vector<uint8_t> file = Npy(kBytes, Counting(kElements));
  std::mt19937 random(1);
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    std::vector<uint8_t> damaged = file;
    damaged[random() % (file.size() - kElements)] = static_cast<uint8_t>(random());
    refused += !MessageFor(damaged).empty();
  }
  REQUIRE(refused > 200);  // a space for a space changes nothing
}

std::vector<int> Labels(const std::string& text) {
  const test::TemporaryDirectory directory;
  test::WriteFile(directory / "labels.csv", {text.begin(), text.end()});
  return ReadLabels(directory / "labels.csv");
}

TEST_CASE("labels are classes, or rows and classes") {
  REQUIRE(Labels("3\n1\n\n# note\n4\n") == std::vector<int>{3, 1, 4});
  REQUIRE(Labels("# row,class,file\n0,5,a.jpg\r\n1,9,b.jpg") == std::vector<int>{5, 9});
  REQUIRE(Labels("index,label\n0,6\n1,7\n") == std::vector<int>{6, 7});
  REQUIRE_THROWS_WITH(Labels("3\nx\n"), Contains(":2: class"));
  REQUIRE_THROWS_WITH(Labels("-1\n"), Contains(":1: class"));
  REQUIRE_THROWS_WITH(Labels("3 4\n"), Contains(":1: class"));
  REQUIRE_THROWS_WITH(Labels("0,1\n2,1\n"), Contains(":2: row is \"2\", expected 1"));
  REQUIRE_THROWS_WITH(Labels("0,1\nrow,class\n"), Contains(":2: class"));
  REQUIRE_THROWS_WITH(Labels("99999999999\n"), Contains(":1: class"));
  REQUIRE_THROWS_WITH(Labels("# nothing\n"), Contains("no labels"));
  REQUIRE_THROWS_AS(ReadLabels("/nonexistent/labels.csv"), trace::FileError);
}

}  // namespace
}  // namespace nibble::compiler
