// A compiled network in memory: fused operators in order, shapes, calibrated ranges, weights in
// source precision. Independent of any platform and datapath; quantising, tiling and addressing
// happen in lowering.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/numerics/activation_function.h"

namespace nibble::trace {

enum class Op : uint8_t {
  kConv,            // dense convolution, or in `groups` groups
  kDepthwiseConv,   // groups == input channels == output channels
  kFullyConnected,  // y = W x + b over the channels of a 1 x 1 map; a larger map is a kConv with
                    // its kernel
  kAdd,  // activation(input + residual), element by element (only where it could not be fused)
  kGlobalAveragePool,  // mean over height and width
  kMultiply,     // activation(input * residual); a residual of one pixel applies to all pixels
  kMaxPool,      // largest of a window; places outside the image do not count
  kAveragePool,  // mean of a window: sum in FP32, kernel row and column ascending, one division
  kConcat,       // the channels of `operands`, one behind the other
  kSlice,        // channels [first_channel, first_channel + those of the output) of the input
  kShuffle,      // output channel c is input channel c % groups * (channels / groups) + c / groups
  kActivate,     // activation(input) (only where it could not be fused)
  // Of transformers: pixels are tokens, channels are features.
  kMatMul,     // y[p][n] = scale * sum over c of input[p][c] * residual[n][c]: the pixels of the
               // second operand become channels
  kTranspose,  // channels become a column of pixels, and pixels channels
  kSoftmax,    // over the channels of each pixel
  kLayerNorm,  // over the channels of each pixel: weights are gamma, bias is beta, one a channel
  kStack,      // the pixels of `operands`, one behind the other: a column
  kPick,       // pixels [first_pixel, first_pixel + those of the output) of the input: a column
};
inline constexpr Op kLastOp = Op::kPick;
// "conv", "depthwise", "fc", "add", "avgpool", "multiply", "maxpool", "windowpool", "concat",
// "slice", "shuffle", "activate", "matmul", "transpose", "softmax", "layernorm", "stack", "pick"
const char* OpName(Op op);

struct Activation {
  using Kind = numerics::ActivationFunction;
  Kind kind = Kind::kNone;
  float lo = 0, hi = 0;
};

struct Shape {  // one image, NHWC
  int height = 1, width = 1, channels = 1;
  int64_t elements() const { return int64_t{height} * width * channels; }
  int pixels() const { return height * width; }
  bool operator==(const Shape& o) const {
    return height == o.height && width == o.width && channels == o.channels;
  }
};

// Synthetic weights: element i of the layer is an Irwin-Hall variate from splitmix64(seed, i),
// scaled by integer arithmetic only, so that every machine makes the same bits
// (sw/trace/synthetic.h). Those of a layer normalization are 1 more.
struct SyntheticWeights {
  uint64_t seed = 0;
  uint32_t gain = 0;  // standard deviation in units of 2^-16
};

struct Tensor {
  std::string name;
  Shape shape;
  float amax = 0;  // calibrated largest magnitude; static tensor scales come from it
  // Share of zero codes, 0 to 1, of the first calibration input under the default datapath (NVFP4
  // in blocks of 16, static tensor scales); of the output, which is FP32, none.
  std::optional<float> zeros{};
  // A constant (position embedding, class token), which no layer writes: stored like any tensor.
  bool constant = false;
  std::optional<SyntheticWeights> generator{};  // of a constant: its values are generated
  std::vector<float> values{};                  // of any other constant, [height][width][channels]
};

// Weights that were quantised elsewhere: NVFP4, E2M1 codes under E4M3 block scales and one tensor
// scale. A run is one of the reduction axis (ReductionSegments, ReductionSegment); blocks start
// anew at each, and so do bytes of codes.
struct QuantizedValues {
  int block = 16;
  float s_dec = 1;              // a value is E2M1 * (E4M3 * s_dec), each product in FP32
  std::vector<uint8_t> codes;   // [out][runs][bytes]: two a byte, even element in bits 3:0
  std::vector<uint8_t> scales;  // [out][runs][blocks]: 0 to 126, for 0 to 448
};

// Shares of zeros under the default datapath, as Tensor::zeros.
struct LayerZeros {
  float weights = 0;  // zero codes
  float blocks = 0;   // block terms of which all products, or a scale, are zero; none on padding
};

// One fused operator: y = activation(op(input) + bias) + residual, each step in FP32; kAdd and
// kMultiply combine before they activate; kMatMul takes no bias.
struct Layer {
  std::string name;    // unique within the network
  std::string source;  // node name in the source model; empty for built-in networks
  Op op = Op::kConv;
  int input = 0;      // tensor indices
  int residual = -1;  // fused residual operand, or second operand of kAdd, kMultiply, kMatMul; -1:
                      // none
  int output = 0;

  // kConv, kDepthwiseConv, kMaxPool, kAveragePool; the others leave them as they are here.
  int groups = 1;  // kConv, kShuffle
  int kernel_h = 1, kernel_w = 1;
  int stride_h = 1, stride_w = 1;
  int dilation_h = 1, dilation_w = 1;
  int pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  Activation activation;
  bool count_padding = false;  // kAveragePool: divide by the whole window, not by its part inside
  int first_channel = 0;       // kSlice
  std::vector<int> operands;   // kConcat, kStack: tensors, of which `input` is the first
  int first_pixel = 0;         // kPick
  float scale = 1;             // kMatMul
  float epsilon = 0;           // kLayerNorm: added to the variance

