// A small study for the tests of `sim sweep`.
#pragma once

#include <string>

#include "tests/cli/sim.h"

namespace nibble::study_test {

using cli_test::Folder;

// 30 points of the small MobileNetV2, timing alone, on both platforms; 10 of them are refused.
std::string SmallPlan();

// `sim sweep` in the folder, with the plan of SmallPlan() as plan.cfg there.
cli_test::Result Sweep(const Folder& folder, const std::string& arguments,
                       const std::string& before = "");

// What `sim sweep export` says of a study; REQUIREs that it works.
std::string ExportOf(const Folder& folder, const std::string& study);

// That of the study run by one process, made once for all test cases of the process.
const std::string& ReferenceExport();

}  // namespace nibble::study_test
