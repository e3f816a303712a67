// The 32-byte command words: what lowering writes, the command processor fetches from DRAM, and
// firmware submits.
//
// Every word names an engine (by its opcode) and carries dependency tokens: before it starts, the
// engine takes one token from each engine in `wait`; when it is done, it gives one token to each
// engine in `signal`. A token channel exists for every ordered pair of engines and counts. Each
// engine executes its words in order.
//
// SRAM addresses are in units of 64 bytes. All fields are little-endian.
#pragma once

#include <cstdint>
#include <string>

#include "models/numerics/activation_function.h"

namespace nibble::sim {

enum class Engine : uint8_t { kLoad, kTensor, kBank, kVector, kStore };
inline constexpr int kEngines = 5;
const char* EngineName(Engine engine);  // "load", "tensor", "bank", "vector", "store"
inline constexpr uint8_t EngineBit(Engine e) {
  return static_cast<uint8_t>(1u << static_cast<int>(e));
}

enum class Opcode : uint8_t {
  kLoad = 1,          // Copy: DRAM -> SRAM
  kStore = 2,         // Copy: SRAM -> DRAM
  kTensorConfig = 3,  // Geometry of the convolutions that follow, for the tensor unit
  kTensorRun = 4,     // Convolve
  kBankConfig = 5,    // Geometry, for the near-memory banks
  kBankRun = 6,       // Convolve with the weights that lie in the banks
  kVectorConfig = 7,  // Epilogue
  kVectorScales = 8,  // Scales: presets of the tensor scale registers
  kVectorRun = 9,     // Elementwise: accumulators -> epilogue -> output tile
  kVectorAdd = 10,    // Elementwise: two stored tiles -> output tile
  kVectorPool =
      11,  // Elementwise: adds the tile to the pooling sums; on the last one writes the mean
  kVectorScale =
      12,  // dynamic tensor scale: running amax -> scale register `out_reg`, running amax -> 0
  kVectorQuantize = 13,  // Elementwise: FP32 tile -> stored tile
  kForward = 14,  // Move: output SRAM -> activation SRAM, for the next layer; by the store engine
  kVectorPosition = 15,  // Position of the next tile written, for stochastic rounding
  kVectorMultiply = 16,  // Elementwise: two stored tiles -> output tile
  kVectorCopy = 17,      // Elementwise: channels of a stored tile, dequantised -> output tile
  kVectorWindow = 18,    // Window: pools of the windows of a stored tile -> output tile
  kVectorGeometry = 19,  // Geometry: the windows, or the rows, of the words that follow
  // Over the channels of each pixel: numerics/row_functions.h.
  kVectorSoftmax = 20,    // Elementwise: stored tile -> output tile
  kVectorNormalize = 21,  // Elementwise: stored tile -> output tile; (beta, gamma) parameters
  kVectorTranspose = 22,  // ChannelCopy: stored tile -> output tile
};
const char* OpcodeName(Opcode opcode);  // "LOAD", "TENSOR_RUN", ...
Engine EngineOf(Opcode opcode);         // throws std::invalid_argument for a byte that is no opcode

enum class Buffer : uint8_t { kAct, kWeight, kAcc, kOut };  // the scratchpads
inline constexpr int kBuffers = 4;
const char* BufferName(Buffer buffer);  // "act", "weight", "acc", "out"

// Flags of the header.
inline constexpr uint8_t kEndOfLayer =
    1;                                // kStore, kForward: the layer is complete when this word is
inline constexpr uint8_t kFirst = 2;  // kVectorPool: sums start at +0
inline constexpr uint8_t kLast = 4;   // kVectorPool: divide and write
inline constexpr uint8_t kHoldsScales =
    8;  // kLoad, kStore, kForward: the bytes are block scales or parameters
inline constexpr uint8_t kBroadcast = 8;      // kVectorMultiply: the second operand is one pixel
inline constexpr uint8_t kLargest = 16;       // kVectorWindow: the largest element, not the mean
inline constexpr uint8_t kCountPadding = 32;  // kVectorWindow: the mean is over the whole window

// `rows` rows of `row_bytes`, `dram_stride` apart in DRAM, dense in the SRAM.
struct Copy {
  uint64_t dram;
  uint32_t row_bytes;
  uint32_t dram_stride;
  uint32_t rows;
  uint16_t sram;
  Buffer buffer;
  uint8_t reserved;
};

// `rows` rows of `row_bytes`, dense in the output SRAM from byte `from`, `to_stride` apart in the
// activation SRAM from byte `to`.
struct Move {
  uint32_t from, to;
  uint32_t rows, row_bytes, to_stride;
  uint32_t reserved;
};

// State of a compute engine until the next one. A depthwise engine uses channel c of the input for
// output channel c.
struct Geometry {
  uint16_t in_height, in_width, in_channels;
  uint16_t out_height, out_width;
  uint8_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
  uint8_t pad_top, pad_left;
  uint8_t activation_format : 7;  // numerics::Format
  uint8_t strips : 1;             // depthwise: the input is stored in strips of pixels
  uint8_t weight_format;          // numerics::Format
  uint8_t activation_block, weight_block;
  uint8_t depthwise : 1;
  uint8_t groups : 7;  // of input channels, each with output channels of its own; 0 and 1: none
  uint8_t bank_group;  // kBankConfig: output channels of a unit whose sums wait together, minus 1

