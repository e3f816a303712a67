// "Did you mean": the nearest of some names.
#pragma once

#include <string>
#include <vector>

namespace nibble::cli {

// The name with the least edit distance to `word`, or empty when none is near (more than a third of
// it differs).
std::string Nearest(const std::string& word, const std::vector<std::string>& names);

}  // namespace nibble::cli
