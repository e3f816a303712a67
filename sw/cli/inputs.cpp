#include "sw/cli/inputs.h"

#include <fmt/format.h>

#include <filesystem>

#include "sw/cli/errors.h"
#include "sw/compiler/compiler.h"
#include "sw/npy/npy.h"
#include "sw/trace/file.h"

namespace nibble::cli {

compiler::ImageSet ReadImages(const std::string& path, const trace::Network& net, int count) {
  compiler::ImageSet images(path);
  images.CheckShape(net);
  if (images.count() < count) {
    throw trace::FileError(
        fmt::format("{}: holds {} images, --count asks for {}", path, images.count(), count));
  }
  return images;
}

std::string CountOf(int count, const std::string& path) {
  const std::filesystem::path p(path);
  const std::filesystem::path& named = p.has_filename() ? p : p.parent_path();
  return fmt::format("{} images of {}", count, named.filename().string());
}

compiler::RangeChoice ParseRange(const std::string& text) try {
  return compiler::ParseRangeChoice(text);
} catch (const std::invalid_argument& error) {
  throw UsageError(std::string("--range: ") + error.what());
}

Inputs::Inputs(const InputOptions& options, const trace::Network& net)
    : net_(net), count_(options.count), seed_(static_cast<uint64_t>(options.seed)) {
  if (options.images.empty()) return;
  dataset_.emplace(evaluation::DatasetFiles{options.images, options.labels}, net, 0, count_);
}

std::vector<float> Inputs::Image(int i) const {
  return dataset_ ? dataset_->Input(i) : compiler::GeneratedInput(net_, seed_);
}

int Inputs::Label(int i) const {
  const bool labelled = dataset_ && !dataset_->labels().empty();
  return labelled ? dataset_->labels()[static_cast<size_t>(i)] : -1;
}

std::string NpyRows(const std::vector<std::vector<float>>& rows) {
  std::vector<float> values;
  for (const std::vector<float>& row : rows) values.insert(values.end(), row.begin(), row.end());
  const auto count = static_cast<int64_t>(rows.size());
  return npy::Serialize(
      npy::FromFloats({count, static_cast<int64_t>(values.size()) / count}, values));
}

}  // namespace nibble::cli
