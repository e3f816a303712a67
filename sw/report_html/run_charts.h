// Charts of one run, each an SVG with its legend.
#pragma once

#include <string>

#include "sw/report/run_file.h"

namespace nibble::report_html {

std::string EnergyByLayer(const report::RunFile& run);
std::string CyclesByLayer(const report::RunFile& run);
std::string TrafficByLevel(const report::RunFile& run);
// Operations a second of each layer against operations a byte: of DRAM for layers of the tensor
// unit, of the columns read in the die for layers of the banks. Empty where the file has no peaks.
std::string Roofline(const report::RunFile& run);
// Known blocks with their range; the unknown ones by name. Empty where the file has no area.
std::string AreaByBlock(const report::RunFile& run);

}  // namespace nibble::report_html
