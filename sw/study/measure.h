// One design point on one network: what comes of it.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "platforms/design_point.h"
#include "sw/evaluation/dataset.h"
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

// Runs points. Holds the images and, once prepared, the networks' FP32 outputs.
class Meter {
 public:
  // Throws trace::FileError for bad images or labels, too few of them, or a network that they do
  // not fit.
  Meter(std::vector<Network> networks, const ImageSource& input, bool timing_only,
        std::string version);
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

  const std::vector<Network>& networks() const { return networks_; }
  // What results depend on beside design point and trace: version, tables, images or seed.
  const std::string& identity() const { return identity_; }

  // Makes the FP32 outputs that points on these networks are compared with, in `jobs` processes.
  // Before Run, and before processes are forked that call it. Throws platforms::Interrupted soon
  // after `stop` (may be null) is set.
  void PrepareFp32(const std::set<size_t>& networks, int jobs, const std::atomic<bool>* stop);

  // Lowers, simulates, and with bits compares with FP32, image by image; counts are those of the
  // first. Throws platforms::ParameterError and lowering::LoweringError when the machine or the
  // network does not go.
  report::Report Run(size_t network, const platforms::DesignPoint& design) const;

 private:
  std::string OpenImages();  // what the input is, with its hash
  std::vector<float> Input(size_t network, int i) const;
  // The images through a lowered network: the part that has to do with accuracy.
  sim::RunStats RunImages(size_t network, const platforms::DesignPoint& design,
                          sim::Program& program, report::QualityMeter& quality) const;

  const std::vector<Network> networks_;
  const ImageSource input_;
  const bool timing_only_;
  std::string version_, identity_;
  std::vector<std::unique_ptr<evaluation::Dataset>> datasets_;  // by network; empty: no images
  std::vector<std::vector<std::vector<float>>> fp32_;           // by network and image
};

}  // namespace nibble::study
