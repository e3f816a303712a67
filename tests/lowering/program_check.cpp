#include "tests/lowering/program_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <stdexcept>

#include "models/accel/weight_layout.h"

namespace nibble::test {
namespace {

using numerics::ActivationLayout;
using numerics::Format;
using sim::Buffer;
using sim::Opcode;

// Collects the accesses of one word.
class Collector {
 public:
  explicit Collector(std::vector<Access>& accesses) : accesses_(accesses) {}

  void Add(int space, bool write, uint64_t begin, uint64_t bytes) {
    if (bytes > 0) accesses_.push_back({space, begin, begin + bytes, write});
  }
  void Add(Buffer buffer, bool write, uint64_t begin, uint64_t bytes) {
    Add(static_cast<int>(buffer), write, begin, bytes);
  }
  // Codes and scales of channels [channel, channel + channels) of pixels in the output SRAM that
  // have `pitch` channels each.
  // In strips where rows have `strip_row` pixels.
  void AddTile(bool write, uint32_t codes, uint32_t scales, sim::StoredAs stored, uint32_t pixels,
               int channel, int channels, int pitch, int strip_row = 0) {
    const auto layout = [&](int count) {
      return ActivationLayout{static_cast<Format>(stored.format()), stored.block(), 1, count,
                              strip_row};
    };
    const ActivationLayout whole = layout(pitch), before = layout(channel), part = layout(channels);
    for (uint32_t p = 0; p < pixels; ++p) {
      Add(Buffer::kOut, write,
          uint64_t{codes} * sim::kSramUnit + uint64_t{p} * whole.code_bytes_per_pixel() +
              before.code_bytes_per_pixel(),
          part.code_bytes_per_pixel());
    }
    for (uint32_t row = 0; row < whole.scale_rows(pixels); ++row) {
      Add(Buffer::kOut, write,
          uint64_t{scales} * sim::kSramUnit + uint64_t{row} * whole.scale_row_bytes() +
              before.scale_row_bytes(),
          part.scale_row_bytes());
    }
  }

