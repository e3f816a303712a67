#include "tests/study/sweep_fixture.h"

#include <catch2/catch.hpp>

namespace nibble::study_test {

std::string SmallPlan() {
  return "trace = " + cli_test::SmallTrace() +
         "\nplatform = accel, nearmem\n"
         "timing_only = on\n"
         "[datapath]\n"
         "block = 8..128 x2\n"
         "[sram]\n"
         "weight.size = 64KiB, 128KiB, 256KiB\n";
}

cli_test::Result Sweep(const Folder& folder, const std::string& arguments,
                       const std::string& before) {
  cli_test::WriteFile(folder / "plan.cfg", SmallPlan());
  return Sim(folder, "sweep " + arguments, before);
}

std::string ExportOf(const Folder& folder, const std::string& study) {
  const cli_test::Result r = Sweep(folder, "export " + study + " --csv - --json all.json");
  INFO(r.err);
  REQUIRE(r.exit_code == 0);
  return r.out + cli_test::ReadFile(folder / "all.json");
}

const std::string& ReferenceExport() {
  static const std::string reference = [] {
    const Folder folder;
    const cli_test::Result r = Sweep(folder, "plan.cfg --out s -j 1");
    INFO(r.err << r.out);
    REQUIRE(r.exit_code == 0);
    return ExportOf(folder, "s");
  }();
  return reference;
}

}  // namespace nibble::study_test
