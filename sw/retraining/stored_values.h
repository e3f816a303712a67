// What a datapath leaves of activations and weights: the values that layers multiply, and where
// they no longer follow what they were made from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/numerics/activation_store.h"
#include "models/numerics/datapath.h"
#include "sw/golden/datapaths.h"
#include "sw/trace/network.h"

namespace nibble::retraining {

// How channels of one tensor are stored: quantised and read back as golden::Run does it, bit for
// bit.
class StoredTensor {
 public:
  // `channels` of the tensor, as golden::WrittenChannels has them. `net` outlives it; the static
  // range is read from its tensors at each call.
  StoredTensor(const trace::Network& net, const golden::Datapaths& datapaths, int tensor,
               const golden::ChannelRange& channels);

  // One image, [pixels][channels]: y[i] is what is read back of x[i]. live[i] is 0 where the
  // element saturates: where it would round beyond the largest element, if there were a larger
  // (numerics/fidelity.h), so that y does not follow x. Returns how many do. `y` may be `x`.
  size_t Quantise(const float* x, float* y, uint8_t* live) const;

  bool exact() const { return layout_.format == numerics::Format::kFp32; }
  // Whether a range learned by gradient means something: the tensor has a static scale.
  bool has_range() const;
  // One scale for all of the tensor and none for blocks: every step of the grid follows the range.
  bool range_sets_step() const;
  int root() const { return root_; }  // the tensor whose range holds
  int channels() const { return layout_.channels; }

 private:
  numerics::TensorScale Scale(const float* x) const;

  const trace::Network* net_;
  numerics::ActivationLayout layout_;
  numerics::ScaleSource source_;
  numerics::Rounding rounding_;
  int root_ = 0;
  uint64_t first_ = 0, pitch_ = 0;  // place of pixel 0 in the root, elements from pixel to pixel
};

struct StoredWeights {
  std::vector<float> values;  // as trace::LayerWeights
  std::vector<uint8_t> live;  // 0 where the element saturates; empty: nowhere
};
StoredWeights StoreWeights(const trace::Network& net, const trace::Layer& layer,
                           const numerics::Datapath& datapath);

}  // namespace nibble::retraining