  void Copy(const sim::Copy& c, bool store) {
    for (uint64_t row = 0; row < c.rows; ++row) {
      Add(Access::kDram, store, c.dram + row * c.dram_stride, c.row_bytes);
    }
    Add(c.buffer, !store, uint64_t{c.sram} * sim::kSramUnit, uint64_t{c.rows} * c.row_bytes);
  }
  void Move(const sim::Move& m) {
    Add(Buffer::kOut, false, m.from, uint64_t{m.rows} * m.row_bytes);
    for (uint64_t row = 0; row < m.rows; ++row) {
      Add(Buffer::kAct, true, m.to + row * m.to_stride, m.row_bytes);
    }
  }
  void Convolve(const sim::Convolve& run, const sim::Geometry& g, bool near_memory) {
    // Only rows of the tile that some tap touches.
    int first = run.in_row + run.in_rows, last = run.in_row - 1;
    for (int row = run.out_row; row < run.out_row + run.out_rows; ++row) {
      for (int k = 0; k < g.kernel_h; ++k) {
        const int y = row * g.stride_h - g.pad_top + k * g.dilation_h;
        if (y < 0 || y >= g.in_height) continue;
        if (y < run.in_row || y >= run.in_row + run.in_rows) {
          throw std::runtime_error(fmt::format("input row {} is not in the tile", y));
        }
        first = std::min(first, y);
        last = std::max(last, y);
      }
    }
    const ActivationLayout in = accel::InputLayoutOf(g);
    if (first <= last) {
      const uint64_t skipped = uint64_t(first - run.in_row) * g.in_width;
      const uint64_t pixels = uint64_t(last - first + 1) * g.in_width;
      Add(Buffer::kAct, false,
          uint64_t{run.act} * sim::kSramUnit + skipped * in.code_bytes_per_pixel(),
          pixels * in.code_bytes_per_pixel());
      Add(Buffer::kAct, false,
          uint64_t{run.act_scales} * sim::kSramUnit + in.scale_rows(skipped) * in.scale_row_bytes(),
          in.scale_rows(pixels) * in.scale_row_bytes());
    }
    if (!near_memory) {
      const accel::WeightLayout w = accel::WeightLayoutOf(g);
      Add(Buffer::kWeight, false, uint64_t{run.weight} * sim::kSramUnit,
          run.channels * w.code_bytes_per_channel());
      Add(Buffer::kWeight, false, uint64_t{run.weight_scales} * sim::kSramUnit,
          run.channels * w.scale_bytes_per_channel());
    }
    Add(Buffer::kAcc, true, uint64_t{run.acc} * sim::kSramUnit,
        accel::AccumulatorBytes(uint64_t{run.out_rows} * g.out_width, run.channels));
  }
  void Windows(const sim::Window& w, const sim::Geometry& g, const sim::Epilogue& e) {
    AddTile(false, w.in, w.in_scales, e.in, uint32_t{w.in_rows} * g.in_width, 0, w.channels,
            w.channels);
    AddTile(true, w.out, w.out_scales, e.out, w.pixels, w.channel, w.channels, w.pitch);
  }
  void Elementwise(const sim::Command& word, const sim::Epilogue& e, const sim::Geometry& rows) {
    const sim::Elementwise& t = word.elementwise;
    const auto read = [&](uint16_t codes, uint16_t scales, sim::StoredAs stored,
                          uint32_t pixels = ~0u) {
      AddTile(false, codes, scales, stored, std::min<uint32_t>(pixels, t.pixels), t.channel,
              t.channels, t.pitch);
    };
    const auto write = [&](uint32_t pixels) {
      AddTile(true, t.out, t.out_scales, e.out, pixels, t.channel, t.channels, t.pitch,
              e.flags & sim::kStrips ? rows.out_width : 0);
    };
    const auto read_params = [&](uint64_t words) {
      Add(Buffer::kOut, false, uint64_t{t.params} * sim::kSramUnit, words * 4 * t.channels);
    };
    const uint64_t acc = uint64_t{t.acc} * sim::kSramUnit;
    switch (word.opcode) {
      case Opcode::kVectorRun: {
        Add(Buffer::kAcc, false, acc, accel::AccumulatorBytes(t.pixels, t.channels));
        if (!(e.flags & sim::kStoredWeights)) read_params(e.flags & sim::kPerChannelScale ? 2 : 1);
        if (e.flags & sim::kHasResidual) read(t.in, t.in_scales, e.residual);
        return write(t.pixels);
      }
      case Opcode::kVectorAdd:
      case Opcode::kVectorMultiply:
        read(t.in, t.in_scales, e.in);
        read(t.in2, t.in2_scales, e.residual, word.flags & sim::kBroadcast ? 1 : t.pixels);
        return write(t.pixels);
      case Opcode::kVectorNormalize:
        read_params(2);
        [[fallthrough]];
      case Opcode::kVectorSoftmax:
        read(t.in, t.in_scales, e.in);
        return write(t.pixels);
      case Opcode::kVectorCopy:
      case Opcode::kVectorTranspose: {
        const sim::ChannelCopy& c = word.channel_copy;
        const bool transposed = word.opcode == Opcode::kVectorTranspose;
        AddTile(false, c.in, c.in_scales, e.in, transposed ? c.channels : c.pixels, 0, c.in_pitch,
                c.in_pitch);
        return AddTile(true, c.out, c.out_scales, e.out, c.pixels, c.channel, c.channels, c.pitch);
      }
      case Opcode::kVectorPool:
        read(t.in, t.in_scales, e.in);
        if (!(word.flags & sim::kFirst)) Add(Buffer::kAcc, false, acc, 4 * t.channels);
        if (word.flags & sim::kLast) return write(1);
        return Add(Buffer::kAcc, true, acc, 4 * t.channels);
      case Opcode::kVectorQuantize:
        read(t.in, t.in_scales, sim::StoredAs::Of(static_cast<uint8_t>(Format::kFp32), 16));
        return write(t.pixels);
      default:
        return;
    }
  }

