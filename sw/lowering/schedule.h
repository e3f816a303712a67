// Turns layers into command words: loads, computation, epilogue and stores of each tile, with what
// each must wait for.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/sim_core/program.h"
#include "platforms/design_point.h"
#include "sw/lowering/emitter.h"
#include "sw/lowering/plan.h"
#include "sw/lowering/scratchpad_plan.h"
#include "sw/trace/network.h"

namespace nibble::lowering {

// Where the constants of a layer lie.
struct LayerConstants {
  uint64_t weight_codes = 0, weight_scales = 0;  // DRAM addresses (layers beside the memory)
  uint64_t params = 0;                           // DRAM address of biases, or (bias, scale) pairs
  float weight_scale = 1.0f;  // factor common to all channels, when params are biases only
  bool near_memory = false;
  uint16_t bank_row = 0;  // first DRAM row of the weights (layers near the memory)
};

class Schedule {
 public:
  // `staging`: DRAM address for FP32 tensors that wait for their dynamic scale.
  Schedule(const Target& target, const Plan& plan, const std::vector<sim::TensorPlacement>& tensors,
           uint64_t staging);

  // Presets of the tensor scale registers; first of all.
  void Presets(const std::vector<numerics::TensorScale>& scales);
  void Layer(int index, const LayerConstants& constants);

  Emitter& emitter() { return emit_; }
  void PeakUse(uint64_t peak[sim::kBuffers]) const;

 private:
  using Deps = std::vector<CommandId>;

  // schedule_conv.cpp
  // Something that lies in a scratchpad and is loaded in pieces, each when it is first needed.
  struct Piece {
    CommandId load;          // the word that completes it
    uint16_t codes, scales;  // where
  };
  struct Resident {
    ScratchpadPlan::Tile tile = -1;
    Deps after;                        // for the loads: users of what lay there before
    std::map<uint32_t, Piece> pieces;  // by row tile or first channel
  };
  struct ConvState;
  void Convolution(const trace::Layer& layer, const LayerPlan& plan,
                   const LayerConstants& constants);
  // Of a layer, from DRAM; `tile` is their place.
  CommandId LoadParams(uint64_t address, uint32_t bytes, ScratchpadPlan::Tile* tile);
  Piece LoadInput(ConvState& state, uint32_t row_tile);
  Piece LoadWeights(ConvState& state, uint32_t channel, uint32_t channels);
  void Compute(ConvState& state, uint32_t row_tile, uint32_t channel, uint32_t channels);
  void Finish(ConvState& state, uint32_t row_tile, uint32_t channel, uint32_t channels,
              ScratchpadPlan::Tile acc, CommandId compute);
  void OpenOutput(ConvState& state, uint32_t row_tile, uint32_t channel, uint32_t channels);
  void CloseOutput(ConvState& state, uint32_t row_tile, uint32_t channel, uint32_t channels);

  // schedule_vector.cpp
  void AveragePool(const trace::Layer& layer);
  void Combine(const trace::Layer& layer);  // sum or product of two tensors
  void PoolWindows(const trace::Layer& layer);
  // schedule_copy.cpp
  // What concatenations, slices, shuffles and activations have to move: dequantised and quantised
  // anew. Where all of it lies in its place already, the layer ends with a word that moves nothing.
  void CopyChannels(const trace::Layer& layer);
  struct ChannelSource;
  std::vector<ChannelSource> SourcesOf(const trace::Layer& layer,
                                       const golden::ChannelRange& range) const;
  void CopyFrom(const trace::Layer& layer, const golden::ChannelRange& range,
                const ChannelSource& source, bool complete);
  void Assemble(const trace::Layer& layer, const golden::ChannelRange& range,
                const std::vector<ChannelSource>& sources, bool complete);
  sim::Epilogue EpilogueFrom(const trace::Layer& layer, int source) const;
  static sim::Command CopyWord(const ChannelSource& source, uint32_t pixels);
  uint64_t PixelBytesOf(const ChannelSource& source) const;
  void EndLayer();
  // schedule_tokens.cpp
  void RowFunction(const trace::Layer& layer, const LayerConstants& constants);
  void Transpose(const trace::Layer& layer);
  void MovePixels(const trace::Layer& layer);
  // `pixels` of tensor `source`, from pixel `from` on, to the output's from pixel `to` on.
  void MovePixelsFrom(const trace::Layer& layer, int source, uint32_t from, uint32_t to,
                      uint32_t pixels);

