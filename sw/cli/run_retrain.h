// nibble-retrain as a child of this program.
#pragma once

#include <string>
#include <vector>

namespace nibble::cli {

// Runs it with `words` and waits; its stdout goes nowhere. Throws UsageError, trace::FileError or
// platforms::Interrupted as its exit code tells.
void RunRetrain(const std::vector<std::string>& words);

}  // namespace nibble::cli
