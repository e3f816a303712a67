#pragma once

#include <string>

namespace nibble::cli {

std::string Version();      // "0.1.0 (4b41a5c)": release and git revision of the build
std::string VersionText();  // and of SystemC: what `sim --version` prints

}  // namespace nibble::cli
