#include "models/accel/vector_checks.h"

#include <algorithm>

#include "models/accel/command_checks.h"
#include "models/accel/weight_layout.h"

namespace nibble::accel {

using sim::Fault;
using sim::FaultCode;
using sim::Opcode;

namespace {

bool IsStored(sim::StoredAs stored) { return stored.format() < numerics::kFormatSpecs.size(); }

numerics::ActivationLayout LayoutOf(sim::StoredAs stored, uint32_t pixels, uint32_t channels,
                                    int strip_row = 0) {
  return {static_cast<numerics::Format>(stored.format()), stored.block(), static_cast<int>(pixels),
          static_cast<int>(channels), strip_row};
}

uint64_t AddressOf(uint16_t unit) { return uint64_t{unit} * sim::kSramUnit; }

// The checks of one word; each is passed over once one has failed.
class Checks {
 public:
  Checks(const VectorState& state, const Scratchpads& scratchpads)
      : state_(state), e_(*state.epilogue), pads_(scratchpads) {}

  void Operands(bool ok) {
    if (!fault_ && !ok) fault_ = {FaultCode::kOperands};
  }
  void Register(uint16_t reg) { Operands(reg < state_.registers); }
  void Range(const memory::Sram& sram, uint16_t unit, uint64_t bytes) {
    if (!fault_) fault_ = CheckRange(sram, AddressOf(unit), bytes);
  }
  // `pixels` of `pitch` channels each.
  void Stored(sim::StoredAs stored, uint32_t pixels, uint32_t pitch, uint16_t codes,
              uint16_t scales, int strip_row = 0) {
    const numerics::ActivationLayout layout = LayoutOf(stored, pixels, pitch, strip_row);
    Range(pads_.out, codes, layout.code_bytes());
    Range(pads_.out, scales, layout.scale_bytes());
  }
  // Channels of a tile; blocks and bytes of what is stored begin where the word's channels do.
  void Channels(uint32_t channel, uint32_t channels, uint32_t pitch, sim::StoredAs stored,
                bool strips = false) {
    const auto format = static_cast<numerics::Format>(stored.format());
    const uint32_t bits = static_cast<uint32_t>(numerics::ElementBits(format));
    const bool aligned = numerics::HasBlockScale(format) && !strips
                             ? channel % static_cast<uint32_t>(stored.block()) == 0
                             : channel * bits % 8 == 0;
    Operands(channels > 0 && channel + channels <= pitch && aligned);
  }
  void In(uint32_t pixels, uint32_t pitch, uint16_t codes, uint16_t scales) {
    Register(e_.in_reg);
    Stored(e_.in, pixels, pitch, codes, scales);
  }
  void Second(uint32_t pixels, uint32_t pitch, uint16_t codes, uint16_t scales) {
    Register(e_.residual_reg);
    Stored(e_.residual, pixels, pitch, codes, scales);
  }
  void Out(uint32_t pixels, uint32_t pitch, uint16_t codes, uint16_t scales) {
    Register(e_.out_reg);
    Stored(e_.out, pixels, pitch, codes, scales, in_strips() ? state_.windows->out_width : 0);
  }
  bool in_strips() const { return e_.flags & sim::kStrips; }
  // Only sums of products are written in strips, and only whole rows.
  void Strips(const sim::Command& command) {
    if (!in_strips()) return;
    const bool rows = command.opcode == Opcode::kVectorRun &&
                      command.elementwise.pixels % state_.windows->out_width == 0;
    Operands(rows && numerics::HasBlockScale(static_cast<numerics::Format>(e_.out.format())));
  }

  void Tile(const sim::Command& command);
  void Copy(const sim::ChannelCopy& copy);
  void Transpose(const sim::ChannelCopy& copy);
  void Windows(const sim::Window& window);

  const Fault& fault() const { return fault_; }

