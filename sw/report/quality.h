// How near an output is to the FP32 golden run's, over one or several images.
#pragma once

#include <optional>
#include <vector>

namespace nibble::report {

// Images on which the label is the largest output, or among the five largest.
struct Accuracy {
  int top1 = 0, top5 = 0;            // of the simulated machine
  int fp32_top1 = 0, fp32_top5 = 0;  // of the FP32 golden run
};

struct Quality {
  int images = 0;
  double sqnr_db = 0;  // 10 log10(signal power / error power), both summed over all images
  bool exact = false;  // no error at all: sqnr_db has no value
  int top1_agree = 0;  // images on which the class with the largest output is FP32's
  int top5_agree = 0;  // images on which FP32's class is among the five largest outputs
  std::optional<Accuracy> accuracy;  // with labels
};

class QualityMeter {
 public:
  // One image's outputs, of equal length. label < 0: none.
  void Add(const std::vector<float>& output, const std::vector<float>& fp32, int label = -1);
  Quality Result() const;

 private:
  Quality quality_;
  double signal_ = 0, error_ = 0;
};

}  // namespace nibble::report
