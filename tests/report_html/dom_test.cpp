// What a browser shows: marks, axes, and what a click does.
#include <algorithm>
#include <catch2/catch.hpp>

#include "sw/report_html/page.h"
#include "tests/report_html/browser.h"
#include "tests/report_html/sample.h"

namespace nibble::report_html_test {
namespace {

using namespace report_html;  // NOLINT: the folder under test

std::string Plot(const std::string& dom, const std::string& id) {
  return Between(dom, "<svg id=\"" + id + "\"", "</svg>");
}

// Places of the marks, as far as a tenth of a px, in order.
std::vector<std::string> Marks(const std::string& plot) {
  std::vector<std::string> marks;
  for (size_t at = plot.find("<circle"); at != std::string::npos;
       at = plot.find("<circle", at + 1)) {
    const std::string circle = plot.substr(at, plot.find('>', at) - at);
    marks.push_back(Between(circle, "data-i=\"", "\"") + Between(circle, "cx=\"", "\"") +
                    Between(circle, "cy=\"", "\"") + Between(circle, "class=\"", "\""));
  }
  std::sort(marks.begin(), marks.end());
  return marks;
}

TEST_CASE("the first picture is of one network, and the script draws the same", "[dom]") {
  const StudyData data = SampleStudy();
  const std::string page = StudyPage(data);
  CHECK(Count(Plot(page, "tradeoff"), "<circle") == 6);
  CHECK(Count(Plot(page, "bits"), "<circle") == 6);
  const auto dom = Dom(page, "#network=one");
  if (!dom) return;
  for (const char* id : {"tradeoff", "bits"}) {
    const std::string before = Plot(page, id), after = Plot(*dom, id);
    CHECK(Marks(after) == Marks(before));
    CHECK(Between(after, "class=\"front\" d=\"", "\"") ==
          Between(before, "class=\"front\" d=\"", "\""));
    for (const char* axis : {"axis x", "axis y"}) {
      const std::string a = Between(before, axis, "</g>"), b = Between(after, axis, "</g>");
      CHECK(Number(a, "data-low=\"") == Approx(Number(b, "data-low=\"")));
      CHECK(Number(a, "data-high=\"") == Approx(Number(b, "data-high=\"")));
      CHECK(Count(a, "class=\"tick\"") == Count(b, "class=\"tick\""));
    }
  }
}

TEST_CASE("filters leave the points that they name, and axes hold them all", "[dom]") {
  const std::string page = StudyPage(SampleStudy());
  const auto all = Dom(page, "#network=all&x=energy&y=area");
  if (!all) return;
  const std::string plot = Plot(*all, "tradeoff");
  CHECK(Count(plot, "<circle") == 12);
  const std::string x = Between(plot, "axis x", "</g>"), y = Between(plot, "axis y", "</g>");
  CHECK(Number(x, "data-low=\"") <= 1);
  CHECK(Number(x, "data-high=\"") >= 3 * 1.25 * 2 * 2);
  CHECK(Number(y, "data-low=\"") <= 10);
  CHECK(Number(y, "data-high=\"") >= 12);
  CHECK(Count(x, "energy, uJ (less is better)") == 1);
  const auto few = Dom(page, "#network=two&platform=nearmem&datapath.block=16");
  CHECK(Count(Plot(*few, "tradeoff"), "<circle") == 1);
  CHECK(few->find("1 of 12 points shown.") != std::string::npos);
}

TEST_CASE("a chosen point shows its figures, design point, command and layers", "[dom]") {
  const std::string page = StudyPage(SampleStudy());
  // A click as the mouse makes it, and the fragment that does the same.
  const std::string click =
      "<script>document.querySelector('#tradeoff [data-i=\"1\"]').dispatchEvent("
      "new MouseEvent('click', {bubbles: true}))</script>";
  std::string clicked = page;
  clicked.insert(clicked.rfind("</body>"), click);
  for (const auto& dom : {Dom(clicked), Dom(page, "#select=key001")}) {
    if (!dom) return;
    const std::string detail = Between(*dom, "<aside", "</aside>");
    CHECK(detail.find("key001") != std::string::npos);
    CHECK(detail.find("sim --set datapath.block=16") != std::string::npos);
    CHECK(detail.find("<td>tensor.rows</td><td>16</td>") != std::string::npos);
    CHECK(Count(*dom, "chosen\" data-i=\"1\"") == 2);  // in both plots
    CHECK(Count(Plot(*dom, "point-energy"), "<g class=\"bar\">") == 3);
    CHECK(Count(Plot(*dom, "point-energy"), "<rect") == 8);  // 3 components, one of them nothing
    CHECK(Count(Plot(*dom, "point-cycles"), "<rect") == 8);  // compute, load of two, sram
  }
  // Of the other network, and without layers in the file.
  const auto other = Dom(page, "#select=key100");
  CHECK(Count(*other, "chosen\" data-i=\"6\"") == 2);
  CHECK(Between(*other, "<div id=\"layers\"", "</div>").find("in the ledger") != std::string::npos);
}

TEST_CASE("ten thousand points", "[dom]") {
  const std::string page = StudyPage(LargeStudy(10000));
  CHECK(page.size() < 8'000'000);
  CHECK(Count(Plot(page, "tradeoff"), "<circle") == 10000);
  const auto dom = Dom(page, "#datapath.block=8&select=key9999");
  if (!dom) return;
  CHECK(Count(Plot(*dom, "tradeoff"), "<circle") == 3334);
  CHECK(Between(*dom, "<aside", "</aside>").find("key9999") != std::string::npos);
}

TEST_CASE("pages without points or with a run alone", "[dom]") {
  StudyData none = SampleStudy();
  none.points.clear();
  CHECK(StudyPage(none).find("No point of this study has finished") != std::string::npos);
  const auto dom = Dom(RunPage(SampleRun()));
  if (!dom) return;
  CHECK(Count(*dom, "<svg id=") == 5);
  CHECK(Count(Plot(*dom, "energy-by-layer"), "<g class=\"bar\">") == 3);
}

}  // namespace
}  // namespace nibble::report_html_test