  // Weights [out][kernel_h][kernel_w][in / groups] (in == 1 for depthwise), bias [out]; output
  // channels of a group lie side by side, as its input channels do. kLayerNorm: both [channels].
  // A layer without parameters has none.
  bool has_weights() const {
    return op == Op::kConv || op == Op::kDepthwiseConv || op == Op::kFullyConnected;
  }
  bool has_parameters() const { return has_weights() || op == Op::kLayerNorm; }
  bool has_products() const { return has_weights() || op == Op::kMatMul; }  // dot products
  // Whether tensor `t` is an operand of its dot products.
  bool multiplies(int t) const {
    return has_products() && (input == t || (op == Op::kMatMul && residual == t));
  }
  // What is added after the activation; -1: nothing.
  int fused_residual() const { return has_weights() ? residual : -1; }
  bool has_window() const {
    return op == Op::kConv || op == Op::kDepthwiseConv || op == Op::kMaxPool ||
           op == Op::kAveragePool;
  }
  bool synthetic = false;  // weights and bias are generated from `generator`
  SyntheticWeights generator;
  std::vector<float> weights;  // empty when synthetic
  std::vector<float> bias;     // empty when synthetic
  // [out], what runs under a datapath add to the bias, for the mean errors of quantisation; FP32
  // runs, which they are compared with, do not. Empty: none.
  std::vector<float> bias_correction;
  // Present where the weights were imported as codes; `weights` are the values of these then.
  std::optional<QuantizedValues> quantized;
  std::optional<LayerZeros> zeros;  // only of layers with dot products
};

// How an image becomes the network's input: x = (u8 / 255 - mean) / stddev, per channel. An image
// file is first resized so that its shorter side has `resize` pixels, and cropped to the input.
struct Preprocess {
  std::vector<float> mean, stddev;  // one entry per input channel
  int resize = 0;                   // 0: the input's height * 256 / 224, rounded down
};

struct Network {
  std::string name;
  std::string producer;     // what made it: "builder mobilenet_v2" or the model file's name
  std::string calibration;  // how the ranges were found
  // What was done to weights, ranges and biases after that, in order (sw/posttraining).
  std::vector<std::string> posttraining;
  std::vector<Tensor> tensors;
  std::vector<Layer> layers;  // in execution order: a layer reads only tensors that precede it
  int input = 0, output = 0;
  Preprocess preprocess;
};

// Runs of the reduction axis, and elements of one run, as in numerics::QuantizedWeights. For a
// convolution a run is the input channels of one kernel tap (those of one group); for a depthwise
// one, all taps of a channel.
int ReductionSegments(const Network& net, const Layer& l);  // conv: kh * kw; fc and depthwise: 1
int ReductionSegment(
    const Network& net,
    const Layer& l);  // conv: in channels of a group; fc: inputs; depthwise: kh * kw
// Weights of the layer, bias not counted; 0 without parameters.
int64_t WeightCount(const Network& net, const Layer& l);
// Weights and biases of the layer.
int64_t ParameterCount(const Network& net, const Layer& l);
// Multiply-accumulates of the layer, padding taps included (the count that papers quote); 0 without
// dot products.
int64_t AnalyticMacs(const Network& net, const Layer& l);

// The tensors that a layer reads, its input first; one that it reads twice stands twice.
std::vector<int> TensorsRead(const Layer& l);

// Length of a convolution's or pool's output along one axis; 0 where the kernel does not fit into
// the padded input.
int ConvOutputLength(int input, int kernel, int stride, int dilation, int pad_before,
                     int pad_after);

// Weights and biases in source precision, generated where the layer is synthetic.
std::vector<float> LayerWeights(const Network& net, const Layer& l);
std::vector<float> LayerBias(const Network& net, const Layer& l);
// What runs under a datapath take for the bias: RNE32(bias + correction).
std::vector<float> CorrectedBias(const Network& net, const Layer& l);
// The values of a constant tensor.
std::vector<float> ConstantValues(const Tensor& tensor);

// The values of a layer's codes, as its `weights` must be. Throws std::invalid_argument that names
// the first fault of the codes (numerics::ImportNvfp4).
std::vector<float> QuantizedWeightValues(const Network& net, const Layer& l);

// Bounds of a valid network.
inline constexpr int kMaxSide = 65535, kMaxChannels = 65535;  // elements
inline constexpr int kMaxKernel = 32, kMaxStride = 32, kMaxDilation = 15, kMaxPad = 255;
inline constexpr int64_t kMaxElements = int64_t{1}
                                        << 28;    // of one tensor, or of one layer's weights
inline constexpr int kMaxQuantizedBlock = 65536;  // elements
inline constexpr size_t kMaxLayers = 65535, kMaxNameBytes = 255;
inline constexpr size_t kMaxSteps = 64, kMaxStepBytes = 65535;  // of posttraining

// Throws trace::FileError (sw/trace/file.h) naming the layer and field for any inconsistent index,
// shape or value: what every reader and every producer of a Network runs before it hands one out.
// Beyond the bounds above: each tensor but the input and constants is written by exactly one layer,
// before it is read; the output, which is stored in FP32, is not read; every window of a pool holds
// a place inside the image. Without `with_weights` weights and constants that are not synthetic are
// not looked at.
void Validate(const Network& net, bool with_weights = true);

}  // namespace nibble::trace
