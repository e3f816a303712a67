#include "sw/evaluation/result.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <sstream>
#include <stdexcept>

#include "sw/golden/compare.h"

namespace nibble::evaluation {
namespace {

constexpr double kZ95 = 1.959963984540054;  // normal quantile of 0.975

std::array<int, 5> TopFive(const std::vector<float>& x) {
  std::array<int, 5> top{-1, -1, -1, -1, -1};
  const std::vector<int> order = golden::TopK(x, 5);
  std::copy(order.begin(), order.end(), top.begin());
  return top;
}

// One end of Wilson's interval: `sign` -1 or 1.
double Wilson(const Proportion& p, double sign) {
  if (p.of == 0) return sign < 0 ? 0 : 100;
  const double n = p.of, share = p.hits / n, z2 = kZ95 * kZ95;
  const double centre = share + z2 / (2 * n);
  const double spread = kZ95 * std::sqrt(share * (1 - share) / n + z2 / (4 * n * n));
  return 100 * std::clamp((centre + sign * spread) / (1 + z2 / n), 0.0, 1.0);
}

double Mean(const std::vector<double>& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

// Half of the 95 % interval of the mean of `x`; 0 for a single value.
double HalfWidth(const std::vector<double>& x) {
  if (x.size() < 2) return 0;
  const double mean = Mean(x), n = static_cast<double>(x.size());
  double squares = 0;
  for (const double v : x) squares += (v - mean) * (v - mean);
  return kZ95 * std::sqrt(squares / (n - 1) / n);
}

bool Among(const std::array<int, 5>& top, int label, int k) {
  return std::find(top.begin(), top.begin() + k, label) != top.begin() + k;
}

}  // namespace

double BoundedSqnr(const std::vector<float>& reference, const std::vector<float>& x) {
  const double db = golden::Sqnr(reference, x);
  if (std::isnan(db)) return kLostDb;
  return std::round(100 * std::clamp(db, kLostDb, kExactDb)) / 100;
}

ImageResult CompareOutputs(const std::vector<float>& output, const std::vector<float>& fp32) {
  return {TopFive(output), TopFive(fp32), BoundedSqnr(fp32, output), {}};
}

std::string FormatResult(const ImageResult& r) {
  std::string line = "top";
  for (const int c : r.top) line += fmt::format(" {}", c);
  line += " fp32";
  for (const int c : r.fp32_top) line += fmt::format(" {}", c);
  line += fmt::format(" sqnr {:.2f} layers {}", r.sqnr_db, r.layer_sqnr_db.size());
  for (const double db : r.layer_sqnr_db) line += fmt::format(" {:.2f}", db);
  return line;
}

ImageResult ParseResult(const std::string& line) {
  std::istringstream in(line);
  ImageResult r;
  const auto expect = [&](const char* word) {
    std::string found;
    if (!(in >> found) || found != word) {
      throw std::invalid_argument(fmt::format("expected \"{}\", found \"{}\"", word, found));
    }
  };
  const auto number = [&](auto& value) {
    if (!(in >> value)) throw std::invalid_argument("a number is missing");
  };
  expect("top");
  for (int& c : r.top) number(c);
  expect("fp32");
  for (int& c : r.fp32_top) number(c);
  expect("sqnr");
  number(r.sqnr_db);
  expect("layers");
  size_t layers = 0;
  number(layers);
  for (size_t i = 0; i < layers; ++i) number(r.layer_sqnr_db.emplace_back());
  std::string rest;
  if (in >> rest) throw std::invalid_argument(fmt::format("\"{}\" too much", rest));
  return r;
}

double Proportion::low() const { return Wilson(*this, -1); }
double Proportion::high() const { return Wilson(*this, 1); }

Summary Summarise(const std::vector<ImageResult>& results, const std::vector<int>& labels) {
  if (!labels.empty() && labels.size() < results.size()) {
    throw std::invalid_argument("Summarise: fewer labels than images");
  }
  Summary s;
  s.images = static_cast<int>(results.size());
  if (results.empty()) return s;
  const auto share = [&](auto hit) {
    Proportion p{0, s.images};
    for (size_t i = 0; i < results.size(); ++i) p.hits += hit(i) ? 1 : 0;
    return p;
  };
  s.agreement = share([&](size_t i) { return results[i].top[0] == results[i].fp32_top[0]; });
  s.agreement5 = share([&](size_t i) { return Among(results[i].top, results[i].fp32_top[0], 5); });
  if (!labels.empty()) {
    s.top1 = share([&](size_t i) { return Among(results[i].top, labels[i], 1); });
    s.top5 = share([&](size_t i) { return Among(results[i].top, labels[i], 5); });
    s.fp32_top1 = share([&](size_t i) { return Among(results[i].fp32_top, labels[i], 1); });
    s.fp32_top5 = share([&](size_t i) { return Among(results[i].fp32_top, labels[i], 5); });
  }
  std::vector<double> db;
  db.reserve(results.size());
  for (const ImageResult& r : results) db.push_back(r.sqnr_db);
  s.sqnr_db = Mean(db);
  s.sqnr_half_width_db = HalfWidth(db);
  for (size_t l = 0; l < results[0].layer_sqnr_db.size(); ++l) {
    for (size_t i = 0; i < results.size(); ++i) db[i] = results[i].layer_sqnr_db.at(l);
    s.layer_sqnr_db.push_back(Mean(db));
  }
  if (!s.layer_sqnr_db.empty()) {
    const auto& layers = s.layer_sqnr_db;
    s.worst_layer =
        static_cast<int>(std::min_element(layers.begin(), layers.end()) - layers.begin());
  }
  return s;
}

}  // namespace nibble::evaluation
