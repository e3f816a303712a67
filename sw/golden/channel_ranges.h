// Channels of a stored tensor, read and written on their own: what a view holds (datapaths.h).
#pragma once

#include "models/numerics/activation_store.h"
#include "sw/golden/datapaths.h"

namespace nibble::golden {

// Channels `range` of each pixel as a tensor of its own, codes and block scales as they are. The
// range begins at a multiple of the block, and ends at one or with the tensor.
numerics::StoredActivations ReadChannels(const numerics::StoredActivations& from,
                                         const ChannelRange& range);

// Quantises `x`, [pixels][range.channels], into such channels of `to`, under its tensor scale.
// Stochastic rounding takes the numbers of the places in `to`.
void StoreChannels(numerics::StoredActivations& to, const ChannelRange& range, const float* x,
                   const numerics::Rounding& rounding);

}  // namespace nibble::golden
