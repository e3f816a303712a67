// Preset files: the shipped ones, their syntax, and errors that name file and line.
#include <catch2/catch.hpp>

#include "tests/platforms/support.h"

using namespace nibble::platforms;
using Catch::Contains;

namespace {

std::string FileRefusal(const std::string& text) {
  const TemporaryFile file(text);
  const std::string message = Refusal([&] { Resolve(Platform::kAccel, file.path, {}); });
  if (message == "accepted") return message;
  CHECK_THAT(message, Catch::StartsWith(file.path + ":"));
  return message.substr(file.path.size());
}

}  // namespace

TEST_CASE("accel.cfg and nearmem.cfg are the defaults") {
  for (const Platform platform : kBothPlatforms) {
    const DesignPoint d = Resolve(platform, PlatformName(platform), {});
    for (const Parameter& p : d.parameters) {
      INFO(p.name);
      CHECK(p.is_default);
    }
  }
}

TEST_CASE("shipped presets resolve for their platform and are refused for the other") {
  for (const char* name : {"accel-small", "accel-large", "nearmem-small", "nearmem-hbm-pim"}) {
    const Platform platform =
        ParsePlatform(std::string(name).substr(0, std::string(name).find('-')));
    const Platform other = platform == Platform::kAccel ? Platform::kNearmem : Platform::kAccel;
    INFO(name);
    const DesignPoint d = Resolve(platform, name, {});
    CHECK(d.OneLine() != Resolve(platform, "", {}).OneLine());
    CHECK(Resolve(platform, std::string(name) + ".cfg", {}).OneLine() == d.OneLine());
    CHECK_THAT(Refusal([&] { Resolve(other, name, {}); }),
               Contains(std::string(name) + ".cfg:") && Contains("another platform"));
  }
  CHECK_THAT(Refusal([] { Resolve(Platform::kAccel, "accel-huge", {}); }),
             Contains("\"accel-huge\"") && Contains("accel-large, accel-small, nearmem"));
}

TEST_CASE("sections, comments and blanks") {
  const TemporaryFile file(
      "# a machine\n\n platform = accel \r\ntensor.rows = 2  # few\n[sram.act]\n  size=64KiB\n"
      "banks = 4\n[vector]\nlanes = 8\n");
  const DesignPoint d = Resolve(Platform::kAccel, file.path, {"vector.lanes=4"});
  CHECK(d.tensor.rows == 2);
  CHECK(d.sram_act.size == 65536);
  CHECK(d.sram_act.banks == 4);
  CHECK(d.vector.lanes == 4);
}

TEST_CASE("errors name file and line") {
  CHECK_THAT(FileRefusal("tensor.rows = 2\n\nnonsense\n"),
             Contains(":3: expected \"key = value\"") && Contains("\"nonsense\""));
  CHECK_THAT(FileRefusal("[tensor]\nrwos = 2\n"),
             Contains(":2: tensor.rwos = \"2\"") && Contains("did you mean tensor.rows"));
  CHECK_THAT(FileRefusal("[tensor]\n# comment\nrows = 999\n"),
             Contains(":3: tensor.rows = \"999\"") && Contains("1..256"));
  CHECK_THAT(FileRefusal("tensor.rows = 2\n[tensor]\nrows = 3\n"),
             Contains(":3: tensor.rows = \"3\": given before, in line 1"));
  CHECK_THAT(FileRefusal("platform = nearmem\n"), Contains(":1: platform = \"nearmem\""));
  CHECK_THAT(FileRefusal("= 4\n"), Contains(":1: expected"));
  // A value that --set replaces is not judged.
  const TemporaryFile file("tensor.rows = 999\n");
  CHECK(Resolve(Platform::kAccel, file.path, {"tensor.rows=9"}).tensor.rows == 9);
}
