// One design point on one network: what comes of it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "platforms/design_point.h"
#include "sw/compiler/images.h"
#include "sw/report/report.h"
#include "sw/study/plan.h"
#include "sw/trace/network.h"

namespace nibble::study {

// A trace, read once before the processes of a study part.
struct Network {
  std::string path, hash;
  trace::Network net;
};
// Without weights for a study of timing alone. Throws trace::FileError.
Network ReadNetwork(const std::string& path, bool timing_only);

// Runs points. Holds the images and, as they are needed, the networks' FP32 outputs.
class Meter {
 public:
  // Throws trace::FileError for bad images or labels, too few of them, or a network that they do
  // not fit.
  Meter(std::vector<Network> networks, const ImageSource& input, bool timing_only,
        std::string version);

  const std::vector<Network>& networks() const { return networks_; }
  // What results depend on beside design point and trace: version, tables, images or seed.
  const std::string& identity() const { return identity_; }

  // FP32 outputs of all networks and images, so that processes forked from here share them. Without
  // it each makes those that it needs.
  void PrepareFp32();

  // Lowers, simulates, and with bits compares with FP32, image by image; counts are those of the
  // first. Throws platforms::ParameterError and lowering::LoweringError when the machine or the
  // network does not go.
  report::Report Run(size_t network, const platforms::DesignPoint& design);

 private:
  std::string ReadInput();  // opens and checks; what it is, with its hash
  void CheckImages(const Network& n) const;
  std::vector<float> Input(size_t network, int i) const;
  // Of image `i`, made on first use.
  const std::vector<float>& Fp32(size_t network, int i, const std::vector<float>& input);
  // The images through a lowered network: the part that has to do with accuracy.
  sim::RunStats RunImages(size_t network, const platforms::DesignPoint& design,
                          sim::Program& program, report::QualityMeter& quality);

  std::vector<Network> networks_;
  ImageSource input_;
  bool timing_only_;
  std::string version_, identity_;
  std::unique_ptr<compiler::ImageSet> images_;
  std::vector<int> labels_;
  std::map<std::pair<size_t, int>, std::vector<float>> fp32_;
};

}  // namespace nibble::study
