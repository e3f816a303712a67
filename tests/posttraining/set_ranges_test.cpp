// Ranges fit the format in which a tensor is stored.
#include "sw/posttraining/set_ranges.h"

#include <catch2/catch.hpp>

#include "models/numerics/block_tensor.h"
#include "sw/golden/golden.h"
#include "tests/golden/random_network.h"

namespace nibble::posttraining {
namespace {

using numerics::Format;
using trace::Network;

std::vector<compiler::MagnitudeHistogram> Look(const Network& net) {
  std::vector<compiler::MagnitudeHistogram> seen(net.tensors.size());
  const auto tensors = golden::RunFp32(net, test::RandomInput(net, 1));
  for (size_t t = 0; t < tensors.size(); ++t) seen[t].Add(tensors[t]);
  return seen;
}

double SquaredError(const golden::Datapaths& datapaths, size_t t, float amax,
                    const std::vector<float>& x) {
  const numerics::ActivationLayout& layout = datapaths.tensors[t];
  const auto stored = numerics::LoadTensor(
      numerics::StoreTensor(layout, numerics::OuterScaleFromAmax(layout.format, amax), x.data()));
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double d = double{stored[i]} - double{x[i]};
    sum += d * d;
  }
  return sum;
}

TEST_CASE("Tensors of one scale get the range of least error, those of block scales all of it",
          "[ranges]") {
  int narrower = 0;
  for (uint32_t seed = 0; seed < 8; ++seed) {
    const Network before = test::RandomNetwork(seed);
    const auto seen = Look(before);
    const auto tensors = golden::RunFp32(before, test::RandomInput(before, 1));
    for (const Format format : {Format::kNvfp4, Format::kFp4Tensor, Format::kInt4Channel}) {
      numerics::Datapath datapath;
      datapath.activations = format;
      const golden::Datapaths datapaths(before, datapath);
      Network after = before;
      const auto changes = SetRanges(after, datapaths, seen, std::nullopt);
      CHECK(changes.size() <= after.tensors.size());
      double chosen = 0, whole = 0;  // squared errors over all tensors
      for (size_t t = 0; t < after.tensors.size(); ++t) {
        const float amax = numerics::AmaxIgnoringNan(tensors[t].data(), tensors[t].size());
        const float range = after.tensors[t].amax;
        if (format == Format::kNvfp4 || static_cast<int>(t) == after.output) {
          CHECK(range == amax);
          continue;
        }
        CHECK(range <= amax);
        narrower += range < amax;
        chosen += SquaredError(datapaths, t, range, tensors[t]);
        whole += SquaredError(datapaths, t, amax, tensors[t]);
      }
      // kFp32 outputs add nothing to either.
      CHECK(chosen <= whole);
      if (format == Format::kFp4Tensor) CHECK(chosen < 0.95 * whole);
    }
  }
  CHECK(narrower > 10);
}

TEST_CASE("A choice holds for all tensors, and only what changed is told", "[ranges]") {
  Network net = test::RandomNetwork(2);
  const auto seen = Look(net);
  const golden::Datapaths datapaths(net, numerics::Datapath{});
  const auto choice = compiler::ParseRangeChoice("percentile:50");
  const auto changes = SetRanges(net, datapaths, seen, choice);
  for (const RangeChange& change : changes) {
    CHECK(change.before == 2);
    CHECK(net.tensors[static_cast<size_t>(change.tensor)].amax == change.after);
    CHECK(change.after == seen[static_cast<size_t>(change.tensor)].Range(choice));
  }
  CHECK_FALSE(changes.empty());
  CHECK(SetRanges(net, datapaths, seen, choice).empty());
}

}  // namespace
}  // namespace nibble::posttraining