  // schedule_tiles.cpp
  struct Part;
  struct TilePair {  // of the output SRAM: what a word reads, and what it writes
    ScratchpadPlan::Tile place;
    uint16_t in, in_scales, out, out_scales;
  };
  TilePair PlaceTiles(const trace::Layer& layer, const Part& in, const Part& out, Deps* after);
  // Load, word and store of a tile. Returns the word.
  CommandId RunTile(const trace::Layer& layer, const sim::Command& command, const Part& in,
                    const Part& out, const TilePair& tile, Deps after, bool complete);
  // Pixels of a tile of which two fit in `room`, when a pixel takes `bytes`. Throws LoweringError.
  static uint32_t PixelsOfTile(uint64_t room, uint64_t bytes, uint32_t pixels);
  // Of a tile pair in the output SRAM, from its first pixel on either side.
  uint32_t PixelsOfTile(const trace::Layer& layer, const Part& in_pixel, const Part& out_pixel,
                        uint32_t pixels) const;

  // Second pass of a dynamic tensor scale: staged FP32 -> stored.
  void QuantizeStaged(const trace::Layer& layer);

  // A part of a tensor: `pixels` from `pixel`, `channels` from `channel`, moved to or from the
  // output SRAM (or, for loads, another buffer) as codes and scales; returns the last word.
  struct Part {
    int tensor;
    uint32_t pixel, pixels, channel, channels;
  };
  CommandId CopyPart(sim::Opcode opcode, const Part& part, sim::Buffer buffer, uint16_t codes,
                     uint16_t scales, const Deps& after);
  // Waits for whoever stores the part.
  CommandId LoadPart(const Part& part, sim::Buffer buffer, uint16_t codes, uint16_t scales,
                     const Deps& after);
  // Moves a finished part of a layer's output out of the output SRAM: to its FP32 staging place
  // where it waits for a dynamic scale, or delivers it.
  CommandId WriteOutput(const trace::Layer& layer, const Part& part, uint16_t codes,
                        uint16_t scales, const Deps& after, bool complete);
  uint64_t OutputCodeBytes(const trace::Layer& layer, const Part& part) const;  // FP32 if staged
  // Stores to DRAM and keeps in the activation SRAM, as the plan says for the tensor; with
  // `complete`, all pixels up to the part's last are there afterwards.
  CommandId Deliver(const Part& part, uint16_t codes, uint16_t scales, const Deps& after,
                    bool complete);
  CommandId Forward(const Part& part, uint16_t codes, uint16_t scales, const Deps& after);
  CommandId Copy(sim::Opcode opcode, sim::Buffer buffer, uint16_t unit, uint64_t dram,
                 uint32_t rows, uint32_t row_bytes, uint32_t stride, const Deps& after);
  CommandId HoldsScales(CommandId word);           // marks a copy of block scales or parameters
  uint64_t PartCodeBytes(const Part& part) const;  // as they lie in SRAM
  uint64_t PartScaleBytes(const Part& part) const;

  // Emits a word that writes the part, after telling the vector unit where the part lies where
  // that matters.
  CommandId EmitWriter(const sim::Command& command, const Part& written, const Deps& after);
  sim::StoredAs StoredAsOf(int tensor) const;
  uint16_t RegisterOf(int tensor) const;  // of its tensor scale
  void AddWriters(const Part& part, Deps& deps) const;
  sim::Epilogue EpilogueFor(const trace::Layer& layer) const;
  bool Staged(const trace::Layer& layer) const;  // output waits for its dynamic scale
  numerics::ActivationLayout StagingLayout(int tensor) const;

  // Which word has delivered which part of a tensor: (pixels done, word), ascending.
  using Log = std::vector<std::pair<uint32_t, CommandId>>;
  static CommandId WriterOf(const Log& log,
                            uint32_t pixels);  // the word after which the first `pixels` are there

  const Target& target_;
  const trace::Network& net_;
  const Plan& plan_;
  const std::vector<sim::TensorPlacement>& tensors_;
  uint64_t staging_;
  Emitter emit_;
  ScratchpadPlan act_, weight_, acc_, out_, params_;
  CommandId last_store_ = kNone;
  std::vector<Log> stored_, forwarded_;     // by tensor
  std::vector<ScratchpadPlan::Tile> kept_;  // by tensor: its place in the activation SRAM
  std::vector<Deps> kept_after_;            // users of what lay there before
};

}  // namespace nibble::lowering
