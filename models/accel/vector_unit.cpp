#include "models/accel/vector_unit.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "models/accel/activation_functions.h"
#include "models/accel/vector_checks.h"
#include "models/accel/vector_traffic.h"
#include "models/accel/weight_layout.h"
#include "models/numerics/activation_store.h"
#include "models/numerics/block_tensor.h"
#include "models/numerics/dot.h"

namespace nibble::accel {

using numerics::Format;
using sim::Buffer;

VectorUnit::VectorUnit(const sc_core::sc_module_name& name, const Context& context,
                       const VectorConfig& config, const numerics::Rounding& rounding,
                       Scratchpads& scratchpads, size_t registers, bool timing_only)
    : EngineModule(name, sim::Engine::kVector, context),
      config_(config),
      rounding_(rounding),
      scratchpads_(scratchpads),
      timing_only_(timing_only),
      scales_(registers),
      rows_(context.layers),
      stalls_(context.layers) {}

void VectorUnit::RegisterCounters(sim::CounterRegistry& registry,
                                  const std::vector<sim::Engine>& peers) const {
  EngineModule::RegisterCounters(registry, peers);
  using C = VectorOperations;
  registry.Register<C>(
      "vector", rows_,
      {{"fp32_muls", "1", "FP32 multiplications", &C::fp32_muls, true},
       {"fp32_adds", "1", "FP32 additions", &C::fp32_adds, true},
       {"compares", "1", "FP32 comparisons", &C::compares, true},
       {"divides", "1", "FP32 divisions", &C::divides, true},
       {"table_reads", "1", "reads of two neighbours in a function's table", &C::table_reads, true},
       {"encodes", "1", "roundings to elements and block scales, additions of exponents",
        &C::encodes, true},
       {"strip_write_bytes", "B", "written to the strip buffer", &C::strip_write_bytes, true},
       {"strip_read_bytes", "B", "read from the strip buffer", &C::strip_read_bytes, true}});
  registry.Register<Stalls>(
      "vector", stalls_,
      {{"stall_sram_cycles", "cycles", "busy cycles beyond the lanes' own, for SRAM bandwidth",
        &Stalls::sram_cycles}});
}

void VectorUnit::BeginJob() {
  has_state_ = has_windows_ = false;
  amax_ = 0;
}

sim::Fault VectorUnit::Check(const sim::Command& command) const {
  return CheckVector(
      command, {has_state_ ? &state_ : nullptr, has_windows_ ? &windows_ : nullptr, scales_.size()},
      scratchpads_);
}

void VectorUnit::Execute(const sim::Command& command) {
  switch (command.opcode) {
    case sim::Opcode::kVectorConfig:
      state_ = command.epilogue;
      has_state_ = true;
      Spend(1);
      return;
    case sim::Opcode::kVectorScales:
      for (int i = 0; i < 2; ++i) {
        if (command.scales.reg[i] == sim::kNoRegister) continue;
        scales_.at(command.scales.reg[i]) = {command.scales.encode[i], command.scales.decode[i]};
      }
      Spend(1);
      return;
    case sim::Opcode::kVectorPosition:
      position_ = command.position;
      Spend(1);
      return;
    case sim::Opcode::kVectorGeometry:
      windows_ = command.geometry;
      has_windows_ = true;
      Spend(1);
      return;
    default:
      break;
  }
  SramRun sram(memory::SramPort::kVector, command.layer);
  const uint64_t cycles = Account(command, sram);
  if (!timing_only_) Compute(command);
  Wrote(command);
  sram.Begin(clock().Now(), cycles);
  Spend(cycles);
  while (const uint64_t behind = sram.Behind(clock().Now())) {
    stalls_[command.layer].sram_cycles += behind;
    Spend(behind);
  }
}

void VectorUnit::Wrote(const sim::Command& command) {
  const sim::Elementwise& tile = command.elementwise;
  const auto writer = static_cast<uint64_t>(engine());
  uint32_t pixels = tile.pixels;
  if (command.opcode == sim::Opcode::kVectorScale) return;
  if (command.opcode == sim::Opcode::kVectorPool) {
    if (!(command.flags & sim::kLast)) {
      const auto bytes = static_cast<uint32_t>(tile.channels * sizeof(float));
      scratchpads_.acc.Wrote(command.layer, writer, memory::SramContent::kData,
                             tile.acc * sim::kSramUnit, 1, bytes, bytes);
      return;
    }
    pixels = 1;
  }
  const auto part = OutLayout(tile.channels), before = OutLayout(tile.channel),
             whole = OutLayout(tile.pitch);
  scratchpads_.out.Wrote(command.layer, writer, memory::SramContent::kData,
                         tile.out * sim::kSramUnit + before.code_bytes_per_pixel(), pixels,
                         part.code_bytes_per_pixel(), whole.code_bytes_per_pixel());
  scratchpads_.out.Wrote(command.layer, writer, memory::SramContent::kScales,
                         tile.out_scales * sim::kSramUnit + before.scale_row_bytes(),
                         static_cast<uint32_t>(part.scale_rows(pixels)), part.scale_row_bytes(),
                         whole.scale_row_bytes());
}

uint64_t VectorUnit::Account(const sim::Command& command, SramRun& sram) {
  const size_t layer = command.layer;
  rows_[layer] += OperationsOf(command, state_, windows_);
  const VectorTraffic bytes = TrafficOf(command, state_, windows_);
  memory::Sram &acc = scratchpads_.acc, &out = scratchpads_.out;
  const uint64_t acc_reads = acc.Read(layer, bytes.acc_read_bytes);
  sram.Needs(acc, acc_reads, acc.Write(layer, bytes.acc_write_bytes));
  const uint64_t out_reads = out.Read(layer, bytes.out_read_bytes, bytes.out_read_scale_bytes);
  sram.Needs(out, out_reads, out.Write(layer, bytes.out_write_bytes, bytes.out_write_scale_bytes));
  const uint64_t rows = LanePasses(command, config_.lanes, windows_);
  const uint64_t cycles = std::max(rows, sram.cycles());
  stalls_[layer].sram_cycles += cycles - rows;
  return cycles + config_.latency + StripDelay(state_, windows_) +
         std::max(acc.config().latency, out.config().latency) - 1;
}

void VectorUnit::Compute(const sim::Command& command) {
  const sim::Elementwise& tile = command.elementwise;
  y_.resize((tile.channels + kAccGroup - 1u) / kAccGroup * kAccGroup);
  x_.resize(tile.channels);
  switch (command.opcode) {
    case sim::Opcode::kVectorRun:
      RunTile(tile);
      break;
    case sim::Opcode::kVectorAdd:
      AddTiles(tile);
      break;
    case sim::Opcode::kVectorMultiply:
      MultiplyTiles(command);
      break;
    case sim::Opcode::kVectorCopy:
      CopyTile(command.channel_copy, TileAt(tile, state_.out, tile.out, tile.out_scales));
      break;
    case sim::Opcode::kVectorPool:
      PoolTile(command);
      break;
    case sim::Opcode::kVectorWindow:
      PoolWindows(command, TileAt(tile, state_.out, tile.out, tile.out_scales));
      break;
    case sim::Opcode::kVectorQuantize:
      QuantizeTile(tile);
      break;
    case sim::Opcode::kVectorSoftmax:
    case sim::Opcode::kVectorNormalize:
      RowFunction(command);
      break;
    case sim::Opcode::kVectorTranspose:
      TransposeTile(command.channel_copy, TileAt(tile, state_.out, tile.out, tile.out_scales));
      break;
    case sim::Opcode::kVectorScale:
      scales_.at(state_.out_reg) =
          numerics::OuterScaleFromAmax(static_cast<Format>(state_.out.format()), amax_);
      amax_ = 0;
      break;
    default:
      break;
  }
}

VectorUnit::StoredTile VectorUnit::TileAt(const sim::Elementwise& tile, sim::StoredAs stored,
                                          uint16_t codes, uint16_t scales) {
  const auto layout = [&](uint32_t channels) {
    return numerics::ActivationLayout{static_cast<Format>(stored.format()), stored.block(), 1,
                                      static_cast<int>(channels)};
  };
  const numerics::ActivationLayout whole = layout(tile.pitch), before = layout(tile.channel);
  return {layout(tile.channels),
          scratchpads_.at(Buffer::kOut, codes) + before.code_bytes_per_pixel(),
          scratchpads_.at(Buffer::kOut, scales) + before.scale_row_bytes(),
          whole.code_bytes_per_pixel(), whole.scale_row_bytes()};
}

VectorUnit::StoredTile VectorUnit::WholeTileAt(uint32_t channels, sim::StoredAs stored,
                                               uint16_t codes, uint16_t scales) {
  sim::Elementwise tile{};
  tile.channels = tile.pitch = static_cast<uint16_t>(channels);
  return TileAt(tile, stored, codes, scales);
}

void VectorUnit::WritePixel(const StoredTile& tile, uint32_t pixel, const float* y) {
  if (state_.flags & sim::kTrackAmax) {
    amax_ =
        std::max(amax_, numerics::AmaxIgnoringNan(y, static_cast<size_t>(tile.layout.channels)));
  }
  if (tile.layout.strips()) return WriteToStrips(tile, pixel, y);
  numerics::StorePixel(
      tile.layout, scales_.at(state_.out_reg), y, tile.codes + size_t{pixel} * tile.code_pitch,
      tile.scales + size_t{pixel} * tile.scale_pitch, numerics::StreamOf(rounding_, state_.out_reg),
      position_.element + uint64_t{pixel} * position_.channels);
}

void VectorUnit::ReadPixel(const StoredTile& tile, uint16_t reg, uint32_t pixel, float* x) const {
  numerics::LoadPixel(tile.layout, scales_.at(reg).decode,
                      tile.codes + size_t{pixel} * tile.code_pitch,
                      tile.scales + size_t{pixel} * tile.scale_pitch, x);
}

void VectorUnit::RunTile(const sim::Elementwise& tile) {
  const bool pairs = state_.flags & sim::kPerChannelScale;
  const bool stored_weights = state_.flags & sim::kStoredWeights;
  const float s_dec = scales_.at(state_.in_reg).decode;
  const uint8_t* params = scratchpads_.at(Buffer::kOut, tile.params);
  std::vector<float> bias(tile.channels), scale(tile.channels);
  for (uint32_t c = 0; c < tile.channels; ++c) {
    float pair[2] = {0, state_.weight_scale};
    if (stored_weights) {
      pair[1] *= scales_.at(state_.residual_reg).decode;
    } else {
      const size_t bytes = pairs ? sizeof(pair) : sizeof(float);
      std::memcpy(pair, params + c * bytes, bytes);
    }
    bias[c] = pair[0];
    scale[c] = s_dec * pair[1];
  }
  const uint8_t* acc = scratchpads_.at(Buffer::kAcc, tile.acc);
  const StoredTile out = OutTileAt(tile);
  const StoredTile residual = TileAt(tile, state_.residual, tile.in, tile.in_scales);
  for (uint32_t p = 0; p < tile.pixels; ++p) {
    for (uint32_t c = 0; c < tile.channels; c += kAccGroup) {
      std::memcpy(&y_[c], acc + (size_t{c} * tile.pixels + p * kAccGroup) * sizeof(float),
                  kAccGroup * sizeof(float));
    }
    for (uint32_t c = 0; c < tile.channels; ++c) {
      y_[c] *= scale[c];
      if (!stored_weights) y_[c] += bias[c];
    }
    Activate(state_, y_.data(), tile.channels);
    if (state_.flags & sim::kHasResidual) {
      ReadPixel(residual, state_.residual_reg, p, x_.data());
      for (uint32_t c = 0; c < tile.channels; ++c) y_[c] += x_[c];
    }
    WritePixel(out, p, y_.data());
  }
}

void VectorUnit::AddTiles(const sim::Elementwise& tile) {
  const StoredTile in = TileAt(tile, state_.in, tile.in, tile.in_scales);
  const StoredTile in2 = TileAt(tile, state_.residual, tile.in2, tile.in2_scales);
  const StoredTile out = TileAt(tile, state_.out, tile.out, tile.out_scales);
  for (uint32_t p = 0; p < tile.pixels; ++p) {
    ReadPixel(in, state_.in_reg, p, y_.data());
    ReadPixel(in2, state_.residual_reg, p, x_.data());
    for (uint32_t c = 0; c < tile.channels; ++c) y_[c] += x_[c];
    Activate(state_, y_.data(), tile.channels);
    WritePixel(out, p, y_.data());
  }
}

void VectorUnit::MultiplyTiles(const sim::Command& command) {
  const sim::Elementwise& tile = command.elementwise;
  const bool broadcast = command.flags & sim::kBroadcast;
  const StoredTile in = TileAt(tile, state_.in, tile.in, tile.in_scales);
  const StoredTile in2 = TileAt(tile, state_.residual, tile.in2, tile.in2_scales);
  const StoredTile out = TileAt(tile, state_.out, tile.out, tile.out_scales);
  if (broadcast) ReadPixel(in2, state_.residual_reg, 0, x_.data());
  for (uint32_t p = 0; p < tile.pixels; ++p) {
    ReadPixel(in, state_.in_reg, p, y_.data());
    if (!broadcast) ReadPixel(in2, state_.residual_reg, p, x_.data());
    for (uint32_t c = 0; c < tile.channels; ++c) y_[c] *= x_[c];
    Activate(state_, y_.data(), tile.channels);
    WritePixel(out, p, y_.data());
  }
}

void VectorUnit::CopyTile(const sim::ChannelCopy& copy, const StoredTile& out) {
  const StoredTile in = WholeTileAt(copy.in_pitch, state_.in, copy.in, copy.in_scales);
  x_.resize(copy.in_pitch);
  for (uint32_t p = 0; p < copy.pixels; ++p) {
    ReadPixel(in, state_.in_reg, p, x_.data());
    for (uint32_t c = 0; c < copy.channels; ++c) {
      const uint32_t from = copy.groups > 1
                                ? c % copy.groups * (copy.channels / copy.groups) + c / copy.groups
                                : copy.in_channel + c;
      y_[c] = x_[from];
    }
    Activate(state_, y_.data(), copy.channels);
    WritePixel(out, p, y_.data());
  }
}

void VectorUnit::PoolWindows(const sim::Command& command, const StoredTile& out) {
  const sim::Window& w = command.window;
  const sim::Geometry& g = windows_;
  const StoredTile in = WholeTileAt(w.channels, state_.in, w.in, w.in_scales);
  const uint32_t pixels = uint32_t{w.in_rows} * g.in_width;
  std::vector<float> values(size_t{pixels} * w.channels);
  for (uint32_t p = 0; p < pixels; ++p) {
    ReadPixel(in, state_.in_reg, p, &values[size_t{p} * w.channels]);
  }
  const bool largest = command.flags & sim::kLargest;
  for (uint32_t p = 0; p < w.pixels; ++p) {
    const int out_y = w.out_row + static_cast<int>(p / g.out_width);
    const int out_x = static_cast<int>(p % g.out_width);
    int taps = 0;
    std::fill_n(y_.begin(), w.channels, 0.0f);
    for (int ky = 0; ky < g.kernel_h; ++ky) {
      const int y = out_y * g.stride_h - g.pad_top + ky * g.dilation_h;
      if (y < 0 || y >= g.in_height) continue;
      for (int kx = 0; kx < g.kernel_w; ++kx) {
        const int x = out_x * g.stride_w - g.pad_left + kx * g.dilation_w;
        if (x < 0 || x >= g.in_width) continue;
        const size_t pixel = static_cast<size_t>(y - w.in_row) * g.in_width + x;
        const float* from = &values[pixel * w.channels];
        if (largest && taps == 0) {
          std::copy_n(from, w.channels, y_.begin());
        } else if (largest) {
          for (uint32_t c = 0; c < w.channels; ++c) y_[c] = from[c] > y_[c] ? from[c] : y_[c];
        } else {
          for (uint32_t c = 0; c < w.channels; ++c) y_[c] += from[c];
        }
        ++taps;
      }
    }
    if (!largest) {
      const bool all = command.flags & sim::kCountPadding;
      const auto count = static_cast<float>(all ? g.kernel_h * g.kernel_w : taps);
      for (uint32_t c = 0; c < w.channels; ++c) y_[c] /= count;
    }
    Activate(state_, y_.data(), w.channels);
    WritePixel(out, p, y_.data());
  }
}

void VectorUnit::PoolTile(const sim::Command& command) {
  const sim::Elementwise& tile = command.elementwise;
  uint8_t* acc = scratchpads_.at(Buffer::kAcc, tile.acc);
  const size_t bytes = tile.channels * sizeof(float);
  if (command.flags & sim::kFirst) {
    std::fill(y_.begin(), y_.end(), 0.0f);
  } else {
    std::memcpy(y_.data(), acc, bytes);
  }
  const StoredTile in = TileAt(tile, state_.in, tile.in, tile.in_scales);
  for (uint32_t p = 0; p < tile.pixels; ++p) {
    ReadPixel(in, state_.in_reg, p, x_.data());
    for (uint32_t c = 0; c < tile.channels; ++c) y_[c] += x_[c];
  }
  if (!(command.flags & sim::kLast)) {
    std::memcpy(acc, y_.data(), bytes);
    return;
  }
  const float count = tile.in2;
  for (uint32_t c = 0; c < tile.channels; ++c) y_[c] /= count;
  Activate(state_, y_.data(), tile.channels);
  WritePixel(TileAt(tile, state_.out, tile.out, tile.out_scales), 0, y_.data());
}

void VectorUnit::QuantizeTile(const sim::Elementwise& tile) {
  const uint8_t* in = scratchpads_.at(Buffer::kOut, tile.in);
  const StoredTile out = TileAt(tile, state_.out, tile.out, tile.out_scales);
  for (uint32_t p = 0; p < tile.pixels; ++p) {
    std::memcpy(y_.data(), in + size_t{p} * tile.channels * sizeof(float),
                tile.channels * sizeof(float));
    WritePixel(out, p, y_.data());
  }
}

}  // namespace nibble::accel
