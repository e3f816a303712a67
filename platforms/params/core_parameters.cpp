#include "platforms/params/core_parameters.h"

#include <fmt/format.h>

namespace nibble::platforms {

void RefuseCoreParameters(const DesignPoint& design) {
  for (const Parameter& p : design.parameters) {
    if (p.is_default || p.name.rfind("cpu.", 0) != 0) continue;
    throw ParameterError(fmt::format(
        "{} = \"{}\": the control processor is part of runs with --firmware FILE.elf only", p.name,
        p.value));
  }
}

}  // namespace nibble::platforms
