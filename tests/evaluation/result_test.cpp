// What is kept of an image, and what images add up to.
#include "sw/evaluation/result.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "tests/golden/random_network.h"

namespace nibble::evaluation {
namespace {

TEST_CASE("shares have the intervals of Newcombe's table of the score method") {
  // R. G. Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3.
  struct Row {
    int hits, of;
    double low, high;
  };
  for (const Row& row : {Row{81, 263, 25.53, 36.62}, Row{15, 148, 6.24, 16.05},
                         Row{0, 20, 0.00, 16.11}, Row{1, 29, 0.61, 17.18}}) {
    const Proportion p{row.hits, row.of};
    CHECK(p.low() == Approx(row.low).margin(0.005));
    CHECK(p.high() == Approx(row.high).margin(0.005));
  }
}

TEST_CASE("an end of an interval is as far from the share as its own deviation says") {
  // Wilson's definition: |p - share| = z sqrt(p (1 - p) / n) at both ends p.
  for (const int n : {1, 7, 100, 5000}) {
    for (int hits = 0; hits <= n; hits += std::max(1, n / 9)) {
      const Proportion share{hits, n};
      for (const double end : {share.low(), share.high()}) {
        const double p = end / 100, z = std::abs(p - 1.0 * hits / n) / std::sqrt(p * (1 - p) / n);
        CAPTURE(n, hits, end);
        if (p > 1e-9 && p < 1 - 1e-9) CHECK(z == Approx(1.959963984540054).epsilon(1e-6));
      }
      CHECK(share.low() <= share.percent() + 1e-9);
      CHECK(share.high() >= share.percent() - 1e-9);
      // Hits and misses change places.
      CHECK(share.low() == Approx(100 - Proportion{n - hits, n}.high()).margin(1e-9));
    }
  }
  CHECK(Proportion{}.low() == 0);
  CHECK(Proportion{}.high() == 100);
}

TEST_CASE("results come back from their lines as they were") {
  test::Random random(5);
  for (int i = 0; i < 50; ++i) {
    ImageResult r;
    for (int& c : r.top) c = random.Integer(-1, 999);
    for (int& c : r.fp32_top) c = random.Integer(-1, 999);
    r.sqnr_db = random.Integer(-10000, 20000) / 100.0;
    for (int l = random.Integer(0, 5); l > 0; --l) {
      r.layer_sqnr_db.push_back(random.Integer(-10000, 20000) / 100.0);
    }
    const ImageResult back = ParseResult(FormatResult(r));
    CHECK(back.top == r.top);
    CHECK(back.fp32_top == r.fp32_top);
    CHECK(back.sqnr_db == r.sqnr_db);
    CHECK(back.layer_sqnr_db == r.layer_sqnr_db);
  }
  const std::string line = FormatResult(ImageResult{});
  CHECK_NOTHROW(ParseResult(line));
  CHECK_THROWS_AS(ParseResult(line + " 1"), std::invalid_argument);
  CHECK_THROWS_AS(ParseResult(line.substr(0, line.size() / 2)), std::invalid_argument);
  CHECK_THROWS_AS(ParseResult("top 1 2 3 4 x" + line.substr(5)), std::invalid_argument);
  CHECK_THROWS_AS(ParseResult(""), std::invalid_argument);
}

TEST_CASE("SQNR is bounded, so that it has a mean") {
  CHECK(BoundedSqnr({1, 2}, {1, 2}) == kExactDb);
  CHECK(BoundedSqnr({1, 0}, {std::numeric_limits<float>::quiet_NaN(), 0}) == kLostDb);
  CHECK(BoundedSqnr({1, 0}, {std::numeric_limits<float>::infinity(), 0}) == kLostDb);
  CHECK(BoundedSqnr({3, 4}, {3, 4.5f}) == 20.00);  // 25 / 0.25
}

TEST_CASE("classes of images become shares") {
  const std::vector<float> fp32{0, 5, 4, 3, 2, 1}, same{0, 9, 1, 1, 1, 1}, far{9, 0, 1, 2, 3, 4};
  const ImageResult agrees = CompareOutputs(same, fp32), differs = CompareOutputs(far, fp32);
  CHECK(agrees.top[0] == 1);
  CHECK(agrees.fp32_top == std::array<int, 5>{1, 2, 3, 4, 5});
  CHECK(differs.top == std::array<int, 5>{0, 5, 4, 3, 2});  // class 1 is the last of six
  CHECK(CompareOutputs({1, 2}, {1, 2}).top == std::array<int, 5>{1, 0, -1, -1, -1});

  const Summary s = Summarise({agrees, agrees, differs, agrees}, {1, 2, 0, 5});
  CHECK(s.images == 4);
  CHECK(s.agreement.hits == 3);
  CHECK(s.agreement5.hits == 3);
  CHECK(s.top1->hits == 2);  // the first, and `differs` its own
  CHECK(s.top5->hits == 4);
  CHECK(s.fp32_top1->hits == 1);
  CHECK(s.fp32_top5->hits == 3);
  CHECK_FALSE(Summarise({agrees}, {}).top1);
  CHECK_THROWS_AS(Summarise({agrees, agrees}, {1}), std::invalid_argument);
}

TEST_CASE("SQNR has the mean's interval, and the worst layer is named") {
  std::vector<ImageResult> results(4);
  const double db[] = {10, 12, 14, 16};  // mean 13, variance 20 / 3
  for (size_t i = 0; i < 4; ++i) {
    results[i].sqnr_db = db[i];
    results[i].layer_sqnr_db = {30, db[i], 40 - 3 * db[i], db[i]};
  }
  const Summary s = Summarise(results, {});
  CHECK(s.sqnr_db == Approx(13));
  CHECK(s.sqnr_half_width_db == Approx(1.959963984540054 * std::sqrt(20.0 / 3 / 4)));
  REQUIRE(s.layer_sqnr_db.size() == 4);
  CHECK(s.layer_sqnr_db[2] == Approx(1));
  CHECK(s.worst_layer == 2);
}

}  // namespace
}  // namespace nibble::evaluation
