// The images that a network is evaluated on, and their labels.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sw/compiler/images.h"
#include "sw/trace/network.h"

namespace nibble::evaluation {

struct DatasetFiles {
  std::string images;  // a .npy file or a folder (compiler::ImageSet)
  std::string labels;  // empty: none
};

class Dataset {
 public:
  // Images [first, first + count) of the set; a count of 0: all from `first` on. Throws
  // trace::FileError for bad files, too few images or labels, images of another shape than the
  // network takes, and labels that it does not have.
  Dataset(const DatasetFiles& files, const trace::Network& net, int first = 0, int count = 0);
  // Of the images that `other` has read, not only of those that it has asked for.
  Dataset(const Dataset& other, const trace::Network& net, int first = 0, int count = 0);

  int count() const { return count_; }
  std::vector<float> Input(int i) const { return images_->Input(first_ + i, net_); }
  const std::vector<int>& labels() const { return labels_; }  // one an image, or empty
  // Of the images' files and of `first`, not of their number: an evaluation of more images goes on
  // where one of fewer ended.
  const std::string& Hash() const;

 private:
  Dataset(const DatasetFiles& files, std::shared_ptr<const compiler::ImageSet> images,
          const trace::Network& net, int first, int count);

  DatasetFiles files_;
  const trace::Network& net_;
  std::shared_ptr<const compiler::ImageSet> images_;
  std::vector<int> labels_;
  int first_ = 0, count_ = 0;
  mutable std::string hash_;  // empty until asked for
};

}  // namespace nibble::evaluation
