// From values to positions, and where to put ticks.
#pragma once

#include <string>
#include <vector>

namespace nibble::report_html {

class Scale {
 public:
  // Maps [low, high] to [from, to], both widened to ticks of round numbers (1, 2, 5 times a power
  // of ten) or, logarithmic, to 1, 2 or 5 times one. Logarithmic only where low > 0.
  static Scale Linear(double low, double high, double from, double to, int ticks = 6);
  static Scale Log(double low, double high, double from, double to);

  double At(double value) const;
  double low() const { return low_; }
  double high() const { return high_; }
  const std::vector<double>& ticks() const { return ticks_; }

 private:
  bool log_ = false;
  double low_ = 0, high_ = 1, from_ = 0, to_ = 1;
  std::vector<double> ticks_;
};

// "0", "0.05", "12", "3.5k", "2M": short, for ticks.
std::string TickText(double value);
// Four significant digits, without an exponent from 0.001 to 10^7: "0.0123", "1234", "1234567".
std::string ValueText(double value);

}  // namespace nibble::report_html
