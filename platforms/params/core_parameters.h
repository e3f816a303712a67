// Parameters of the control processor where there is none.
#pragma once

#include "platforms/design_point.h"

namespace nibble::platforms {

// Throws ParameterError naming the first of cpu.* that is not its default: where no firmware runs
// on the core it would be ignored.
void RefuseCoreParameters(const DesignPoint& design);

}  // namespace nibble::platforms
