// Finding traces.
#pragma once

#include <string>

namespace nibble::cli {

// `name` as a path, else in the data folder's traces/. Throws trace::FileError that lists the
// traces there.
std::string FindTrace(const std::string& name);

}  // namespace nibble::cli
