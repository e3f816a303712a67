// Files that are there whole or not at all.
#pragma once

#include <string>
#include <string_view>
#include <system_error>

namespace nibble::trace {

// Writes beside `path`, then renames; what was there stays where that fails. Returns why it did.
std::error_code WriteWhole(const std::string& path, std::string_view bytes);

}  // namespace nibble::trace
