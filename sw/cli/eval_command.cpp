// sim eval: how well a network under a design point classifies images, with intervals.
#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "platforms/sram_model.h"
#include "sw/cli/commands.h"
#include "sw/cli/design_options.h"
#include "sw/cli/errors.h"
#include "sw/cli/interrupt.h"
#include "sw/cli/output.h"
#include "sw/cli/progress.h"
#include "sw/cli/trace_file.h"
#include "sw/cli/version.h"
#include "sw/evaluation/evaluate.h"
#include "sw/evaluation/layer_sqnr.h"
#include "sw/report/table.h"
#include "sw/trace/file.h"

namespace nibble::cli {

namespace {

using evaluation::LayerSqnr;
using evaluation::Proportion;
using evaluation::Summary;
using Json = nlohmann::ordered_json;

struct EvalArguments {
  DesignOptions design;
  std::string trace, reference, out, format = "text";
  evaluation::DatasetFiles files;
  int count = 0, jobs = 1;
  bool golden = false, layers = false;
};

// What the printers need beside the numbers.
struct Subject {
  const EvalArguments& args;
  std::string trace_path;
  const trace::Network& net;
  const platforms::DesignPoint& design;
  int images = 0;

  const char* engine() const {
    return args.golden ? "golden" : platforms::PlatformName(design.platform);
  }
  const std::string& LayerName(int layer) const {
    return net.layers[static_cast<size_t>(layer)].name;
  }
};

struct Share {
  const char* name;  // for text
  const char* key;   // for CSV and JSON
  Proportion value;
};

std::vector<Share> Shares(const Summary& s) {
  std::vector<Share> shares;
  if (s.top1) {
    shares.push_back({"top-1", "top1", *s.top1});
    shares.push_back({"top-5", "top5", *s.top5});
    shares.push_back({"FP32 top-1", "fp32_top1", *s.fp32_top1});
    shares.push_back({"FP32 top-5", "fp32_top5", *s.fp32_top5});
  }
  shares.push_back({"agreement", "top1_agree", s.agreement});
  shares.push_back({"in first five", "top5_agree", s.agreement5});
  return shares;
}

std::string Heading(const Subject& subject) {
  const std::string& reference = subject.args.reference;
  return fmt::format("{} on {}, {} image{} of {}{}\n", subject.net.name, subject.engine(),
                     subject.images, subject.images == 1 ? "" : "s", subject.args.files.images,
                     reference.empty() ? "" : ", FP32 of " + reference);
}

std::string Text(const Subject& subject, const Summary& s) {
  std::string text = Heading(subject);
  for (const Share& share : Shares(s)) {
    const Proportion& p = share.value;
    text += fmt::format("  {:<14}{:>6.1f} %   {:.1f} to {:.1f} %   ({} of {})\n", share.name,
                        p.percent(), p.low(), p.high(), p.hits, p.of);
  }
  text += fmt::format("  {:<14}{:>6.2f} dB  {:.2f} to {:.2f} dB\n", "output SQNR", s.sqnr_db,
                      s.sqnr_db - s.sqnr_half_width_db, s.sqnr_db + s.sqnr_half_width_db);
  if (s.worst_layer >= 0) {
    text += fmt::format("  {:<14}{:>6.2f} dB  {}\n", "worst layer",
                        s.layer_sqnr_db[static_cast<size_t>(s.worst_layer)],
                        subject.LayerName(s.worst_layer));
  }
  return text + "  intervals of 95 %: Wilson's of shares, the mean's of SQNR\n";
}

std::string Csv(const Subject& subject, const Summary& s) {
  std::string head = "network,engine,images",
              row = fmt::format("{},{},{}", report::CsvField(subject.net.name), subject.engine(),
                                s.images);
  for (const Share& share : Shares(s)) {
    const Proportion& p = share.value;
    head += fmt::format(",{0}_percent,{0}_low_percent,{0}_high_percent", share.key);
    row += fmt::format(",{:.4f},{:.4f},{:.4f}", p.percent(), p.low(), p.high());
  }
  head += ",sqnr_db,sqnr_half_width_db,worst_layer,worst_layer_sqnr_db\n";
  row += fmt::format(",{:.4f},{:.4f}", s.sqnr_db, s.sqnr_half_width_db);
  if (s.worst_layer < 0) return head + row + ",,\n";
  return head + row +
         fmt::format(",{},{:.4f}\n", report::CsvField(subject.LayerName(s.worst_layer)),
                     s.layer_sqnr_db[static_cast<size_t>(s.worst_layer)]);
}

Json JsonHead(const Subject& subject) {
  Json json = {
      {"schema", "nibble.eval/1"},
      {"version", Version()},
      {"engine", subject.engine()},
      {"trace",
       {{"file", subject.trace_path},
        {"name", subject.net.name},
        {"hash", trace::FileHash(subject.trace_path)},
        {"calibration", subject.net.calibration}}},
      {"dataset",
       {{"images_file", subject.args.files.images}, {"labels_file", subject.args.files.labels}}},
      {"images", subject.images}};
  if (!subject.args.reference.empty()) {
    json["reference"] = {{"file", subject.args.reference},
                         {"hash", trace::FileHash(FindTrace(subject.args.reference))}};
  }
  for (const platforms::Parameter& p : subject.design.parameters) {
    json["design_point"][p.name] = {
        {"value", p.value}, {"unit", p.unit}, {"default", p.is_default}};
  }
  return json;
}

std::string JsonText(const Subject& subject, const Summary& s) {
  Json json = JsonHead(subject);
  for (const Share& share : Shares(s)) {
    const Proportion& p = share.value;
    json[share.key] = {{"images", p.hits},
                       {"percent", p.percent()},
                       {"low_percent", p.low()},
                       {"high_percent", p.high()}};
  }
  json["sqnr_db"] = s.sqnr_db;
  json["sqnr_half_width_db"] = s.sqnr_half_width_db;
  if (s.worst_layer >= 0) json["worst_layer"] = subject.LayerName(s.worst_layer);
  json["layers"] = Json::array();
  for (size_t l = 0; l < s.layer_sqnr_db.size(); ++l) {
    json["layers"].push_back(
        {{"name", subject.net.layers[l].name}, {"stored_sqnr_db", s.layer_sqnr_db[l]}});
  }
  return json.dump(1) + '\n';
}

size_t Worst(const std::vector<LayerSqnr>& layers, double LayerSqnr::*member) {
  const auto less = [&](const LayerSqnr& a, const LayerSqnr& b) { return a.*member < b.*member; };
  return static_cast<size_t>(std::min_element(layers.begin(), layers.end(), less) - layers.begin());
}

std::string LayersText(const Subject& subject, const std::vector<LayerSqnr>& layers) {
  const size_t alone = Worst(layers, &LayerSqnr::alone);
  const size_t cumulative = Worst(layers, &LayerSqnr::cumulative);
  report::Table table;
  table.AddColumn("layer", "", report::Table::Align::kLeft);
  table.AddColumn("op", "", report::Table::Align::kLeft);
  table.AddColumn("alone", "dB");
  table.AddColumn("cumulative", "dB");
  table.AddColumn("", "", report::Table::Align::kLeft);
  for (size_t i = 0; i < layers.size(); ++i) {
    const trace::Layer& l = subject.net.layers[i];
    std::string mark;
    if (i == alone) mark = "worst alone";
    if (i == cumulative) mark += mark.empty() ? "worst" : ", worst";
    table.AddRow({l.name, trace::OpName(l.op), fmt::format("{:.2f}", layers[i].alone),
                  fmt::format("{:.2f}", layers[i].cumulative), mark});
  }
  return Heading(subject) +
         "  SQNR of what a layer computes: from exact inputs, quantised, and in " +
         "the quantised network\n" + table.Render(120);
}

std::string LayersCsv(const Subject& subject, const std::vector<LayerSqnr>& layers) {
  std::string text = "layer,op,alone_sqnr_db,cumulative_sqnr_db\n";
  for (size_t i = 0; i < layers.size(); ++i) {
    const trace::Layer& l = subject.net.layers[i];
    text += fmt::format("{},{},{:.4f},{:.4f}\n", report::CsvField(l.name), trace::OpName(l.op),
                        layers[i].alone, layers[i].cumulative);
  }
  return text;
}

std::string LayersJson(const Subject& subject, const std::vector<LayerSqnr>& layers) {
  Json json = JsonHead(subject);
  json["layers"] = Json::array();
  for (size_t i = 0; i < layers.size(); ++i) {
    const trace::Layer& l = subject.net.layers[i];
    json["layers"].push_back({{"name", l.name},
                              {"op", trace::OpName(l.op)},
                              {"alone_sqnr_db", layers[i].alone},
                              {"cumulative_sqnr_db", layers[i].cumulative}});
  }
  json["worst_layer_alone"] = subject.net.layers[Worst(layers, &LayerSqnr::alone)].name;
  json["worst_layer"] = subject.net.layers[Worst(layers, &LayerSqnr::cumulative)].name;
  return json.dump(1) + '\n';
}

// Of a network that takes the same images and tells the same classes.
trace::Network ReadReference(const std::string& path, const trace::Network& net) {
  trace::Network reference = trace::Read(path);
  const auto shape = [](const trace::Network& n, int t) {
    return n.tensors[static_cast<size_t>(t)].shape;
  };
  if (!(shape(reference, reference.input) == shape(net, net.input)) ||
      shape(reference, reference.output).elements() != shape(net, net.output).elements()) {
    throw trace::FileError(
        fmt::format("{}: input or output of another shape than {} has", path, net.name));
  }
  return reference;
}

// Golden has no scratchpads.
void RequireNoBitErrors(const platforms::DesignPoint& design) {
  for (const auto& [name, sram] : platforms::SramsOf(design)) {
    if (sram->error_rate == 0) continue;
    throw UsageError(fmt::format(
        "golden has no sram.{}, whose cells fail at {:g} V: leave --golden and --layers out, or "
        "set sram.{}.error_rate=0",
        name, sram->vdd, name));
  }
}

int Eval(const EvalArguments& args) {
  if (args.golden) RequireDatapath(args.design.sets);
  const platforms::DesignPoint design = args.design.Resolve();
  if (args.golden || args.layers) RequireNoBitErrors(design);
  const std::string path = FindTrace(args.trace);
  const trace::Network net = trace::Read(path);
  const evaluation::Dataset dataset(args.files, net, 0, args.count);
  const Subject subject{args, path, net, design, dataset.count()};
  Progress bar(fmt::format("{} on {}", net.name, subject.engine()));
  const evaluation::WorkOptions work{
      args.jobs, [&](size_t done, size_t all) { bar.Update(done, all); }, &Interrupted()};
  const auto print = [&](const auto& result, auto text, auto csv, auto json) {
    const auto render = args.format == "csv" ? csv : args.format == "json" ? json : text;
    Print(render(subject, result));
  };
  try {
    if (args.layers) {
      print(MeanLayerSqnrs(net, design, dataset, work), LayersText, LayersCsv, LayersJson);
      return kDone;
    }
    const auto engine = args.golden ? evaluation::Engine::kGolden : evaluation::Engine::kMachine;
    const bool own = args.reference.empty();
    evaluation::ResultsFile file;
    evaluation::Identity identity =
        IdentityOf(trace::FileHash(path), design, engine, dataset,
                   own ? evaluation::Scope::kEveryLayer : evaluation::Scope::kOutput);
    std::vector<std::vector<float>> fp32;
    if (!own) {
      identity.emplace_back("reference", trace::FileHash(FindTrace(args.reference)));
    }
    if (!args.out.empty()) file = evaluation::ResultsFile(args.out, identity);
    if (!own) {
      const trace::Network reference = ReadReference(FindTrace(args.reference), net);
      // Of the reference's own preprocessing.
      const evaluation::Dataset inputs(args.files, reference, 0, dataset.count());
      fp32 = Fp32Outputs(reference, inputs, static_cast<int>(file.results().size()), work);
    }
    const auto results = Evaluate(net, design, engine, dataset, own ? nullptr : &fp32, file, work);
    print(Summarise(results, dataset.labels()), Text, Csv, JsonText);
  } catch (const std::invalid_argument& error) {  // a datapath that does not fit the network
    throw UsageError(error.what());
  }
  return kDone;
}

}  // namespace

Command AddEval(CLI::App& app) {
  auto args = std::make_shared<EvalArguments>();
  CLI::App* sub =
      app.add_subcommand("eval", "accuracy of a network under a design point, over many images");
  AddTraceArgument(*sub, args->trace);
  sub->add_option("-i,--images", args->files.images,
                  "NumPy uint8 or float32 [N][H][W][C], or a folder of JPEG and PNG files")
      ->option_text("FILE.npy|FOLDER")
      ->required();
  auto* labels =
      sub->add_option("--labels", args->files.labels,
                      "true classes: without, agreement with FP32 and SQNR alone are told")
          ->option_text("FILE");
  sub->add_option("-n,--count", args->count, "the first so many images")
      ->check(CLI::PositiveNumber)
      ->option_text("N [all]");
  sub->add_option("-j,--jobs", args->jobs, "processes; the results are the same bytes")
      ->check(CLI::Range(1, 256))
      ->option_text("N [1]");
  args->design.AddTo(*sub);
  auto* golden = sub->add_flag("--golden", args->golden,
                               "by the reference executor and no machine: the same bits, slowly");
  golden->excludes(sub->get_option("--platform"));
  auto* layers =
      sub->add_flag("--layers", args->layers,
                    "instead: SQNR after each layer, quantised alone and with all before");
  layers->excludes(golden, labels);
  sub->add_option(
         "--reference", args->reference,
         "the trace whose FP32 results are compared with, of a network that was retrained; "
         "its own otherwise")
      ->option_text("PARENT.trc")
      ->excludes(layers);
  sub->add_option("--out", args->out,
                  "keeps what is known of each image; the same command goes on where it stopped")
      ->option_text("FILE")
      ->excludes(layers);
  sub->add_option("--format", args->format, "text, csv or json")
      ->check(CLI::IsMember({"text", "csv", "json"}))
      ->option_text("NAME [text]");
  return [args] { return Eval(*args); };
}

}  // namespace nibble::cli
