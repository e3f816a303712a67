#include "sw/cli/version.h"

#include <systemc>

#include "revision.h"  // generated: kRelease, kRevision

namespace nibble::cli {

std::string Version() {
  const std::string revision = kRevision;
  return revision.empty() ? kRelease : std::string(kRelease) + " (" + revision + ")";
}

std::string VersionText() {
  return "nibble " + Version() + ", SystemC " + sc_core::sc_release() + "\n";
}

}  // namespace nibble::cli
