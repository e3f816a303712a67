// SVG as text: the few marks that charts are made of. Coordinates are px of the view box; colours
// are CSS classes, so that one picture serves light and dark.
#pragma once

#include <string>
#include <vector>

namespace nibble::report_html {

std::string Escape(const std::string& text);  // for HTML text and attributes

struct Point {
  double x = 0, y = 0;
};

class Svg {
 public:
  Svg(double width, double height, const std::string& id, const std::string& label);

  // `tip`: shown while the mouse rests on the mark; may be empty.
  void Rect(double x, double y, double width, double height, const std::string& css,
            const std::string& tip = "");
  void Line(Point from, Point to, const std::string& css);
  void Circle(Point at, double radius, const std::string& css, const std::string& tip = "",
              const std::string& attributes = "");
  void Path(const std::vector<Point>& points, const std::string& css);  // straight pieces
  enum class Anchor { kStart, kMiddle, kEnd };
  void Text(Point at, const std::string& text, Anchor anchor, const std::string& css = "",
            double turn_degrees = 0);
  void Begin(const std::string& css, const std::string& attributes = "");  // a group
  void End();

  std::string Finish();

 private:
  std::string text_;
};

}  // namespace nibble::report_html
