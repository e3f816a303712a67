#include "sw/golden/storage.h"

#include <algorithm>

#include "sw/golden/channel_ranges.h"
#include "sw/golden/golden.h"

namespace nibble::golden {

using numerics::StoredActivations;

Storage::Storage(const trace::Network& net, const Datapaths& datapaths,
                 const std::vector<std::vector<float>>& given)
    : net_(net), datapaths_(datapaths), tensors_(net.tensors.size()) {
  for (size_t t = 0; t < given.size(); ++t) {
    const int channels = net.tensors[t].shape.channels;
    if (!given[t].empty()) Write(static_cast<int>(t), {{0, channels}}, given[t]);
  }
}

void Storage::Write(int tensor, const std::vector<ChannelRange>& ranges,
                    const std::vector<float>& x) {
  const View& view = datapaths_.views[tensor];
  StoredActivations& root = tensors_[view.root];
  if (root.codes.empty()) Allocate(view.root, x, root);
  const numerics::Rounding rounding =
      numerics::StreamOf(datapaths_.base.activation_rounding, static_cast<uint64_t>(view.root));
  if (root.layout.strips()) {  // never in parts
    root = numerics::StoreTensor(root.layout, root.scale, x.data(), rounding);
    return;
  }
  const int channels = datapaths_.tensors[tensor].channels;
  for (const ChannelRange& range : ranges) {
    std::vector<float> part;
    for (size_t at = 0; at < x.size(); at += channels) {
      const auto first = x.begin() + static_cast<std::ptrdiff_t>(at) + range.channel;
      part.insert(part.end(), first, first + range.channels);
    }
    StoreChannels(root, {view.channel + range.channel, range.channels}, part.data(), rounding);
  }
  Share(tensor);
}

void Storage::Share(int tensor) {
  if (!datapaths_.IsView(tensor)) return;
  const View& view = datapaths_.views[tensor];
  tensors_[tensor] =
      ReadChannels(tensors_[view.root], {view.channel, datapaths_.tensors[tensor].channels});
}

void Storage::Allocate(int tensor, const std::vector<float>& x, StoredActivations& stored) const {
  stored.layout = datapaths_.tensors[tensor];
  if (numerics::HasTensorScale(stored.layout.format)) {
    stored.scale = ScaleOf(net_, tensor, datapaths_, x);
  }
  stored.codes.resize(stored.layout.code_bytes());
  stored.scales.resize(stored.layout.scale_bytes());
}

}  // namespace nibble::golden
