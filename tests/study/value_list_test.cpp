// Lists and ranges of a plan.
#include "sw/study/value_list.h"

#include <catch2/catch.hpp>

namespace nibble::study {
namespace {

using List = std::vector<std::string>;
using Catch::Matchers::Contains;

TEST_CASE("lists keep their order, and lose blanks and quotes") {
  CHECK(ParseValueList("8, 16 ,32") == List{"8", "16", "32"});
  CHECK(ParseValueList("fp16") == List{"fp16"});
  CHECK(ParseValueList("\"row rank bank\", \"a, b..c x2\" ,x") ==
        List{"row rank bank", "a, b..c x2", "x"});
}

TEST_CASE("ranges hold every step up to the end, and the end where a step hits it") {
  CHECK(ParseValueList("8..64 x2") == List{"8", "16", "32", "64"});
  CHECK(ParseValueList("8..63 x2") == List{"8", "16", "32"});
  CHECK(ParseValueList("1..2 +1, 5") == List{"1", "2", "5"});
  CHECK(ParseValueList("3..3 +7") == List{"3"});
  CHECK(ParseValueList("0..10 +5") == List{"0", "5", "10"});
}

TEST_CASE("steps of tenths are exact") {
  CHECK(ParseValueList("0.5..0.8 +0.1") == List{"0.5", "0.6", "0.7", "0.8"});
  CHECK(ParseValueList("0..1 +0.25") == List{"0", "0.25", "0.5", "0.75", "1"});
  CHECK(ParseValueList("0.54..0.6 +0.02") == List{"0.54", "0.56", "0.58", "0.6"});
}

TEST_CASE("sizes keep their unit, or become bytes where units differ") {
  CHECK(ParseValueList("64KiB..256KiB x2") == List{"64KiB", "128KiB", "256KiB"});
  CHECK(ParseValueList("512KiB..1MiB x2") == List{"524288B", "1048576B"});
}

TEST_CASE("every multiplicative range is a geometric sequence within its bounds") {
  for (int first = 1; first <= 9; ++first) {
    for (int factor = 2; factor <= 5; ++factor) {
      const List list = ParseValueList(std::to_string(first) + "..1000 x" + std::to_string(factor));
      REQUIRE(std::stoi(list.front()) == first);
      for (size_t i = 1; i < list.size(); ++i) {
        CHECK(std::stoi(list[i]) == std::stoi(list[i - 1]) * factor);
      }
      CHECK(std::stoi(list.back()) <= 1000);
      CHECK(std::stoi(list.back()) * factor > 1000);
    }
  }
}

TEST_CASE("what is no list is refused in words") {
  const std::pair<const char*, const char*> wrong[] = {{"", "empty"},
                                                       {"8,,16", "empty"},
                                                       {"8, 16,", "empty"},
                                                       {"8, 8", "twice"},
                                                       {"4..8 x2, 8", "twice"},
                                                       {"8..64", "step"},
                                                       {"8..64 2", "step"},
                                                       {"8..64 x1", "factor"},
                                                       {"8..64 x2.5", "factor"},
                                                       {"8..64 +0", "never ends"},
                                                       {"0..64 x2", "never end"},
                                                       {"64..8 x2", "backwards"},
                                                       {"a..b x2", "no number"},
                                                       {"1KiB..4 x2", "units"},
                                                       {"1KiB..4KiB +1", "units"},
                                                       {"1..1000000000 +1", "more than"},
                                                       {"\"open", "quote"},
                                                       {"\"a\" b", "comma"},
                                                       {"99999999999999999999..2 x2", "digits"}};
  for (const auto& [text, why] : wrong) {
    INFO(text);
    CHECK_THROWS_WITH(ParseValueList(text), Contains(why));
  }
}

}  // namespace
}  // namespace nibble::study
