// Ctrl-C: the run stops at its next layer boundary and nothing is written; a second one ends the
// program at once.
#pragma once

#include <atomic>

namespace nibble::cli {

void CatchInterrupts();
const std::atomic<bool>& Interrupted();
// Throws platforms::Interrupted after Ctrl-C: for work that has no layer boundaries.
void StopIfInterrupted();

}  // namespace nibble::cli