  // Input channels that an output channel sums over; not depthwise.
  uint16_t group_channels() const {
    return static_cast<uint16_t>(groups > 1 ? in_channels / groups : in_channels);
  }
};

// Output rows [out_row, out_row + out_rows), all columns, output channels [channel, channel +
// channels). The activation tile holds input rows [in_row, in_row + in_rows) in storage layout
// (codes and scales apart). Accumulators: [channel group of 16][pixel][16] binary32.
struct Convolve {
  uint16_t out_row, out_rows;
  uint16_t channel, channels;
  uint16_t in_row, in_rows;
  uint16_t act, act_scales;        // kAct
  uint16_t weight, weight_scales;  // kWeight (kTensorRun)
  uint16_t acc;                    // kAcc
  union {
    uint16_t bank_row;  // kBankRun: first DRAM row of the layer's weights, the same in every bank
    uint16_t group_outputs;  // kTensorRun in groups: output channels of each
  };
};

// How a tensor is stored: numerics::Format in bits 4:0, log2(block) - 3 in bits 7:5.
struct StoredAs {
  uint8_t bits;

  static constexpr StoredAs Of(uint8_t format, int block) {
    int log = 0;
    while (8 << log < block) ++log;
    return {static_cast<uint8_t>(format | log << 5)};
  }
  constexpr uint8_t format() const { return bits & 31; }
  constexpr int block() const { return 8 << (bits >> 5); }
};

// State of the vector unit until the next one.
struct Epilogue {
  numerics::ActivationFunction activation;
  uint8_t flags;       // kPerChannelScale, kHasResidual, kTrackAmax, kStoredWeights, kStrips
  StoredAs out;        // of the tile written; kFp32 when staging for a dynamic scale
  StoredAs in;         // of the stored input of an addition or a pool
  float lo, hi;        // of the activation; lo: epsilon of kVectorNormalize
  float weight_scale;  // factor common to all output channels (without kPerChannelScale)
  uint16_t in_reg, out_reg, residual_reg;  // tensor scale registers
  StoredAs residual;                       // of the residual, or second operand of an addition
  uint8_t reserved;
};
inline constexpr uint8_t kPerChannelScale = 1;  // parameters are (bias, scale) pairs, not biases
inline constexpr uint8_t kHasResidual = 2;
inline constexpr uint8_t kTrackAmax = 4;  // running amax of what is written, for kVectorScale
// The weights are a stored tensor, whose scale in register residual_reg multiplies weight_scale;
// there are no parameters.
inline constexpr uint8_t kStoredWeights = 8;
// kVectorRun: what is written is stored in strips of pixels along rows of out_width pixels of the
// last kVectorGeometry; tiles are whole rows.
inline constexpr uint8_t kStrips = 16;

// Both words of a tensor scale (numerics::TensorScale).
struct Scales {
  float encode[2], decode[2];
  uint16_t reg[2];  // kNoRegister: unused
  uint32_t reserved;
};
inline constexpr uint16_t kNoRegister = 0xFFFF;

// The vector unit's random numbers depend on the place of an element in its tensor alone.
struct Position {
  uint64_t element;   // of the tensor: the first one of the next tile written
  uint32_t channels;  // of the tensor: from a pixel to the next
};

// `pixels` x `channels` elements. Stored tiles (in, in2, out) hold `pitch` channels a pixel, of
// which the word concerns those from `channel` (a multiple of the block). Parameters: `channels`
// biases, or pairs, as binary32.
struct Elementwise {
  uint16_t pixels, channels;
  uint16_t channel, pitch;
  uint16_t acc;              // kAcc: accumulators, or pooling sums
  uint16_t params;           // kOut
  uint16_t in, in_scales;    // kOut: residual / first operand / pool input / FP32 tile
  uint16_t in2, in2_scales;  // kOut: second operand of kVectorAdd and kVectorMultiply; kVectorPool:
                             // in2 is the pixel count of the mean
  uint16_t out, out_scales;  // kOut
};

// A word of kVectorCopy. Of each pixel of the input tile, which holds `in_pitch` channels, output
// channel c of the word is channel in_channel + c, or, with more than one group (a shuffle),
// c % groups * (channels / groups) + c / groups. The other fields as in Elementwise. Of
// kVectorTranspose: the input tile has `channels` pixels, and pixel p of the output is channel
// in_channel + p of all of them.
struct ChannelCopy {
  uint16_t pixels, channels;
  uint16_t channel, pitch;
  uint16_t in_channel, in_pitch;
  uint16_t in, in_scales;
  uint16_t groups, reserved;
  uint16_t out, out_scales;
};

// A word of kVectorWindow: output rows [out_row, out_row + out_rows) of all `channels`, from the
// tile of input rows [in_row, in_row + in_rows).
struct Window {
  uint16_t pixels, channels;  // pixels of the output
  uint16_t channel, pitch;
  uint16_t out_row, in_row;
  uint16_t in, in_scales;
  uint16_t in_rows, reserved;
  uint16_t out, out_scales;
};
static_assert(sizeof(ChannelCopy) == sizeof(Elementwise) && sizeof(Window) == sizeof(Elementwise));

struct Command {
  Opcode opcode;
  uint8_t wait, signal;  // masks of EngineBit
  uint8_t flags;
  uint16_t layer;
  uint16_t tile;  // for people who read a listing
  union {
    Copy copy;
    Move move;
    Geometry geometry;
    Convolve convolve;
    Epilogue epilogue;
    Scales scales;
    Position position;
    Elementwise elementwise;  // and, where the fields have the same place, the next two
    ChannelCopy channel_copy;
    Window window;
  };
};
static_assert(sizeof(Command) == 32, "command words are 32 bytes");
inline constexpr uint32_t kCommandBytes = 32;
inline constexpr uint32_t kSramUnit = 64;  // bytes

// One line of a listing: "TENSOR_RUN  layer 3 tile 2  wait load  signal vector  rows 0..3 ...".
std::string Disassemble(const Command& command);

}  // namespace nibble::sim
