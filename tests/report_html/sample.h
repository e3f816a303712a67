// A small run and a small study, whose figures are known in closed form.
#pragma once

#include "sw/report/run_file.h"
#include "sw/report_html/study_data.h"

namespace nibble::report_html_test {

report::RunFile SampleRun();

inline constexpr double kNetworks[] = {1.0, 3.0}, kPlatforms[] = {1.0, 1.25},
                        kBlocks[] = {2.0, 1.0, 1.5};
// Networks x platforms x blocks, the last fastest. latency = network x platform x block factors,
// energy = latency x block factor, area = 10 + block's index. Point 1 has the layers of SampleRun.
report_html::StudyData SampleStudy();
// `points` points of one network on a line, so that all are the front.
report_html::StudyData LargeStudy(size_t points);

}  // namespace nibble::report_html_test
