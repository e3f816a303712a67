#include "sw/evaluation/ablation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include "models/numerics/activation_store.h"
#include "sw/lowering/lowering.h"
#include "sw/trace/file.h"
#include "sw/trace/hash.h"
#include "sw/trace/whole_file.h"

namespace nibble::evaluation {
namespace {

std::vector<Study> MakeStudies() {
  std::vector<Study> studies;
  Study block{"block", "elements that share a block scale, of activations and weights", {}};
  for (const int b : {8, 16, 32, 64, 128}) {
    block.cells.push_back({fmt::format("B={}", b), {fmt::format("datapath.block={}", b)}});
  }
  studies.push_back(block);

  Study weights{"weights", "format of the weights; activations as the design has them", {}};
  for (const char* format : {"fp4", "nvfp4", "fp8", "fp16"}) {
    weights.cells.push_back({format, {fmt::format("datapath.weights={}", format)}});
  }
  studies.push_back(weights);

  // Weights that cost nothing in accuracy beside those of the study show what is the scales' alone.
  Study scaling{"scaling", "scales of FP4 activations, with NVFP4 and with FP16 weights", {}};
  for (const char* w : {"nvfp4", "fp16"}) {
    for (const char* a : {"fp4", "fp4-tensor", "nvfp4"}) {
      scaling.cells.push_back(
          {fmt::format("{}/{}", a, w),
           {fmt::format("datapath.activations={}", a), fmt::format("datapath.weights={}", w)}});
    }
  }
  studies.push_back(scaling);

  Study formats{"formats", "format of activations and weights, blocks as each has them", {}};
  const auto add = [&](const char* format, int b) {
    formats.cells.push_back({b == 0 ? format : fmt::format("{} B={}", format, b),
                             {fmt::format("datapath.activations={}", format),
                              fmt::format("datapath.weights={}", format),
                              fmt::format("datapath.block={}", b == 0 ? 16 : b)}});
  };
  add("nvfp4", 16);
  add("mxfp4", 32);
  add("int4", 16);
  add("nvint4", 16);
  add("mxfp6", 32);
  add("int8-channel", 0);
  add("int8", 16);
  add("fp8", 0);
  add("fp16", 0);
  studies.push_back(formats);
  return studies;
}

// What names a file: letters, digits, '-', '.' and '_' stay.
std::string FileName(const std::string& text) {
  std::string name;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.';
    name += plain ? c : '_';
  }
  return name;
}

// A network, and the cells of its row.
struct Row {
  explicit Row(const AblationNetwork& files, int count)
      : net(trace::Read(files.trace_path)),
        hash(trace::FileHash(files.trace_path)),
        dataset(files.files, net, 0, count) {}

  trace::Network net;
  std::string hash;
  Dataset dataset;
  AblationRow result;
};

class Ablation {
 public:
  Ablation(const Study& study, const AblationOptions& options)
      : study_(study), options_(options), work_(options.work) {
    work_.progress = [this](size_t done, size_t) {
      if (options_.work.progress) options_.work.progress(done_ + done, all_);
    };
    if (!options.folder.empty()) trace::MakeFolder(options.folder);
  }

  void Add(const AblationNetwork& files,
           const std::function<platforms::DesignPoint(const std::vector<std::string>&)>& resolve) {
    auto row = std::make_unique<Row>(files, options_.count);
    row->result.network = row->net.name;
    row->result.images = row->dataset.count();
    for (const auto& other : rows_) {
      if (other->net.name == row->net.name) {
        throw std::invalid_argument(fmt::format(
            "two networks are named {}: their results could not be told apart", row->net.name));
      }
    }
    for (const Cell& cell : study_.cells) {
      CellResult result;
      result.design = resolve(cell.sets);
      try {
        result.cost = MeasureCost(row->net, result.design);
      } catch (const lowering::LoweringError& error) {
        result.refused = error.what();
      }
      row->result.cells.push_back(std::move(result));
    }
    all_ += (study_.cells.size() + 1) * static_cast<size_t>(row->dataset.count());
    rows_.push_back(std::move(row));
  }

  std::vector<AblationRow> Run() {
    std::vector<AblationRow> results;
    for (const auto& row : rows_) {
      RunRow(*row);
      results.push_back(std::move(row->result));
    }
    return results;
  }

 private:
  std::string Path(const std::string& name) const {
    return (std::filesystem::path(options_.folder) / FileName(name)).string();
  }

  // Results are named after what they are of, so that studies share those of equal cells.
  ResultsFile Open(const Row& row, size_t cell) const {
    const CellResult& result = row.result.cells[cell];
    if (options_.folder.empty() || !result.refused.empty()) return {};
    trace::WriteWhole(
        Path(fmt::format("{}.{}.{}.cfg", row.net.name, study_.name, study_.cells[cell].name)),
        platforms::ConfigText(result.design));
    const Identity identity =
        IdentityOf(row.hash, result.design, Engine::kMachine, row.dataset, Scope::kOutput);
    return {Path(fmt::format("{}.{}.results", row.net.name,
                             trace::HashOf(ToText(identity)).substr(0, 16))),
            identity};
  }

  void RunRow(Row& row) {
    const int count = row.dataset.count();
    std::vector<ResultsFile> files;
    int least = count;  // images that every cell has
    for (size_t c = 0; c < study_.cells.size(); ++c) {
      files.push_back(Open(row, c));
      if (row.result.cells[c].refused.empty()) {
        least = std::min(least, static_cast<int>(files[c].results().size()));
      }
    }
    const auto fp32 = Fp32Outputs(row.net, row.dataset, least, work_);
    done_ += static_cast<size_t>(count);
    for (size_t c = 0; c < study_.cells.size(); ++c) {
      CellResult& cell = row.result.cells[c];
      if (cell.refused.empty()) {
        cell.summary = Summarise(
            Evaluate(row.net, cell.design, Engine::kMachine, row.dataset, &fp32, files[c], work_),
            row.dataset.labels());
      }
      done_ += static_cast<size_t>(count);
    }
  }

  const Study& study_;
  const AblationOptions& options_;
  WorkOptions work_;
  std::vector<std::unique_ptr<Row>> rows_;
  size_t done_ = 0, all_ = 0;  // images
};

}  // namespace

const std::vector<Study>& Studies() {
  static const std::vector<Study> studies = MakeStudies();
  return studies;
}

const Study& FindStudy(const std::string& name) {
  std::string known;
  for (const Study& study : Studies()) {
    if (study.name == name) return study;
    known += (known.empty() ? "" : ", ") + study.name;
  }
  throw std::invalid_argument(fmt::format("no study \"{}\"; known: {}", name, known));
}

std::vector<AblationRow> Ablate(
    const Study& study, const std::vector<AblationNetwork>& networks,
    const std::function<platforms::DesignPoint(const std::vector<std::string>&)>& resolve,
    const AblationOptions& options) {
  Ablation ablation(study, options);
  for (const AblationNetwork& network : networks) ablation.Add(network, resolve);
  return ablation.Run();
}

double BitsPerInput(const numerics::Datapath& datapath, int n) {
  const numerics::Format format = datapath.activations;
  const int block = datapath.activation_block;
  double bits = numerics::ElementBits(format);
  if (numerics::HasBlockScale(format)) {
    bits +=
        static_cast<double>(numerics::BlockScaleBits(format)) * numerics::BlockCount(n, block) / n;
  }
  const bool outer =
      numerics::HasTensorScale(format) && datapath.tensor_scale != numerics::ScaleSource::kNone;
  return bits + (outer ? 32.0 / n : 0.0);
}

}  // namespace nibble::evaluation
