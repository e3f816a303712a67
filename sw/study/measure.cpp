#include "sw/study/measure.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "models/numerics/activation_store.h"
#include "platforms/energy_model.h"
#include "platforms/machine.h"
#include "sw/compiler/compiler.h"
#include "sw/golden/golden.h"
#include "sw/lowering/lowering.h"
#include "sw/trace/file.h"

namespace nibble::study {

namespace fs = std::filesystem;

namespace {

// The bytes of a file, or of all files of a folder with their names.
void HashPath(XXH3_state_t* state, const std::string& path) {
  std::vector<fs::path> files{path};
  if (fs::is_directory(path)) {
    files.clear();
    for (const auto& entry : fs::directory_iterator(path)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
  }
  std::vector<char> buffer(1 << 20);
  for (const fs::path& file : files) {
    const std::string name = file.filename().string();
    XXH3_128bits_update(state, name.c_str(), name.size() + 1);
    std::ifstream in(file, std::ios::binary);
    while (in.read(buffer.data(), static_cast<std::streamsize>(buffer.size())), in.gcount() > 0) {
      XXH3_128bits_update(state, buffer.data(), static_cast<size_t>(in.gcount()));
    }
  }
}

std::string HashOfFiles(const std::vector<std::string>& paths) {
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(),
                                                                              XXH3_freeState);
  XXH3_128bits_reset(state.get());
  for (const std::string& path : paths) {
    if (!path.empty()) HashPath(state.get(), path);
  }
  const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::vector<float> StoredOutput(const sim::Program& program, const platforms::RunOutcome& outcome) {
  const size_t index = static_cast<size_t>(program.output);
  const std::vector<uint8_t>& bytes = outcome.tensors[index];
  numerics::StoredActivations stored;
  stored.layout = program.tensors[index].layout;
  const auto codes = static_cast<ptrdiff_t>(stored.layout.code_bytes());
  stored.codes.assign(bytes.begin(), bytes.begin() + codes);
  stored.scales.assign(bytes.begin() + codes, bytes.end());
  if (numerics::HasTensorScale(stored.layout.format)) {
    stored.scale.decode = outcome.tensor_scale_decode[program.tensors[index].root];
  }
  return numerics::LoadTensor(stored);
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
      version_(std::move(version)) {
  const std::string tables = platforms::DataFolder() + "/platforms/";
  identity_ =
      fmt::format("{}, tables {}, {}", version_,
                  HashOfFiles({tables + "dram", tables + "energy", tables + "sram"}), ReadInput());
}

std::string Meter::ReadInput() {
  if (timing_only_) return "timing only";
  if (input_.images.empty()) return fmt::format("generated input {}", input_.seed);
  images_ = std::make_unique<compiler::ImageSet>(input_.images);
  if (images_->count() < input_.count) {
    throw trace::FileError(fmt::format("{}: holds {} images, the plan asks for {}", input_.images,
                                       images_->count(), input_.count));
  }
  if (!input_.labels.empty()) labels_ = compiler::ReadLabels(input_.labels);
  if (!input_.labels.empty() && labels_.size() < static_cast<size_t>(input_.count)) {
    throw trace::FileError(fmt::format("{}: holds {} labels for {} images", input_.labels,
                                       labels_.size(), input_.count));
  }
  for (const Network& n : networks_) CheckImages(n);
  return fmt::format("images {} of {}", input_.count, HashOfFiles({input_.images, input_.labels}));
}

void Meter::CheckImages(const Network& n) const {
  try {
    images_->CheckShape(n.net);
  } catch (const trace::FileError& error) {
    throw trace::FileError(fmt::format("{}: {}: {}", input_.images, n.path, error.what()));
  }
  const int64_t classes = n.net.tensors[n.net.output].shape.elements();
  for (size_t i = 0; i < std::min<size_t>(labels_.size(), input_.count); ++i) {
    if (labels_[i] >= 0 && labels_[i] < classes) continue;
    throw trace::FileError(
        fmt::format("{}: label {} of image {} is not in 0..{}, the classes of {}", input_.labels,
                    labels_[i], i, classes - 1, n.path));
  }
}

const std::vector<float>& Meter::Fp32(size_t network, int i, const std::vector<float>& input) {
  std::vector<float>& output = fp32_[{network, i}];
  if (output.empty()) {
    const trace::Network& net = networks_[network].net;
    output = golden::RunFp32(net, input)[static_cast<size_t>(net.output)];
  }
  return output;
}

void Meter::PrepareFp32() {
  if (timing_only_) return;
  for (size_t n = 0; n < networks_.size(); ++n) {
    for (int i = 0; i < input_.count; ++i) Fp32(n, i, Input(n, i));
  }
}

std::vector<float> Meter::Input(size_t network, int i) const {
  const trace::Network& net = networks_[network].net;
  return images_ ? images_->Input(i, net) : compiler::GeneratedInput(net, input_.seed);
}

sim::RunStats Meter::RunImages(size_t network, const platforms::DesignPoint& design,
                               sim::Program& program, report::QualityMeter& quality) {
  const trace::Network& net = networks_[network].net;
  sim::RunStats first;
  for (int i = 0; i < input_.count; ++i) {
    const std::vector<float> input = Input(network, i);
    lowering::SetInput(program, net, design, input);
    platforms::RunOptions options;
    options.run = static_cast<uint64_t>(i);
    platforms::RunOutcome outcome = platforms::Run(design, program, options);
    quality.Add(StoredOutput(program, outcome), Fp32(network, i, input),
                labels_.empty() ? -1 : labels_[static_cast<size_t>(i)]);
    if (i == 0) first = std::move(outcome.stats);
  }
  return first;
}

report::Report Meter::Run(size_t network, const platforms::DesignPoint& design) {
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
