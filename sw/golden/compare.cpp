#include "sw/golden/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "models/numerics/block_tensor.h"
#include "models/numerics/packing.h"

namespace nibble::golden {
namespace {

uint32_t Bits(float x) {
  uint32_t bits = 0;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

// Words of every element (binary32) or codes, padding left out.
std::vector<uint32_t> Codes(const numerics::StoredActivations& stored) {
  const numerics::ActivationLayout& layout = stored.layout;
  const auto channels = static_cast<size_t>(layout.channels);
  std::vector<uint32_t> codes;
  codes.reserve(channels * layout.pixels);
  if (layout.format == numerics::Format::kFp32) {
    for (size_t i = 0; i + 4 <= stored.codes.size(); i += 4) {
      codes.push_back(numerics::LoadWord(&stored.codes[i], 4));
    }
    return codes;
  }
  std::vector<uint16_t> pixel(channels);
  for (int p = 0; p < layout.pixels; ++p) {
    numerics::UnpackCodes(numerics::ElementBits(layout.format),
                          &stored.codes[size_t{layout.code_bytes_per_pixel()} * p], layout.channels,
                          pixel.data());
    codes.insert(codes.end(), pixel.begin(), pixel.end());
  }
  return codes;
}

bool SameLayout(const numerics::ActivationLayout& a, const numerics::ActivationLayout& b) {
  return a.format == b.format && a.block == b.block && a.pixels == b.pixels &&
         a.channels == b.channels && a.strip_row == b.strip_row;
}

}  // namespace

double Sqnr(const std::vector<float>& reference, const std::vector<float>& x) {
  if (reference.size() != x.size()) throw std::invalid_argument("Sqnr: lengths differ");
  double signal = 0, noise = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double r = reference[i], d = r - x[i];
    signal += r * r;
    noise += d * d;
  }
  if (noise == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(signal / noise);
}

std::vector<int> TopK(const std::vector<float>& x, int k) {
  std::vector<int> order(x.size());
  std::iota(order.begin(), order.end(), 0);
  const size_t count = std::min(order.size(), static_cast<size_t>(std::max(k, 0)));
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](int a, int b) {
                      if (std::isnan(x[a]) != std::isnan(x[b])) return std::isnan(x[b]);
                      return x[a] > x[b] || (!(x[a] < x[b]) && a < b);
                    });
  order.resize(count);
  return order;
}

bool InTopK(const std::vector<float>& logits, int label, int k) {
  const std::vector<int> best = TopK(logits, k);
  return std::find(best.begin(), best.end(), label) != best.end();
}

std::optional<Mismatch> FirstMismatch(const std::string& tensor,
                                      const numerics::StoredActivations& expected,
                                      const numerics::StoredActivations& actual) {
  Mismatch m;
  m.tensor = tensor;
  if (!SameLayout(expected.layout, actual.layout) || expected.codes.size() != actual.codes.size() ||
      expected.scales.size() != actual.scales.size()) {
    m.field = "layout";
    return m;
  }
  if (Bits(expected.scale.decode) != Bits(actual.scale.decode)) {
    m.field = "scale";
    m.expected_code = Bits(m.expected_value = expected.scale.decode);
    m.actual_code = Bits(m.actual_value = actual.scale.decode);
    return m;
  }
  const auto bytes = static_cast<size_t>(numerics::BlockScaleBits(expected.layout.format) / 8);
  for (size_t i = 0; i < expected.scales.size(); i += bytes) {
    const auto word = [&](const numerics::StoredActivations& stored) {
      return numerics::LoadWord(&stored.scales[i], static_cast<int>(bytes));
    };
    if (word(expected) == word(actual)) continue;
    const numerics::BlockScale kind = numerics::SpecOf(expected.layout.format).block_scale;
    m.field = "scales";
    m.index = i / bytes;
    m.expected_value = numerics::BlockScaleValue(kind, m.expected_code = word(expected));
    m.actual_value = numerics::BlockScaleValue(kind, m.actual_code = word(actual));
    return m;
  }
  if (expected.codes == actual.codes) return std::nullopt;
  const std::vector<uint32_t> e = Codes(expected), a = Codes(actual);
  const auto first = std::mismatch(e.begin(), e.end(), a.begin());
  m.field = "codes";
  m.index = static_cast<uint64_t>(first.first - e.begin());
  if (first.first == e.end()) {  // only the padding of an odd pixel differs
    m.field = "padding";
    return m;
  }
  m.expected_code = *first.first;
  m.actual_code = *first.second;
  m.expected_value = numerics::LoadTensor(expected)[m.index];
  m.actual_value = numerics::LoadTensor(actual)[m.index];
  return m;
}

std::string ToString(const Mismatch& m) {
  if (m.field == "layout" || m.field == "padding") {
    return fmt::format("tensor \"{}\": {} differs", m.tensor, m.field);
  }
  return fmt::format("tensor \"{}\" {}[{}]: expected {:#x} ({}), got {:#x} ({})", m.tensor, m.field,
                     m.index, m.expected_code, m.expected_value, m.actual_code, m.actual_value);
}

}  // namespace nibble::golden
