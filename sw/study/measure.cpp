#include "sw/study/measure.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "models/numerics/activation_store.h"
#include "platforms/energy_model.h"
#include "platforms/machine.h"
#include "sw/compiler/compiler.h"
#include "sw/evaluation/evaluate.h"
#include "sw/golden/golden.h"
#include "sw/lowering/lowering.h"
#include "sw/trace/file.h"
#include "sw/trace/hash.h"

namespace nibble::study {

namespace fs = std::filesystem;

namespace {

// Of the files that figures come from, whose contents a design point does not hold.
std::string HashOfTables() {
  std::string text;
  for (const char* folder : {"area", "dram", "energy", "sram"}) {
    std::vector<fs::path> files;
    for (const auto& entry :
         fs::directory_iterator(fs::path(platforms::DataFolder()) / "platforms" / folder)) {
      files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
      text += fmt::format("{}/{} {}\n", folder, file.filename().string(),
                          trace::HashOfFile(file.string()));
    }
  }
  return trace::HashOf(text);
}

}  // namespace

Network ReadNetwork(const std::string& path, bool timing_only) {
  return {path, trace::FileHash(path), trace::Read(path, !timing_only)};
}

Meter::Meter(std::vector<Network> networks, const ImageSource& input, bool timing_only,
             std::string version)
    : networks_(std::move(networks)),
      input_(input),
      timing_only_(timing_only),
      version_(std::move(version)),
      fp32_(networks_.size()) {
  identity_ = fmt::format("{}, tables {}, {}", version_, HashOfTables(), OpenImages());
}

std::string Meter::OpenImages() {
  if (timing_only_) return "timing only";
  if (input_.images.empty()) return fmt::format("generated input {}", input_.seed);
  for (const Network& n : networks_) {
    if (datasets_.empty()) {
      const evaluation::DatasetFiles files{input_.images, input_.labels};
      datasets_.push_back(std::make_unique<evaluation::Dataset>(files, n.net, 0, input_.count));
    } else {
      datasets_.push_back(
          std::make_unique<evaluation::Dataset>(*datasets_.front(), n.net, 0, input_.count));
    }
  }
  const evaluation::Dataset& any = *datasets_.front();
  return fmt::format("images {} of {}, labels {}", any.count(), any.Hash(),
                     fmt::join(any.labels(), " "));
}

std::vector<float> Meter::Input(size_t network, int i) const {
  if (!datasets_.empty()) return datasets_[network]->Input(i);
  return compiler::GeneratedInput(networks_[network].net, input_.seed);
}

void Meter::PrepareFp32(const std::set<size_t>& networks, int jobs, const std::atomic<bool>* stop) {
  if (timing_only_) return;
  for (const size_t n : networks) {
    if (!fp32_[n].empty()) continue;
    const trace::Network& net = networks_[n].net;
    if (datasets_.empty()) {
      fp32_[n] = {golden::RunFp32(net, Input(n, 0))[static_cast<size_t>(net.output)]};
    } else {
      fp32_[n] = evaluation::Fp32Outputs(net, *datasets_[n], 0, {jobs, nullptr, stop});
    }
  }
}

sim::RunStats Meter::RunImages(size_t network, const platforms::DesignPoint& design,
                               sim::Program& program, report::QualityMeter& quality) const {
  const trace::Network& net = networks_[network].net;
  sim::RunStats first;
  for (int i = 0; i < input_.count; ++i) {
    lowering::SetInput(program, net, design, Input(network, i));
    platforms::RunOptions options;
    options.run = static_cast<uint64_t>(i);
    platforms::RunOutcome outcome = platforms::Run(design, program, options);
    const auto image = static_cast<size_t>(i);
    const bool labelled = !datasets_.empty() && !datasets_[network]->labels().empty();
    quality.Add(numerics::LoadTensor(evaluation::StoredTensor(program, outcome, program.output)),
                fp32_[network].at(image), labelled ? datasets_[network]->labels()[image] : -1);
    if (i == 0) first = std::move(outcome.stats);
  }
  return first;
}

report::Report Meter::Run(size_t network, const platforms::DesignPoint& design) const {
  const auto& [path, hash, net] = networks_[network];
  const platforms::EnergyModel energy(design);
  sim::Program program = lowering::Lower(net, design, {!timing_only_});
  report::QualityMeter quality;
  sim::RunStats stats;
  if (timing_only_) {
    platforms::RunOptions options;
    options.timing_only = true;
    stats = platforms::Run(design, program, options).stats;
  } else {
    stats = RunImages(network, design, program, quality);
  }
  // The network's own name, not the path, which is another on another machine.
  report::Report report = report::BuildReport({version_, net.name, hash, timing_only_}, net, design,
                                              program, stats, energy);
  if (!timing_only_) report.quality = quality.Result();
  return report;
}

}  // namespace nibble::study
