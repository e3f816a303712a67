// What lowering makes of a trace and a design point, and all that a platform is fed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/numerics/activation_store.h"
#include "models/sim_core/command.h"

namespace nibble::sim {

struct Segment {  // part of the DRAM image
  uint64_t address = 0;
  std::vector<uint8_t> bytes;
};

// Shares of zeros, 0 to 1, where they are known without the bits.
struct ZeroShares {
  double activations = 0;  // zero codes, padding not counted
  double weights = 0;
  double blocks = 0;  // terms of zero products only, padding not counted
};

struct LayerEntry {
  std::string name, op, source;
  std::string shape;  // "112x112x32 -> 112x112x16"
  uint64_t macs = 0;  // analytic
  int output = 0;     // tensor index
  bool near_memory = false;
  uint64_t compulsory_bytes =
      0;  // DRAM bytes that the layer moves at least: weights and the tensors that live in DRAM
  std::optional<ZeroShares> zeros{};  // recorded with the network
};

struct TensorPlacement {
  std::string name;
  numerics::ActivationLayout layout;
  bool in_dram = true;             // false: the tensor lives in the activation SRAM only
  uint64_t codes = 0, scales = 0;  // DRAM addresses (scales: unused without block scales)
  // Bytes from a pixel to the next in DRAM: those of the layout, or of the tensor that this one
  // lies in, channel for channel.
  uint32_t code_stride = 0, scale_stride = 0;
  int root = 0;          // that tensor, or this one: whose tensor scale it has
  int root_channel = 0;  // where in it this one begins
  bool in_act = false;   // the next layer finds the whole tensor in the activation SRAM
  uint32_t act_codes = 0, act_scales = 0;  // its byte addresses there
  uint64_t elements = 0;
};

struct Program {
  std::vector<Command> commands;  // in an order in which every word follows those that it waits for
  uint64_t commands_address = 0;
  std::vector<Segment> image;  // weights, parameters and the input; empty when made for timing only
  std::vector<LayerEntry> layers;
  std::vector<TensorPlacement> tensors;
  std::vector<numerics::TensorScale>
      scales;  // of each tensor; of a dynamic one only the input's is known
  int input = 0, output = 0;

  // DRAM that the program does not use, for whoever drives the machine: the last of its regions.
  uint64_t free_address = 0, free_bytes = 0;
  uint64_t end() const { return free_address + free_bytes; }

  // For the report.
  uint64_t dram_bytes_used = 0;  // all regions: constants, tensors, command words, near-memory rows
  uint64_t near_memory_bytes = 0;           // rows of all banks that hold weights near the memory
  uint64_t sram_bytes_used[kBuffers] = {};  // largest sum of tiles resident at once
  uint64_t weight_elements = 0, weight_bits = 0;  // as stored, scales and tails included
};

}  // namespace nibble::sim
