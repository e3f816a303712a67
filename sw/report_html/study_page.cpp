#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "sw/report_html/chart.h"
#include "sw/report_html/page.h"
#include "sw/report_html/scatter.h"
#include "sw/report_html/tornado.h"

namespace nibble::report_html {

namespace {

using Json = nlohmann::ordered_json;

// Six significant digits are more than a picture shows.
Json Rounded(double value) {
  if (std::isnan(value)) return nullptr;
  return std::stod(fmt::format("{:.6g}", value));
}

Json Part(const std::string& name, const std::string& css, const std::vector<double>& values) {
  Json list = Json::array();
  for (const double v : values) list.push_back(std::stod(fmt::format("{:.4g}", v)));
  return {{"name", name}, {"css", css}, {"values", list}};
}

// Stall causes in order of first appearance among the layers.
std::vector<std::string> CausesOf(const report::RunFile& run) {
  std::vector<std::string> causes;
  for (const report::RunLayer& layer : run.layers) {
    for (const auto& [cause, cycles] : layer.stall_cycles) {
      if (cycles > 0 && std::find(causes.begin(), causes.end(), cause) == causes.end()) {
        causes.push_back(cause);
      }
    }
  }
  return causes;
}

template <typename F>
std::vector<double> ByLayer(const report::RunFile& run, double scale, F figure) {
  std::vector<double> values;
  values.reserve(run.layers.size());
  for (const report::RunLayer& layer : run.layers) values.push_back(scale * figure(layer));
  return values;
}

Json LayersJson(const report::RunFile& run) {
  using report::RunLayer;
  Json energy = Json::array(), cycles = Json::array();
  if (!run.layers.empty()) {
    for (const auto& [component, unused] : run.layers[0].energy_pj) {
      energy.push_back(Part(component, ComponentClass(component),
                            ByLayer(run, 1e-6, [c = component](const RunLayer& l) {
                              return report::FigureOf(l.energy_pj, c);
                            })));
    }
  }
  std::stable_sort(energy.begin(), energy.end(),
                   [](const Json& a, const Json& b) { return a["css"] < b["css"]; });
  cycles.push_back(
      Part("compute", "t0", ByLayer(run, 1e-3, [](const RunLayer& l) { return l.busy_cycles; })));
  for (const std::string& cause : CausesOf(run)) {
    cycles.push_back(
        Part("waiting: " + cause, CauseClass(cause), ByLayer(run, 1e-3, [&](const RunLayer& l) {
               return report::FigureOf(l.stall_cycles, cause);
             })));
  }
  const auto marks = ByLayer(run, 1e-3, [](const RunLayer& l) { return l.cycles; });
  return {{"energy", energy}, {"cycles", cycles}, {"marks", Part("", "", marks)["values"]}};
}

size_t MetricOf(const StudyData& data, const std::string& id) {
  for (size_t m = 0; m < data.metrics.size(); ++m) {
    if (data.metrics[m].id == id) return m;
  }
  return data.metrics.size();
}

std::string DataJson(const StudyData& data, const std::vector<Scatter>& plots) {
  Json json = {{"metrics", Json::array()},  {"columns", Json::array()},
               {"points", Json::array()},   {"plots", Json::array()},
               {"colour", plots[0].colour}, {"constants", Json::object()},
               {"names", Json::array()},    {"layers", Json::object()}};
  for (const Metric& m : data.metrics) {
    json["metrics"].push_back({{"id", m.id}, {"name", m.name}, {"unit", m.unit}, {"most", m.most}});
  }
  for (const Column& c : data.columns) {
    json["columns"].push_back({{"key", c.key}, {"values", c.values}, {"planned", c.planned}});
  }
  for (const StudyPoint& p : data.points) {
    Json metrics = Json::array();
    for (const double v : p.metrics) metrics.push_back(Rounded(v));
    json["points"].push_back(
        {{"k", p.key}, {"p", p.platform}, {"v", p.values}, {"m", metrics}, {"c", p.command}});
  }
  for (const Scatter& s : plots) json["plots"].push_back({{"id", s.id}, {"x", s.x}, {"y", s.y}});
  for (const auto& [platform, constants] : data.constants) {
    json["constants"][platform] = Json::array();
    for (const auto& [name, value] : constants) {
      json["constants"][platform].push_back({name, value});
    }
  }
  // Networks share their layers' names.
  for (const auto& [point, run] : data.runs) {
    Json names = Json::array();
    for (const report::RunLayer& layer : run.layers) names.push_back(layer.name);
    Json& all = json["names"];
    const auto at = std::find(all.begin(), all.end(), names);
    Json layers = LayersJson(run);
    layers["names"] = at - all.begin();
    if (at == all.end()) all.push_back(std::move(names));
    json["layers"][std::to_string(point)] = std::move(layers);
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// An area without the units beside the banks is none to compare with.
const char* AreaNote(const StudyData& data) {
  const bool banks = std::any_of(data.points.begin(), data.points.end(),
                                 [](const StudyPoint& p) { return p.platform == "nearmem"; });
  return banks
             ? "Area is that of blocks with a published figure; units beside DRAM banks have none, "
               "so that areas of different platforms do not compare."
             : "Area is that of blocks with a published figure.";
}

std::string Explorer(const StudyData& data, const Scatter& plot) {
  std::vector<std::pair<std::string, std::string>> legend;
  const Column& column = data.columns[plot.colour];
  for (size_t v = 0; v < column.values.size(); ++v) {
    const bool used = std::any_of(plot.of.begin(), plot.of.end(), [&](size_t i) {
      return data.points[i].values[plot.colour] == static_cast<int>(v);
    });
    if (used) legend.emplace_back(CategoryClass(v), column.values[v]);
  }
  std::string colours = Legend(legend);
  colours.replace(colours.find("<ul"), 3, "<ul id=\"colours\"");
  return "<div class=\"controls\" id=\"controls\"></div>\n<div class=\"work\">\n<div>\n" + colours +
         Draw(data, plot) +
         fmt::format(
             "<p class=\"note\"><span id=\"shown\">{} of {} points shown.</span> The dashed line "
             "is the front: ringed points, which no other beats in both. {}</p>\n",
             plot.of.size(), data.points.size(), AreaNote(data)) +
         "</div>\n<aside class=\"panel screen\" id=\"detail\"><h3>Chosen point</h3><p>Click a "
         "point for "
         "its figures, its full design point, its layers and the command that runs it "
         "again.</p></aside>\n</div>\n<div id=\"layers\"></div>\n";
}

// The first planned column with several values that are seen, beside the network's.
size_t ColourOf(const StudyData& data) {
  size_t best = 0;
  for (size_t c = data.columns.size(); c-- > 1;) {
    if (data.columns[c].planned) best = c;
  }
  return best;
}

}  // namespace

std::string StudyPage(const StudyData& data) {
  Page page;
  page.kind = "study";
  const std::string name = std::filesystem::path(data.folder).filename().string();
  page.title = "Study " + name;
  const size_t networks = data.columns[0].values.size();
  page.subtitle =
      fmt::format("{} network{}, Nibble {}", networks, networks == 1 ? "" : "s", data.version);
  page.facts = {{std::to_string(data.points.size()), "points"},
                {std::to_string(data.refused), "refused"},
                {std::to_string(data.failed), "failed"},
                {std::to_string(data.missing), "not run"}};
  if (data.points.empty()) {
    page.body = "<p>No point of this study has finished.</p>\n";
    return Html(page);
  }
  std::vector<size_t> of;
  for (size_t i = 0; i < data.points.size(); ++i) {
    if (data.points[i].values[0] == 0 || data.columns[0].values.size() == 1) of.push_back(i);
  }
  const size_t colour = ColourOf(data), none = data.metrics.size();
  std::vector<Scatter> plots = {
      {"tradeoff", "Points of the study in two figures", 0, 1, colour, of}};
  size_t quality = none;
  for (const char* id : {"accuracy", "agreement", "sqnr"}) {
    if (quality == none) quality = MetricOf(data, id);
  }
  std::string bits;
  if (quality != none) {
    const size_t x = MetricOf(data, "bits_per_weight");
    plots.push_back({"bits", "Accuracy against stored bits per weight", x, quality, colour, of});
    bits = "<div class=\"plain\">" + Draw(data, plots.back()) + "</div>\n";
  }
  std::string tornado;
  for (const char* id : {"latency", "energy", "area", "accuracy", "sqnr"}) {
    const size_t metric = MetricOf(data, id);
    if (metric == none) continue;
    const std::string chart = Tornado(data, metric);
    if (chart.empty()) continue;
    if (tornado.empty()) {
      tornado = Legend({{"k2", "better than the mean"}, {"k1", "worse"}});
    }
    tornado += "<h3>" + Escape(data.metrics[metric].name) + "</h3>\n" + chart;
  }
  page.body =
      Section("Trade-offs", "", Explorer(data, plots[0])) +
      Section("Accuracy against bits per element", "", bits) +
      Section(
          "Sensitivity",
          "Each parameter by itself: points that differ in it alone are compared with their mean. "
          "The circles are its values. Over all networks.",
          tornado);
  page.json = DataJson(data, plots);
  return Html(page);
}

}  // namespace nibble::report_html
