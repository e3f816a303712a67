// A retraining as a page: its losses and what they are worth, over the steps.
#pragma once

#include <string>
#include <vector>

namespace nibble::report_html {

struct TrainingPoint {
  double step = 0;
  double training_loss = 0;  // mean since the point before; of the first one, nothing
  double held_back_loss = 0;
  double agreement = 0;  // percent of the images held back
};

struct TrainingData {
  std::string network, subtitle;
  std::vector<TrainingPoint> points;  // the first before any step
  double best_step = 0;
};

std::string TrainingPage(const TrainingData& data);

}  // namespace nibble::report_html