 private:
  const VectorState& state_;
  const sim::Epilogue& e_;
  const Scratchpads& pads_;
  Fault fault_;
};

void Checks::Tile(const sim::Command& command) {
  const sim::Elementwise& t = command.elementwise;
  const uint32_t pixels = t.pixels, pitch = t.pitch;
  Operands(pixels > 0);
  Channels(t.channel, t.channels, pitch, e_.out, in_strips());
  switch (command.opcode) {
    case Opcode::kVectorRun: {
      const uint32_t floats = e_.flags & sim::kPerChannelScale ? 2 : 1;
      Register(e_.in_reg);
      Range(pads_.acc, t.acc, AccumulatorBytes(pixels, t.channels));
      if (e_.flags & sim::kStoredWeights) {
        Register(e_.residual_reg);
      } else {
        Range(pads_.out, t.params, uint64_t{t.channels} * floats * sizeof(float));
      }
      if (e_.flags & sim::kHasResidual) {
        Channels(t.channel, t.channels, pitch, e_.residual);
        Second(pixels, pitch, t.in, t.in_scales);
      }
      break;
    }
    case Opcode::kVectorAdd:
    case Opcode::kVectorMultiply:
      Channels(t.channel, t.channels, pitch, e_.in);
      Channels(t.channel, t.channels, pitch, e_.residual);
      In(pixels, pitch, t.in, t.in_scales);
      Second(command.flags & sim::kBroadcast ? 1 : pixels, pitch, t.in2, t.in2_scales);
      break;
    case Opcode::kVectorSoftmax:
      Channels(t.channel, t.channels, pitch, e_.in);
      In(pixels, pitch, t.in, t.in_scales);
      break;
    case Opcode::kVectorNormalize:
      Channels(t.channel, t.channels, pitch, e_.in);
      In(pixels, pitch, t.in, t.in_scales);
      Range(pads_.out, t.params, uint64_t{t.channels} * 2 * sizeof(float));
      break;
    case Opcode::kVectorPool:
      Channels(t.channel, t.channels, pitch, e_.in);
      In(pixels, pitch, t.in, t.in_scales);
      Range(pads_.acc, t.acc, t.channels * sizeof(float));
      if (command.flags & sim::kLast) Out(1, pitch, t.out, t.out_scales);
      return;
    default:  // kVectorQuantize
      Range(pads_.out, t.in, uint64_t{pixels} * t.channels * sizeof(float));
      break;
  }
  Out(pixels, pitch, t.out, t.out_scales);
}

void Checks::Copy(const sim::ChannelCopy& c) {
  Operands(c.pixels > 0);
  Channels(c.channel, c.channels, c.pitch, e_.out);
  if (c.groups > 1) {
    Operands(c.channels % c.groups == 0 && c.channels <= c.in_pitch);
  } else {
    Operands(c.in_channel + c.channels <= c.in_pitch);
  }
  In(c.pixels, c.in_pitch, c.in, c.in_scales);
  Out(c.pixels, c.pitch, c.out, c.out_scales);
}

void Checks::Transpose(const sim::ChannelCopy& c) {
  Operands(c.pixels > 0 && c.in_channel + c.pixels <= c.in_pitch);
  Channels(c.channel, c.channels, c.pitch, e_.out);
  In(c.channels, c.in_pitch, c.in, c.in_scales);
  Out(c.pixels, c.pitch, c.out, c.out_scales);
}

void Checks::Windows(const sim::Window& w) {
  const sim::Geometry& g = *state_.windows;
  Operands(w.pixels > 0 && w.in_rows > 0);
  Channels(w.channel, w.channels, w.pitch, e_.out);
  // The input rows that the windows touch are in the tile.
  const int last_row = w.out_row + (w.pixels - 1) / g.out_width;
  const int first = std::max(0, w.out_row * g.stride_h - g.pad_top);
  const int last = std::min<int>(
      g.in_height, last_row * g.stride_h - g.pad_top + (g.kernel_h - 1) * g.dilation_h + 1);
  Operands(first >= last || (w.in_row <= first && last <= w.in_row + w.in_rows));
  In(uint32_t{w.in_rows} * g.in_width, w.channels, w.in, w.in_scales);
  Out(w.pixels, w.pitch, w.out, w.out_scales);
}

Fault CheckConfig(const sim::Epilogue& e) {
  const bool known = e.activation <= numerics::kLastActivation && IsStored(e.in) &&
                     IsStored(e.out) && IsStored(e.residual);
  return known ? Fault{} : Fault{FaultCode::kFormat};
}

Fault CheckScales(const sim::Scales& scales, size_t registers) {
  for (const uint16_t reg : scales.reg) {
    if (reg != sim::kNoRegister && reg >= registers) return {FaultCode::kOperands};
  }
  return {};
}

}  // namespace

Fault CheckVector(const sim::Command& command, const VectorState& state,
                  const Scratchpads& scratchpads) {
  switch (command.opcode) {
    case Opcode::kVectorConfig:
      return CheckConfig(command.epilogue);
    case Opcode::kVectorScales:
      return CheckScales(command.scales, state.registers);
    case Opcode::kVectorPosition:
      return {};
    case Opcode::kVectorGeometry:
      return CheckGeometry(command.geometry);
    default:
      break;
  }
  if (state.epilogue == nullptr) return {FaultCode::kNotConfigured};
  if (state.epilogue->flags & sim::kStrips && state.windows == nullptr) {
    return {FaultCode::kNotConfigured};
  }
  Checks checks(state, scratchpads);
  checks.Strips(command);
  switch (command.opcode) {
    case Opcode::kVectorScale:
      checks.Register(state.epilogue->out_reg);
      break;
    case Opcode::kVectorCopy:
      checks.Copy(command.channel_copy);
      break;
    case Opcode::kVectorTranspose:
      checks.Transpose(command.channel_copy);
      break;
    case Opcode::kVectorWindow:
      if (state.windows == nullptr) return {FaultCode::kNotConfigured};
      checks.Windows(command.window);
      break;
    default:
      checks.Tile(command);
      break;
  }
  return checks.fault();
}

}  // namespace nibble::accel
