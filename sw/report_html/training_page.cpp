#include "sw/report_html/training_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "sw/report_html/chart.h"
#include "sw/report_html/page.h"

namespace nibble::report_html {
namespace {

constexpr Frame kFrame{76, 14, kWidth - 24, 300};

struct Curve {
  std::string name;
  std::vector<Point> values;  // step, value
};

// All curves over one axis; a line where the state was that was taken.
std::string Draw(const std::string& id, const std::string& axis, const std::vector<Curve>& curves,
                 double best_step) {
  double steps = 0, most = 0;
  for (const Curve& curve : curves) {
    for (const Point& p : curve.values) {
      steps = std::max(steps, p.x);
      most = std::max(most, p.y);
    }
  }
  if (steps == 0) return "";
  const Scale x = Scale::Linear(0, steps, kFrame.left, kFrame.right);
  const Scale y = Scale::Linear(0, most > 0 ? most : 1, kFrame.bottom, kFrame.top);
  Svg svg(kWidth, kFrame.bottom + 46, id, axis);
  AxisBelow(svg, x, kFrame, "steps");
  AxisLeft(svg, y, kFrame, axis);
  svg.Line({x.At(best_step), kFrame.top}, {x.At(best_step), kFrame.bottom}, "grid");
  svg.Text({x.At(best_step) + 4, kFrame.top + 10}, "taken", Svg::Anchor::kStart);
  std::vector<std::pair<std::string, std::string>> legend;
  for (size_t c = 0; c < curves.size(); ++c) {
    const std::string css = CategoryClass(c);
    legend.emplace_back(css, curves[c].name);
    for (const Point& p : curves[c].values) {
      svg.Circle({x.At(p.x), y.At(p.y)}, 3, css,
                 fmt::format("{}, step {:g}: {}", curves[c].name, p.x, ValueText(p.y)));
    }
  }
  return (curves.size() > 1 ? Legend(legend) : "") + svg.Finish();
}

}  // namespace

std::string TrainingPage(const TrainingData& data) {
  Curve training{"training", {}}, held_back{"held back", {}}, agreement{"agreement", {}};
  for (const TrainingPoint& p : data.points) {
    if (p.step > 0) training.values.push_back({p.step, p.training_loss});
    held_back.values.push_back({p.step, p.held_back_loss});
    agreement.values.push_back({p.step, p.agreement});
  }
  Page page;
  page.kind = "run";
  page.title = "Retraining of " + data.network;
  page.subtitle = data.subtitle;
  if (!data.points.empty()) {
    const TrainingPoint& first = data.points.front();
    const auto best = std::find_if(data.points.begin(), data.points.end(),
                                   [&](const auto& p) { return p.step == data.best_step; });
    page.facts.emplace_back(fmt::format("{:g}", data.points.back().step), "steps");
    page.facts.emplace_back(fmt::format("{:g}", data.best_step), "steps to the state taken");
    page.facts.emplace_back(fmt::format("{:.1f} %", first.agreement), "agreement before");
    if (best != data.points.end()) {
      page.facts.emplace_back(fmt::format("{:.1f} %", best->agreement), "agreement after");
    }
  }
  page.body =
      Section("Loss",
              "What is minimised on the training images, blocks and labels included; and, on the "
              "images held back, what tells the best state.",
              Draw("losses", "loss", {training, held_back}, data.best_step)) +
      Section("Agreement", "Of the images held back, those on which FP32's best class is the same.",
              Draw("agreement", "agreement with FP32, %", {agreement}, data.best_step));
  return Html(page);
}

}  // namespace nibble::report_html
