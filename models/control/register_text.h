// The registers as a C header and as a document.
#pragma once

#include <string>

#include "models/control/register_map.h"

namespace nibble::control {

// One header for both platforms: offsets, masks and shifts of fields, errors, the layout of a
// descriptor. C99.
std::string RegisterHeader();

// Tables of the registers, their fields and the errors: of one platform, or (docs/registers.md) of
// both.
std::string RegisterMarkdown(bool near_memory);
std::string RegisterMarkdown();

}  // namespace nibble::control
