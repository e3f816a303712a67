// The exponential function in binary64 by IEEE operations alone, for tables and FP32 references.
#pragma once

namespace nibble::numerics {

// e^-x for 0 <= x <= 708, to within 2^-50 of the exact value.
double ExpOfMinus(double x);

}  // namespace nibble::numerics
