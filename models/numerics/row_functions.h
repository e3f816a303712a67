// Functions of a whole row (the channels of a pixel) as the datapath computes them: softmax and
// layer normalization. Every step is one IEEE binary32 operation, rounded to nearest even, so that
// the bits are the same on every machine.
//
//   rowsum(x)   sixteen partial sums from +0, element i added to sum i % 16 in ascending order;
//   then
//               neighbours are added in pairs, until one is left. A vector unit of any width can
//               keep this order.
//   exp(x)      of x <= 0. t = RNE32(x * RNE32(log2 e)); below -126 the result is 0. With n =
//               floor(t), v = 256 * RNE32(t - n), i = min(floor(v), 255) and f = v - i (both
//               exact), RNE32(T[i] + RNE32(f * RNE32(T[i + 1] - T[i]))) * 2^n, where T[i] =
//               RNE32(2^(i / 256)) has 257 entries. NaN gives NaN.
//   softmax     m = x[0], then x[i] > m ? x[i] : m; e[i] = exp(RNE32(x[i] - m));
//               r = RNE32(1 / rowsum(e)); y[i] = RNE32(e[i] * r)
//   layernorm   m = RNE32(rowsum(x) / n); d[i] = RNE32(x[i] - m); v = RNE32(rowsum(RNE32(d * d)) /
//               n); r = RNE32(1 / RNE32(sqrt(RNE32(v + epsilon))));
//               y[i] = RNE32(RNE32(RNE32(d[i] * r) * gamma[i]) + beta[i])
//
// with n = `count` as a binary32. `y` may be `x`.
#pragma once

namespace nibble::numerics {

inline constexpr int kRowSums = 16;
float RowSum(const float* x, int count);  // count >= 1, here and below
float Exp(float x);
void Softmax(const float* x, int count, float* y);
void LayerNorm(const float* x, int count, float epsilon, const float* gamma, const float* beta,
               float* y);

// Bounds of the error against the exact functions, checked by test: |exp(x) - e^x| is at most e^x
// times kExpError + kExpErrorPerUnit * |x| where the result is not 0 (interpolation, (ln 2 / 256)^2
// / 8 and three roundings; two roundings of t); |softmax - exact| at most SoftmaxError(count).
inline constexpr double kExpError = 1.1e-6, kExpErrorPerUnit = 1.2e-7;
// Relative, of a sum of `count` terms of one sign: additions to a partial sum, and four levels.
constexpr double RowSumError(int count) {
  const int additions = (count + kRowSums - 1) / kRowSums + 4;
  return additions * 0x1p-24;
}
constexpr double SoftmaxError(int count) { return 2 * kExpError + RowSumError(count); }

// The same functions in binary64, sums in ascending order, rounded once: what FP32 golden runs use.
void ExactSoftmax(const float* x, int count, float* y);
void ExactLayerNorm(const float* x, int count, float epsilon, const float* gamma, const float* beta,
                    float* y);

}  // namespace nibble::numerics
