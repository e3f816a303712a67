#include "sw/evaluation/dataset.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "sw/compiler/image_files.h"
#include "sw/trace/file.h"
#include "sw/trace/hash.h"

namespace nibble::evaluation {

Dataset::Dataset(const DatasetFiles& files, const trace::Network& net, int first, int count)
    : Dataset(files, std::make_shared<compiler::ImageSet>(files.images), net, first, count) {}

Dataset::Dataset(const Dataset& other, const trace::Network& net, int first, int count)
    : Dataset(other.files_, other.images_, net, first, count) {}

Dataset::Dataset(const DatasetFiles& files, std::shared_ptr<const compiler::ImageSet> images,
                 const trace::Network& net, int first, int count)
    : files_(files), net_(net), images_(std::move(images)), first_(first), count_(count) {
  const auto fail = [](const std::string& path, const std::string& what) {
    throw trace::FileError(fmt::format("{}: {}", path, what));
  };
  images_->CheckShape(net);
  const int all = images_->count();
  if (count_ == 0) count_ = all - first_;
  if (count_ < 1 || all - first_ < count_) {
    const std::string behind = first_ == 0 ? "" : fmt::format(" behind the first {}", first_);
    fail(files.images,
         fmt::format("holds {} images, {}{} are asked for", all, std::max(count_, 1), behind));
  }
  if (files.labels.empty()) return;
  const std::vector<int> labels = compiler::ReadLabels(files.labels);
  const int64_t classes = net.tensors[static_cast<size_t>(net.output)].shape.elements();
  const auto end = static_cast<size_t>(first_) + static_cast<size_t>(count_);
  if (labels.size() < end) {
    fail(files.labels, fmt::format("holds {} labels for {} images", labels.size(), end));
  }
  for (size_t i = static_cast<size_t>(first_); i < end; ++i) {
    if (labels[i] >= classes) {
      fail(files.labels, fmt::format("label {} of image {} is not in 0..{}, the network's classes",
                                     labels[i], i, classes - 1));
    }
    labels_.push_back(labels[i]);
  }
}

const std::string& Dataset::Hash() const {
  if (!hash_.empty()) return hash_;
  std::string text = fmt::format("first {}\n", first_);
  if (std::filesystem::is_directory(files_.images)) {
    for (const std::string& file : compiler::ImageFiles(files_.images)) {
      text +=
          std::filesystem::path(file).filename().string() + " " + trace::HashOfFile(file) + "\n";
    }
  } else {
    text += trace::HashOfFile(files_.images) + "\n";
  }
  return hash_ = trace::HashOf(text);
}

}  // namespace nibble::evaluation