 private:
  std::vector<Access>& accesses_;
};

// The last writer and the last reader in each engine of every byte of one memory.
struct Byte {
  int writer = -1;  // word; -1: the image
  bool known = false;
  std::array<int, sim::kEngines> readers{-1, -1, -1, -1, -1};
};

int EngineIndex(const sim::Command& word) { return static_cast<int>(sim::EngineOf(word.opcode)); }

// Every byte of the part of a layer's output that lives in DRAM is stored once.
std::string CheckStores(const trace::Network& net, const sim::Program& program,
                        const std::vector<std::vector<Access>>& accesses) {
  for (size_t layer = 0; layer < net.layers.size(); ++layer) {
    const sim::TensorPlacement& t = program.tensors[net.layers[layer].output];
    std::vector<int> codes(t.layout.code_bytes()), scales(t.layout.scale_bytes());
    for (size_t i = 0; i < program.commands.size(); ++i) {
      if (program.commands[i].layer != layer) continue;
      for (const Access& a : accesses[i]) {
        if (a.space != Access::kDram || !a.write) continue;
        for (uint64_t at = a.begin; at < a.end; ++at) {
          if (at - t.codes < codes.size() && t.in_dram) ++codes[at - t.codes];
          if (at - t.scales < scales.size() && t.in_dram) ++scales[at - t.scales];
        }
      }
    }
    for (const std::vector<int>* part : {&codes, &scales}) {
      const int expected = t.in_dram ? 1 : 0;
      for (size_t at = 0; at < part->size(); ++at) {
        if ((*part)[at] != expected) {
          return fmt::format("layer {}: byte {} of the output is stored {} times", layer, at,
                             (*part)[at]);
        }
      }
    }
  }
  return "";
}

}  // namespace

std::vector<std::vector<Access>> AccessesOf(const sim::Program& program) {
  sim::Geometry tensor{}, bank{}, windows{};
  sim::Epilogue epilogue{};
  std::vector<std::vector<Access>> all;
  for (const sim::Command& word : program.commands) {
    all.emplace_back();
    Collector collect(all.back());
    switch (word.opcode) {
      case Opcode::kLoad:
      case Opcode::kStore:
        collect.Copy(word.copy, word.opcode == Opcode::kStore);
        break;
      case Opcode::kForward:
        collect.Move(word.move);
        break;
      case Opcode::kTensorConfig:
        tensor = word.geometry;
        break;
      case Opcode::kBankConfig:
        bank = word.geometry;
        break;
      case Opcode::kVectorGeometry:
        windows = word.geometry;
        break;
      case Opcode::kVectorWindow:
        collect.Windows(word.window, windows, epilogue);
        break;
      case Opcode::kTensorRun:
        collect.Convolve(word.convolve, tensor, false);
        break;
      case Opcode::kBankRun:
        collect.Convolve(word.convolve, bank, true);
        break;
      case Opcode::kVectorConfig:
        epilogue = word.epilogue;
        break;
      default:
        collect.Elementwise(word, epilogue, windows);
        break;
    }
  }
  return all;
}

Order OrderOf(const std::vector<sim::Command>& words) {
  Order order;
  std::deque<EnginePositions> tokens[sim::kEngines][sim::kEngines];
  EnginePositions ended[sim::kEngines] = {};  // what is certain when the engine's last word ends
  for (const sim::Command& word : words) {
    const int engine = EngineIndex(word);
    EnginePositions before = ended[engine];
    for (int from = 0; from < sim::kEngines; ++from) {
      if (!(word.wait >> from & 1)) continue;
      auto& channel = tokens[from][engine];
      if (channel.empty()) throw std::runtime_error("a word waits for a token of a later word");
      for (int e = 0; e < sim::kEngines; ++e) before[e] = std::max(before[e], channel.front()[e]);
      channel.pop_front();
    }
    order.before.push_back(before);
    ended[engine] = before;
    order.position.push_back(++ended[engine][engine]);
    for (int to = 0; to < sim::kEngines; ++to) {
      if (word.signal >> to & 1) tokens[engine][to].push_back(ended[engine]);
    }
  }
  for (const auto& row : tokens) {
    for (const auto& channel : row) {
      if (!channel.empty()) throw std::runtime_error("nobody takes a token");
    }
  }
  return order;
}

namespace {

// Whether layer `from` may have written what `word` reads from DRAM.
using MayRead = std::function<bool(const sim::Command& word, int from)>;

std::string CheckAccesses(const platforms::DesignPoint& design, const sim::Program& program,
                          const MayRead& may_read) {
  const std::vector<std::vector<Access>> accesses = AccessesOf(program);
  const Order order = OrderOf(program.commands);
  std::vector<Byte> memories[sim::kBuffers + 1];
  memories[static_cast<int>(Buffer::kAct)].resize(design.sram_act.size);
  memories[static_cast<int>(Buffer::kWeight)].resize(design.sram_weight.size);
  memories[static_cast<int>(Buffer::kAcc)].resize(design.sram_acc.size);
  memories[static_cast<int>(Buffer::kOut)].resize(design.sram_out.size);
  memories[Access::kDram].resize(program.dram_bytes_used - program.near_memory_bytes);
  for (const sim::Segment& segment : program.image) {
    for (size_t i = 0; i < segment.bytes.size(); ++i) {
      // Rows of weights near the memory lie above all that words touch.
      if (segment.address + i < memories[Access::kDram].size()) {
        memories[Access::kDram][segment.address + i].known = true;
      }
    }
  }
  for (int i = 0; i < static_cast<int>(program.commands.size()); ++i) {
    const sim::Command& word = program.commands[i];
    const auto follows = [&](int earlier) {
      return earlier < 0 || earlier == i ||
             order.before[i][EngineIndex(program.commands[earlier])] >= order.position[earlier];
    };
    const auto failure = [&](const char* what, const Access& a, uint64_t at, int other) {
      return fmt::format("word {} ({}): byte {} of space {}: {} {}", i, sim::Disassemble(word), at,
                         a.space, what, other);
    };
    for (const Access& a : accesses[i]) {
      if (a.end > memories[a.space].size()) return failure("beyond the end", a, a.end, -1);
      for (uint64_t at = a.begin; at < a.end; ++at) {
        Byte& byte = memories[a.space][at];
        if (!follows(byte.writer)) return failure("may come before its writer", a, at, byte.writer);
        if (a.write) {
          for (int reader : byte.readers) {
            if (!follows(reader)) return failure("may come before a reader", a, at, reader);
          }
          byte = Byte{};
          byte.writer = i;
          byte.known = true;
          continue;
        }
        if (!byte.known) return failure("nobody wrote it", a, at, -1);
        byte.readers[EngineIndex(word)] = i;
        if (a.space != Access::kDram || byte.writer < 0) continue;
        const int from = program.commands[byte.writer].layer;
        if (!may_read(word, from))
          return failure("written by a layer that is no operand", a, at, from);
      }
    }
  }
  return "";
}

}  // namespace

std::string CheckOrder(const platforms::DesignPoint& design, const sim::Program& program) {
  return CheckAccesses(design, program, [](const sim::Command&, int) { return true; });
}

std::string CheckProgram(const trace::Network& net, const platforms::DesignPoint& design,
                         const sim::Program& program) {
  std::vector<int> producer(net.tensors.size(), -1);
  for (size_t l = 0; l < net.layers.size(); ++l) {
    producer[net.layers[l].output] = static_cast<int>(l);
  }
  const std::string fault = CheckAccesses(design, program, [&](const sim::Command& word, int from) {
    const trace::Layer& layer = net.layers[word.layer];
    return from == word.layer || from == producer[layer.input] ||
           (layer.residual >= 0 && from == producer[layer.residual]);
  });
  return fault.empty() ? CheckStores(net, program, AccessesOf(program)) : fault;
}

}  // namespace nibble::test
