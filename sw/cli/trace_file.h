// Traces on the command line.
#pragma once

#include <CLI/App.hpp>
#include <string>

namespace nibble::cli {

// `name` as a path, else in the data folder's traces/. Throws trace::FileError that lists the
// traces there.
std::string FindTrace(const std::string& name);

// The positional argument NET.trc, for FindTrace, and the option -o OUT.trc; both are required.
void AddTraceArgument(CLI::App& command, std::string& trace);
void AddTraceOutput(CLI::App& command, std::string& path);

}  // namespace nibble::cli
