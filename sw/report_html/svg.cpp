#include "sw/report_html/svg.h"

#include <fmt/format.h>

namespace nibble::report_html {

namespace {

std::string Tip(const std::string& tip) {
  return tip.empty() ? "" : "<title>" + Escape(tip) + "</title>";
}

}  // namespace

std::string Escape(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

Svg::Svg(double width, double height, const std::string& id, const std::string& label) {
  text_ = fmt::format(R"(<svg id="{}" viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">)"
                      "\n",
                      id, width, height, Escape(label));
}

void Svg::Rect(double x, double y, double width, double height, const std::string& css,
               const std::string& tip) {
  text_ += fmt::format(
      R"(<rect class="{}" x="{:.2f}" y="{:.1f}" width="{:.2f}" height="{:.1f}">{}</rect>)"
      "\n",
      css, x, y, width, height, Tip(tip));
}

void Svg::Line(Point from, Point to, const std::string& css) {
  text_ += fmt::format(R"(<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>)"
                       "\n",
                       css, from.x, from.y, to.x, to.y);
}

void Svg::Circle(Point at, double radius, const std::string& css, const std::string& tip,
                 const std::string& attributes) {
  text_ +=
      fmt::format(R"(<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="{:g}"{}{}>{}</circle>)"
                  "\n",
                  css, at.x, at.y, radius, attributes.empty() ? "" : " ", attributes, Tip(tip));
}

void Svg::Path(const std::vector<Point>& points, const std::string& css) {
  std::string d;
  for (const Point& p : points)
    d += fmt::format("{}{:.1f} {:.1f}", d.empty() ? "M" : "L", p.x, p.y);
  text_ += fmt::format("<path class=\"{}\" d=\"{}\"/>\n", css, d);
}

void Svg::Text(Point at, const std::string& text, Anchor anchor, const std::string& css,
               double turn_degrees) {
  static const char* const kAnchors[] = {"start", "middle", "end"};
  std::string turn;
  if (turn_degrees != 0) {
    turn = fmt::format(" transform=\"rotate({:g} {:.1f} {:.1f})\"", turn_degrees, at.x, at.y);
  }
  text_ += fmt::format(R"(<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}"{}>{}</text>)"
                       "\n",
                       css, at.x, at.y, kAnchors[static_cast<int>(anchor)], turn, Escape(text));
}

void Svg::Begin(const std::string& css, const std::string& attributes) {
  text_ += fmt::format("<g class=\"{}\"{}{}>\n", css, attributes.empty() ? "" : " ", attributes);
}

void Svg::End() { text_ += "</g>\n"; }

std::string Svg::Finish() { return text_ + "</svg>\n"; }

}  // namespace nibble::report_html
