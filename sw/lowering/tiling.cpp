#include "sw/lowering/tiling.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "models/accel/tensor_cost.h"
#include "models/accel/weight_layout.h"
#include "models/nearmem/bank_cost.h"
#include "sw/lowering/lowering.h"

namespace nibble::lowering {

namespace {

uint64_t DivideUp(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

// Sizes and costs of one way to cut one problem.
class Candidate {
 public:
  Candidate(const ConvProblem& problem, const platforms::DesignPoint& design,
            const ConvTiling& tiling)
      : p_(problem),
        g_(problem.geometry),
        d_(design),
        t_(tiling),
        input_(accel::InputLayoutOf(g_)) {
    const accel::WeightLayout weights = accel::WeightLayoutOf(g_);
    weight_bytes_per_channel_ =
        weights.code_bytes_per_channel() + weights.scale_bytes_per_channel();
    row_tiles_ = t_.row_tiles(g_);
    channel_tiles_ = t_.channel_tiles(p_);
  }

  // The name of the scratchpad that is too small, or null.
  const char* TooSmall() {
    const bool one_tile = row_tiles_ * channel_tiles_ == 1;
    if (Pixels(t_.rows) > 0xFFFF) return "sram.acc.size";
    if (!p_.input_in_act && !Fits(p_.act_room, InputBytes(), row_tiles_ == 1))
      return "sram.act.size";
    t_.keep_input = !p_.input_in_act && t_.order == LoopOrder::kChannelsOuter &&
                    row_tiles_ * InputBytes() <= p_.act_room;
    if (!p_.near_memory) {
      const uint64_t runs = channel_tiles_ * DivideUp(t_.channels, t_.weight_channels);
      t_.keep_weights = WeightBytes(p_.channels) + runs * kSlack <= d_.sram_weight.size;
      // Channel tiles are worked on over all rows, so that their weights must be there together.
      const bool evicted =
          t_.order == LoopOrder::kChannelsOuter && t_.weight_channels < t_.channels;
      if (!t_.keep_weights && evicted) return "sram.weight.size";
      if (!t_.keep_weights && !Fits(d_.sram_weight.size, WeightBytes(t_.weight_channels), false)) {
        return "sram.weight.size";
      }
    }
    const uint64_t acc = accel::AccumulatorBytes(Pixels(t_.rows), t_.channels);
    if (!Fits(d_.sram_acc.size, acc, one_tile)) return "sram.acc.size";
    if (!Fits(p_.out_room, OutBytes(), one_tile)) return "sram.out.size";
    return nullptr;
  }

  ConvTiling Estimate() {
    uint64_t input_bytes = 0, tensor = 0, vector = 0;
    for (uint32_t row = 0; row < g_.out_height; row += t_.rows) {
      const uint32_t rows = std::min<uint32_t>(t_.rows, g_.out_height - row);
      input_bytes += BytesOf(InputRows(g_, row, rows).count);
      for (uint32_t c = 0; c < p_.channels; c += t_.channels) {
        const uint32_t channels = std::min(t_.channels, p_.channels - c);
        tensor += ComputeCycles(Pixels(rows), c, channels);
        vector += Pixels(rows) * DivideUp(channels, d_.vector.lanes) + d_.vector.latency;
      }
    }
    const bool rows_outer = t_.order == LoopOrder::kRowsOuter;
    const uint64_t input_passes = rows_outer || t_.keep_input ? 1 : channel_tiles_;
    const uint64_t weight_passes = rows_outer && !t_.keep_weights ? row_tiles_ : 1;
    const uint64_t pixels = Pixels(g_.out_height);
    // Some of a pixel's channels are a short row in DRAM, of codes and of scales, whose ends waste
    // a burst each.
    const uint64_t short_rows = (p_.output_in_dram ? 2 : 0) + (p_.residual_pixel_bytes > 0 ? 2 : 0);
    const uint64_t ragged =
        rows_outer ? 0 : channel_tiles_ * pixels * short_rows * d_.dram.burst_bytes;
    t_.dram_bytes =
        (p_.input_in_act ? 0 : input_bytes * input_passes) + p_.params_bytes +
        (p_.near_memory ? 0 : weight_bytes_per_channel_ * p_.channels * weight_passes) +
        pixels * ((p_.output_in_dram ? p_.out_pixel_bytes : 0) + p_.residual_pixel_bytes) + ragged;

    const double rate = DramBytesPerCycle(d_);
    const auto transfer = [&](uint64_t bytes) {
      return static_cast<uint64_t>(bytes / rate) + kDramLatency;
    };
    const uint64_t tiles = row_tiles_ * channel_tiles_;
    // Short rows also keep DRAM from streaming: neighbouring bursts meet in a bank group (tCCD_L
    // against tCCD_S).
    const uint64_t loads = transfer(t_.dram_bytes + ragged) + tiles * kTileOverhead;
    // Banks compute on the memory that the loads need; otherwise the engines overlap.
    uint64_t steady =
        p_.near_memory ? std::max(tensor + loads, vector) : std::max({tensor, vector, loads});
    if (take_turns_) steady = tensor + vector + loads;
    const uint64_t first = transfer((p_.input_in_act ? 0 : InputBytes()) +
                                    (p_.near_memory ? 0 : WeightBytes(t_.weight_channels)));
    const uint64_t last = vector / tiles + transfer(OutBytes());
    t_.cycles = steady + first + last;
    return t_;
  }

 private:
  static constexpr uint64_t kSlack = 2 * sim::kSramUnit;  // codes and scales are rounded apart
  static constexpr uint64_t kDramLatency = 60;  // cycles, about tRCD + CL of LPDDR5 at 1 GHz
  static constexpr uint64_t kTileOverhead =
      20;  // cycles of a transaction that the next cannot hide

  // Two tiles side by side, so that one moves while the other is worked on; where there is only one
  // tile, or only one fits, the engines take turns.
  bool Fits(uint64_t size, uint64_t bytes, bool alone) {
    if (bytes > size) return false;
    if (!alone && 2 * bytes > size) take_turns_ = true;
    return true;
  }

  uint64_t Pixels(uint32_t rows) const { return uint64_t{rows} * g_.out_width; }
  uint64_t BytesOf(uint64_t in_rows) const {
    const uint64_t pixels = in_rows * g_.in_width;
    return pixels * input_.code_bytes_per_pixel() +
           input_.scale_rows(pixels) * input_.scale_row_bytes();
  }
  uint64_t InputBytes() const {  // of the largest tile
    const uint64_t rows =
        std::min<uint64_t>(g_.in_height, uint64_t{t_.rows - 1} * g_.stride_h +
                                             uint64_t{g_.kernel_h - 1u} * g_.dilation_h + 1);
    return BytesOf(rows) + kSlack;
  }
  uint64_t WeightBytes(uint32_t channels) const {
    return channels * weight_bytes_per_channel_ + kSlack;
  }
  uint64_t OutBytes() const {
    const uint64_t held = t_.order == LoopOrder::kRowsOuter ? p_.channels : t_.channels;
    return DivideUp(Pixels(t_.rows) * (p_.out_pixel_bytes + p_.residual_pixel_bytes) * held,
                    p_.channels) +
           2 * kSlack;
  }
  uint64_t ComputeCycles(uint64_t pixels, uint32_t first, uint32_t channels) const {
    if (p_.near_memory) {
      const uint64_t clocks =
          nearmem::BankCostOf(d_.nearmem, d_.dram, d_.dram_channels, g_, pixels, {first, channels})
              .clocks;
      return clocks * d_.dram.tck_ps * d_.clock_mhz / 1000000;
    }
    const uint64_t runs = DivideUp(channels, t_.weight_channels);
    return accel::TensorCostOf(d_.tensor, g_, pixels, channels).cycles +
           (runs - 1) * d_.tensor.latency;
  }

  const ConvProblem& p_;
  const sim::Geometry& g_;
  const platforms::DesignPoint& d_;
  ConvTiling t_;
  numerics::ActivationLayout input_;
  uint64_t weight_bytes_per_channel_ = 0, row_tiles_ = 0, channel_tiles_ = 0;
  bool take_turns_ = false;
};

// Channel tiles worth trying: all, and multiples of what a block, an accumulator group and the
// banks need.
std::vector<uint32_t> ChannelChoices(const ConvProblem& p) {
  const uint32_t unit = p.channel_unit;
  std::vector<uint32_t> choices{p.channels};
  for (uint32_t parts = 2; p.channels > unit && parts <= DivideUp(p.channels, unit); ++parts) {
    const auto channels = static_cast<uint32_t>(DivideUp(DivideUp(p.channels, parts), unit) * unit);
    if (channels < choices.back()) choices.push_back(channels);
  }
  return choices;
}

// Largest group of channels whose weights fit twice.
uint32_t WeightChannels(const ConvProblem& p, const platforms::DesignPoint& d, uint32_t channels) {
  const accel::WeightLayout layout = accel::WeightLayoutOf(p.geometry);
  const uint64_t bytes = layout.code_bytes_per_channel() + layout.scale_bytes_per_channel();
  const uint64_t room = d.sram_weight.size / 2 / std::max<uint64_t>(1, bytes);
  const uint64_t groups = std::max<uint64_t>(1, room / accel::kAccGroup);
  return static_cast<uint32_t>(std::min<uint64_t>(channels, groups * accel::kAccGroup));
}

}  // namespace

RowRange InputRows(const sim::Geometry& g, uint32_t out_row, uint32_t out_rows) {
  const int64_t begin = int64_t{out_row} * g.stride_h - g.pad_top;
  const int64_t end = int64_t{out_row + out_rows - 1} * g.stride_h - g.pad_top +
                      int64_t{g.kernel_h - 1} * g.dilation_h + 1;
  const int64_t first = std::clamp<int64_t>(begin, 0, g.in_height - 1);
  const int64_t last = std::clamp<int64_t>(end, first + 1, g.in_height);
  return {static_cast<uint32_t>(first), static_cast<uint32_t>(last - first)};
}

double DramBytesPerCycle(const platforms::DesignPoint& d) {
  const double clock_ps = 1e6 / d.clock_mhz;
  const double burst_ps = static_cast<double>(std::max(d.dram.ccd_s, d.dram.burst) * d.dram.tck_ps);
  return d.dram_channels * d.dram.burst_bytes * clock_ps / burst_ps;
}

ConvTiling ChooseTiling(const ConvProblem& problem, const platforms::DesignPoint& design,
                        const std::string& layer) {
  const sim::Geometry& g = problem.geometry;
  std::vector<ConvTiling> fitting;
  const char* too_small = nullptr;
  for (uint32_t channels : ChannelChoices(problem)) {
    for (LoopOrder order : {LoopOrder::kRowsOuter, LoopOrder::kChannelsOuter}) {
      if (order == LoopOrder::kChannelsOuter && channels == problem.channels) continue;
      // Tile heights that differ in the number of tiles, so that tiles are of about equal size.
      for (uint32_t parts = 1, last_rows = 0; parts <= g.out_height; ++parts) {
        const auto rows = static_cast<uint32_t>(DivideUp(g.out_height, parts));
        if (rows == last_rows) continue;
        last_rows = rows;
        ConvTiling tiling;
        tiling.order = order;
        tiling.rows = rows;
        tiling.channels = channels;
        tiling.weight_channels = WeightChannels(problem, design, channels);
        Candidate candidate(problem, design, tiling);
        if (const char* parameter = candidate.TooSmall()) {
          too_small = parameter;
          continue;
        }
        fitting.push_back(candidate.Estimate());
      }
    }
  }
  if (fitting.empty()) {
    throw LoweringError(
        fmt::format("layer '{}': no tile fits the scratchpads, not even one output row of {} "
                    "channels: {} is too small",
                    layer, ChannelChoices(problem).back(), too_small));
  }
  uint64_t fewest = fitting.front().cycles;
  for (const ConvTiling& t : fitting) fewest = std::min(fewest, t.cycles);
  const auto rank = [&](const ConvTiling& t) {
    return std::make_tuple(t.cycles > fewest + fewest / 32, t.dram_bytes, t.cycles);
  };
  return *std::min_element(
      fitting.begin(), fitting.end(),
      [&](const ConvTiling& a, const ConvTiling& b) { return rank(a) < rank(b); });
}

}  // namespace nibble::lowering
