// Constraints of a plan.
#include "sw/study/expression.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "platforms/design_point.h"

namespace nibble::study {
namespace {

using Catch::Matchers::Contains;
using platforms::ParameterError;

const std::map<std::string, std::string> kValues = {
    {"tensor.rows", "16"},     {"tensor.cols", "4"},    {"sram.act.size", "192KiB"},
    {"platform", "accel"},     {"sram.act.vdd", "0.6"}, {"datapath.weights", "fp8"},
    {"sram.cell", "itrs-lstp"}};

Expression Parse(const std::string& text) {
  std::vector<std::string> names = {"nearmem.lanes"};
  for (const auto& [name, value] : kValues) names.push_back(name);
  return Expression(text, "plan.cfg:7: ", names);
}

bool Holds(const std::string& text) {
  return Parse(text).Holds([](const std::string& name) -> std::optional<std::string> {
    const auto value = kValues.find(name);
    if (value == kValues.end()) return std::nullopt;
    return value->second;
  });
}

TEST_CASE("arithmetic binds as in other languages") {
  CHECK(Holds("1 + 2 * 3 == 7"));
  CHECK(Holds("(1 + 2) * 3 == 9"));
  CHECK(Holds("10 - 4 - 3 == 3"));
  CHECK(Holds("-2 * -3 == 6"));
  CHECK(Holds("17 % 5 == 2"));
  CHECK(Holds("7 / 2 == 3.5"));
  CHECK(Holds("1 == 2 or 2 == 2 and 3 == 3"));
  CHECK_FALSE(Holds("(1 == 1 or 2 == 2) and 3 == 4"));
  CHECK(Holds("not 1 == 2 and 3 == 3"));
}

TEST_CASE("parameters, sizes and names") {
  CHECK(Holds("tensor.rows * tensor.cols <= 64"));
  CHECK_FALSE(Holds("tensor.rows * tensor.cols < 64"));
  CHECK(Holds("sram.act.size == 192KiB"));
}

TEST_CASE("texts compare for equality alone") {
  CHECK(Holds("platform == \"accel\""));
  CHECK(Holds("datapath.weights != 'fp16'"));
  CHECK(Holds("sram.cell != 3"));  // a name and a number differ
  CHECK_THROWS_WITH(Holds("platform < \"b\""), Contains("accel") && Contains("no number"));
}

TEST_CASE("and, or look at their right side only where it counts") {
  CHECK(Holds("platform == \"accel\" or nearmem.lanes <= 64"));
  CHECK_FALSE(Holds("platform == \"nearmem\" and nearmem.lanes <= 64"));
  CHECK_THROWS_WITH(Holds("nearmem.lanes <= 64"),
                    Contains("plan.cfg:7: ") && Contains("nearmem.lanes"));
}

TEST_CASE("random sums of products agree with C++") {
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    const int a = static_cast<int>(random() % 50), b = static_cast<int>(random() % 50),
              c = static_cast<int>(random() % 50), d = static_cast<int>(random() % 50 + 1);
    const std::string text = std::to_string(a) + " + " + std::to_string(b) + " * " +
                             std::to_string(c) + " - " + std::to_string(c) + " % " +
                             std::to_string(d);
    const int value = a + b * c - c % d;
    CHECK(Holds(text + " == " + std::to_string(value)));
    CHECK(Holds(text + " > " + std::to_string(value)) == false);
    CHECK(Holds(text + " >= " + std::to_string(value)));
  }
}

TEST_CASE("what is no constraint is refused with its place") {
  const std::pair<const char*, const char*> wrong[] = {
      {"", "the end of the line"},
      {"tensor.rows", "no condition"},
      {"tensor.rows * 2", "no condition"},
      {"tensor.rwos < 4", "tensor.rows"},
      {"tensor.rows = 4", "=="},
      {"tensor.rows < 4 < 5", "expected an operator or the end"},
      {"tensor.rows < ", "the end of the line"},
      {"(tensor.rows < 4", ")"},
      {"tensor.rows < 4)", "operator"},
      {"tensor.rows < 4KB", "units"},
      {"tensor.rows / 0 < 4", "division by zero"},
      {"tensor.rows % 0 < 4", "division by zero"},
      {"not tensor.rows", "no condition"},
      {"(1 == 1) + 1 == 2", "no number"},
      {"(1 == 1) == 1", "condition"},
      {"platform == \"accel", "quote"},
      {"tensor.rows & 1 == 0", "&"}};
  for (const auto& [text, why] : wrong) {
    INFO(text);
    CHECK_THROWS_AS(Holds(text), ParameterError);
    CHECK_THROWS_WITH(Holds(text), Contains("plan.cfg:7: ") && Contains(why));
  }
  CHECK_THROWS_WITH(Parse(std::string(5000, '(') + "1 == 1"), Contains("deep"));
  CHECK_THROWS_WITH(Parse(std::string(5000, '-') + "1 == 1"), Contains("deep"));
}

}  // namespace
}  // namespace nibble::study
