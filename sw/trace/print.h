// A network as text, for people.
#pragma once

#include <string>

#include "sw/trace/network.h"

namespace nibble::trace {

// A header, one line per layer and the totals. `hash` is that of the file, where there is one.
std::string Print(const Network& net, const std::string& hash = "");

// "112x112x32".
std::string ShapeText(const Shape& shape);
// "none", "relu" or "clip 0..6".
std::string ActivationText(const Activation& activation);

}  // namespace nibble::trace
