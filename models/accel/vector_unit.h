// The vector unit: bias, activation, residual, pooling and requantisation, `lanes` elements a
// cycle.
#pragma once

#include <vector>

#include "models/accel/config.h"
#include "models/accel/scratchpads.h"
#include "models/accel/sram_run.h"
#include "models/accel/vector_operations.h"
#include "models/numerics/activation_store.h"
#include "models/sim_core/engine.h"

namespace nibble::accel {

class VectorUnit : public sim::EngineModule {
 public:
  // `registers`: tensor scale registers, one for each tensor of the program. `rounding` of what is
  // stored.
  VectorUnit(const sc_core::sc_module_name& name, const Context& context,
             const VectorConfig& config, const numerics::Rounding& rounding,
             Scratchpads& scratchpads, size_t registers, bool timing_only);

  void RegisterCounters(sim::CounterRegistry& registry,
                        const std::vector<sim::Engine>& peers) const;
  const numerics::TensorScale& scale_register(size_t i) const { return scales_.at(i); }

 private:
  // A tile of a stored tensor in the output scratchpad: `channels` of `pitch` channels a pixel.
  struct StoredTile {
    numerics::ActivationLayout layout;  // of one pixel of the tile
    uint8_t* codes;
    uint8_t* scales;
    uint32_t code_pitch, scale_pitch;  // bytes from a pixel (a strip) to the next
  };
  void BeginJob() override;
  sim::Fault Check(const sim::Command& command) const override;
  void Execute(const sim::Command& command) override;
  // Cycles of the word, its operations and scratchpad traffic accounted.
  // `sram` gets what it needs of the scratchpads.
  uint64_t Account(const sim::Command& command, SramRun& sram);
  // Tells the scratchpads what the word has written.
  void Wrote(const sim::Command& command);
  void Compute(const sim::Command& command);
  void RunTile(const sim::Elementwise& tile);
  void AddTiles(const sim::Elementwise& tile);
  void MultiplyTiles(const sim::Command& command);
  void CopyTile(const sim::ChannelCopy& copy, const StoredTile& out);
  void PoolTile(const sim::Command& command);
  void PoolWindows(const sim::Command& command, const StoredTile& out);
  void QuantizeTile(const sim::Elementwise& tile);
  // vector_rows.cpp
  void RowFunction(const sim::Command& command);
  void TransposeTile(const sim::ChannelCopy& copy, const StoredTile& out);
  // vector_strips.cpp
  // Of so many channels of what is written, in pixels or in strips.
  numerics::ActivationLayout OutLayout(uint32_t channels) const;
  StoredTile OutTileAt(const sim::Elementwise& tile);
  // Quantises a row of the image when it is whole.
  void WriteToStrips(const StoredTile& tile, uint32_t pixel, const float* y);

  StoredTile TileAt(const sim::Elementwise& tile, sim::StoredAs stored, uint16_t codes,
                    uint16_t scales);
  // A tile of `channels` a pixel, all of which the word concerns.
  StoredTile WholeTileAt(uint32_t channels, sim::StoredAs stored, uint16_t codes, uint16_t scales);
  void WritePixel(const StoredTile& tile, uint32_t pixel, const float* y);
  void ReadPixel(const StoredTile& tile, uint16_t reg, uint32_t pixel, float* x) const;

  VectorConfig config_;
  numerics::Rounding rounding_;
  Scratchpads& scratchpads_;
  bool timing_only_;
  sim::Epilogue state_{};
  sim::Geometry windows_{};
  bool has_state_ = false, has_windows_ = false;  // given by this job
  std::vector<numerics::TensorScale> scales_;
  float amax_ = 0;
  sim::Position position_{};  // of the tile written
  std::vector<VectorOperations> rows_;
  struct Stalls {
    uint64_t sram_cycles = 0;
  };
  std::vector<Stalls> stalls_;
  std::vector<float> y_, x_;  // one pixel
  std::vector<float> row_;    // pixels of a row that has not ended yet
};

}  // namespace nibble::accel
