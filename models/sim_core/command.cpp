#include "models/sim_core/command.h"

#include <fmt/format.h>

#include <iterator>
#include <stdexcept>

#include "models/numerics/datapath.h"

namespace nibble::sim {

namespace {

std::string EngineList(uint8_t mask) {
  std::string list;
  for (int e = 0; e < kEngines; ++e) {
    if (mask >> e & 1) {
      if (!list.empty()) list += '+';
      list += EngineName(static_cast<Engine>(e));
    }
  }
  return list;
}

std::string At(Buffer buffer, uint16_t unit) {
  return fmt::format("{}[{:#x}]", BufferName(buffer), unit * kSramUnit);
}

std::string Describe(const Copy& c) {
  return fmt::format("dram {:#x} stride {}, {} x {} B, {}", c.dram, c.dram_stride, c.rows,
                     c.row_bytes, At(c.buffer, c.sram));
}

std::string Describe(const Move& m) {
  return fmt::format("{} x {} B, out[{:#x}] -> act[{:#x}] stride {}", m.rows, m.row_bytes, m.from,
                     m.to, m.to_stride);
}

std::string Describe(const Geometry& g) {
  return fmt::format(
      "{}x{}x{} -> {}x{}, {} {}x{}, stride {}x{}, dilation {}x{}, pad {},{}, {} x {}, blocks {} "
      "x {}",
      g.in_height, g.in_width, g.in_channels, g.out_height, g.out_width,
      g.depthwise ? "depthwise" : "dense", g.kernel_h, g.kernel_w, g.stride_h, g.stride_w,
      g.dilation_h, g.dilation_w, g.pad_top, g.pad_left,
      numerics::FormatName(static_cast<numerics::Format>(g.activation_format)),
      numerics::FormatName(static_cast<numerics::Format>(g.weight_format)), g.activation_block,
      g.weight_block);
}

std::string Describe(const Convolve& c, bool near_memory) {
  const std::string weights = near_memory ? fmt::format("bank row {}", c.bank_row)
                                          : fmt::format("{} {}", At(Buffer::kWeight, c.weight),
                                                        At(Buffer::kWeight, c.weight_scales));
  return fmt::format("rows {}+{} channels {}+{}, input rows {}+{} at {} {}, weights {}, sums {}",
                     c.out_row, c.out_rows, c.channel, c.channels, c.in_row, c.in_rows,
                     At(Buffer::kAct, c.act), At(Buffer::kAct, c.act_scales), weights,
                     At(Buffer::kAcc, c.acc));
}

std::string Text(StoredAs stored) {
  const auto format = static_cast<numerics::Format>(stored.format());
  return fmt::format("{} block {}", numerics::FormatName(format), stored.block());
}

std::string Describe(const Epilogue& e) {
  static const char* const kActivation[] = {"none",      "relu",    "clip", "hardsigmoid",
                                            "hardswish", "sigmoid", "silu", "gelu"};
  const auto activation = static_cast<size_t>(e.activation);
  std::string text = fmt::format("activation {}",
                                 kActivation[activation < std::size(kActivation) ? activation : 0]);
  using F = numerics::ActivationFunction;
  if (e.activation == F::kClip) text += fmt::format(" {}..{}", e.lo, e.hi);
  if (e.activation == F::kHardSigmoid) text += fmt::format(" {} x + {}", e.lo, e.hi);
  text +=
      fmt::format(", out {} scale r{}, in {} r{}", Text(e.out), e.out_reg, Text(e.in), e.in_reg);
  if (e.flags & kPerChannelScale) text += ", scale per channel";
  if (!(e.flags & kPerChannelScale)) text += fmt::format(", weight scale {:.9g}", e.weight_scale);
  if (e.flags & kHasResidual) {
    text += fmt::format(", residual {} r{}", Text(e.residual), e.residual_reg);
  }
  if (e.flags & kStoredWeights) text += fmt::format(", weights r{}", e.residual_reg);
  if (e.flags & kTrackAmax) text += ", track amax";
  if (e.flags & kStrips) text += ", in strips";
  return text;
}

std::string Describe(const Scales& s) {
  std::string text;
  for (int i = 0; i < 2; ++i) {
    if (s.reg[i] == kNoRegister) continue;
    text += fmt::format("r{}={:.9g} (encode {:.9g}) ", s.reg[i], s.decode[i], s.encode[i]);
  }
  return text;
}

std::string Describe(const Elementwise& e) {
  return fmt::format(
      "{} pixels, channels {}+{} of {}, sums {}, params {}, in {} {}, in2 {:#x} {:#x}, out {} {}",
      e.pixels, e.channel, e.channels, e.pitch, At(Buffer::kAcc, e.acc), At(Buffer::kOut, e.params),
      At(Buffer::kOut, e.in), At(Buffer::kOut, e.in_scales), e.in2, e.in2_scales,
      At(Buffer::kOut, e.out), At(Buffer::kOut, e.out_scales));
}

std::string Describe(const ChannelCopy& e) {
  return fmt::format(
      "{} pixels, channels {}+{} of {}, from {} of {}, groups {}, in {} {}, out {} {}", e.pixels,
      e.channel, e.channels, e.pitch, e.in_channel, e.in_pitch, e.groups, At(Buffer::kOut, e.in),
      At(Buffer::kOut, e.in_scales), At(Buffer::kOut, e.out), At(Buffer::kOut, e.out_scales));
}

std::string Describe(const Window& w) {
  return fmt::format(
      "{} pixels from row {}, channels {}+{} of {}, input rows {}+{} at {} {}, out {} {}", w.pixels,
      w.out_row, w.channel, w.channels, w.pitch, w.in_row, w.in_rows, At(Buffer::kOut, w.in),
      At(Buffer::kOut, w.in_scales), At(Buffer::kOut, w.out), At(Buffer::kOut, w.out_scales));
}

std::string DescribeOperands(const Command& c) {
  switch (c.opcode) {
    case Opcode::kLoad:
    case Opcode::kStore:
      return Describe(c.copy) + (c.flags & kHoldsScales ? ", scales" : "") +
             (c.flags & kEndOfLayer ? ", end of layer" : "");
    case Opcode::kForward:
      return Describe(c.move) + (c.flags & kHoldsScales ? ", scales" : "") +
             (c.flags & kEndOfLayer ? ", end of layer" : "");
    case Opcode::kTensorConfig:
    case Opcode::kBankConfig:
    case Opcode::kVectorGeometry:
      return Describe(c.geometry);
    case Opcode::kTensorRun:
      return Describe(c.convolve, false);
    case Opcode::kBankRun:
      return Describe(c.convolve, true);
    case Opcode::kVectorConfig:
      return Describe(c.epilogue);
    case Opcode::kVectorScales:
      return Describe(c.scales);
    case Opcode::kVectorScale:
      return "";
    case Opcode::kVectorPosition:
      return fmt::format("element {}, {} channels", c.position.element, c.position.channels);
    case Opcode::kVectorRun:
    case Opcode::kVectorAdd:
    case Opcode::kVectorPool:
    case Opcode::kVectorQuantize:
    case Opcode::kVectorSoftmax:
    case Opcode::kVectorNormalize:
      return Describe(c.elementwise);
    case Opcode::kVectorMultiply:
      return Describe(c.elementwise) + (c.flags & kBroadcast ? ", broadcast" : "");
    case Opcode::kVectorCopy:
    case Opcode::kVectorTranspose:
      return Describe(c.channel_copy);
    case Opcode::kVectorWindow:
      return Describe(c.window) + (c.flags & kLargest        ? ", largest"
                                   : c.flags & kCountPadding ? ", mean of all taps"
                                                             : ", mean");
  }
  return "";
}

}  // namespace

const char* EngineName(Engine engine) {
  static const char* const kNames[kEngines] = {"load", "tensor", "bank", "vector", "store"};
  return kNames[static_cast<int>(engine)];
}

const char* BufferName(Buffer buffer) {
  static const char* const kNames[kBuffers] = {"act", "weight", "acc", "out"};
  return kNames[static_cast<int>(buffer)];
}

const char* OpcodeName(Opcode opcode) {
  switch (opcode) {
    case Opcode::kLoad:
      return "LOAD";
    case Opcode::kStore:
      return "STORE";
    case Opcode::kTensorConfig:
      return "TENSOR_CONFIG";
    case Opcode::kTensorRun:
      return "TENSOR_RUN";
    case Opcode::kBankConfig:
      return "BANK_CONFIG";
    case Opcode::kBankRun:
      return "BANK_RUN";
    case Opcode::kVectorConfig:
      return "VECTOR_CONFIG";
    case Opcode::kVectorScales:
      return "VECTOR_SCALES";
    case Opcode::kVectorRun:
      return "VECTOR_RUN";
    case Opcode::kVectorAdd:
      return "VECTOR_ADD";
    case Opcode::kVectorPool:
      return "VECTOR_POOL";
    case Opcode::kVectorScale:
      return "VECTOR_SCALE";
    case Opcode::kVectorQuantize:
      return "VECTOR_QUANTIZE";
    case Opcode::kForward:
      return "FORWARD";
    case Opcode::kVectorPosition:
      return "VECTOR_POSITION";
    case Opcode::kVectorMultiply:
      return "VECTOR_MULTIPLY";
    case Opcode::kVectorCopy:
      return "VECTOR_COPY";
    case Opcode::kVectorWindow:
      return "VECTOR_WINDOW";
    case Opcode::kVectorGeometry:
      return "VECTOR_GEOMETRY";
    case Opcode::kVectorSoftmax:
      return "VECTOR_SOFTMAX";
    case Opcode::kVectorNormalize:
      return "VECTOR_NORMALIZE";
    case Opcode::kVectorTranspose:
      return "VECTOR_TRANSPOSE";
  }
  return "INVALID";
}

Engine EngineOf(Opcode opcode) {
  switch (opcode) {
    case Opcode::kLoad:
      return Engine::kLoad;
    case Opcode::kStore:
    case Opcode::kForward:
      return Engine::kStore;
    case Opcode::kTensorConfig:
    case Opcode::kTensorRun:
      return Engine::kTensor;
    case Opcode::kBankConfig:
    case Opcode::kBankRun:
      return Engine::kBank;
    case Opcode::kVectorConfig:
    case Opcode::kVectorScales:
    case Opcode::kVectorRun:
    case Opcode::kVectorAdd:
    case Opcode::kVectorPool:
    case Opcode::kVectorScale:
    case Opcode::kVectorQuantize:
    case Opcode::kVectorPosition:
    case Opcode::kVectorMultiply:
    case Opcode::kVectorCopy:
    case Opcode::kVectorWindow:
    case Opcode::kVectorGeometry:
    case Opcode::kVectorSoftmax:
    case Opcode::kVectorNormalize:
    case Opcode::kVectorTranspose:
      return Engine::kVector;
  }
  throw std::invalid_argument(
      fmt::format("{} is no opcode of a command word", static_cast<int>(opcode)));
}

std::string Disassemble(const Command& c) {
  return fmt::format("{:<15} layer {:<3} tile {:<3} wait {:<12} signal {:<12} {}",
                     OpcodeName(c.opcode), c.layer, c.tile, c.wait ? EngineList(c.wait) : "-",
                     c.signal ? EngineList(c.signal) : "-", DescribeOperands(c));
}

}  // namespace nibble::sim
