// Activation functions as the datapath computes them: the same bits on every machine, without the C
// library's mathematics.
//
// Sigmoid and the normal distribution are tables with linear interpolation over [-16, 16): entry i
// holds RNE32 of the exact value at -16 + i / 64 (2,049 entries). With v = x * 64 (exact),
// k = floor(v), f = RNE32(v - k) and i = k + 1024, y = RNE32(T[i] + RNE32(f * RNE32(T[i + 1] -
// T[i]))). Below -16 the function is T[0], from 16 on T[2048]; NaN gives NaN. Differences of
// neighbours are exact, so the functions never decrease. The tables are made once by series in
// binary64 with IEEE operations only, each entry to within 2^-50 of the exact value before it is
// rounded.
//
//   sigmoid(x)      table                       |error| <= kSigmoidError
//   normal(x)       table of (1 + erf(x / sqrt 2)) / 2
//   silu(x)         RNE32(x * sigmoid(x))
//   gelu(x)         RNE32(x * normal(x))
//   hardsigmoid(x)  clip(RNE32(RNE32(x * slope) + offset), 0, 1)
//   hardswish(x)    RNE32(x * hardsigmoid(x)), slope RNE32(1/6), offset 1/2
#pragma once

namespace nibble::numerics {

float Sigmoid(float x);
float Normal(float x);  // cumulative distribution
float Silu(float x);
float Gelu(float x);
float HardSigmoid(float x, float slope, float offset);
float HardSwish(float x);

// Bounds of the absolute error against the exact function, checked by test over all tables' steps.
inline constexpr double kSigmoidError = 3.1e-6;  // (1/64)^2 / 8 * max|sigmoid''|, and roundings
inline constexpr double kNormalError = 7.6e-6;   // the same with max|normal''| = 0.242

// The same functions from series in binary64, rounded once: what FP32 golden runs use.
float ExactSigmoid(float x);
float ExactNormal(float x);

}  // namespace nibble::numerics
