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
  try {
    images.CheckShape(net);
  } catch (const trace::FileError& e) {
    throw trace::FileError(fmt::format("{}: {}", path, e.what()));
  }
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
  if (!options.images.empty()) images_ = ReadImages(options.images, net, options.count);
  if (options.labels.empty()) return;
  labels_ = compiler::ReadLabels(options.labels);
  const int64_t classes = net.tensors[net.output].shape.elements();
  if (labels_.size() < static_cast<size_t>(count_)) {
    throw trace::FileError(
        fmt::format("{}: holds {} labels for {} images", options.labels, labels_.size(), count_));
  }
  for (int i = 0; i < count_; ++i) {
    if (labels_[i] < 0 || labels_[i] >= classes) {
      throw trace::FileError(
          fmt::format("{}: label {} of image {} is not in 0..{}, the network's classes",
                      options.labels, labels_[i], i, classes - 1));
    }
  }
}

std::vector<float> Inputs::Image(int i) const {
  return images_ ? images_->Input(i, net_) : compiler::GeneratedInput(net_, seed_);
}

std::string NpyRows(const std::vector<std::vector<float>>& rows) {
  std::vector<float> values;
  for (const std::vector<float>& row : rows) values.insert(values.end(), row.begin(), row.end());
  const auto count = static_cast<int64_t>(rows.size());
  return npy::Serialize(
      npy::FromFloats({count, static_cast<int64_t>(values.size()) / count}, values));
}

}  // namespace nibble::cli
