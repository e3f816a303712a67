// Builds a network with synthetic weights that hold the signal at a power (mean square) that 4-bit
// formats and clipped activations see in trained networks: every pre-activation has variance 4, so
// that ReLU6 clips beyond 3 standard deviations, or 16 before hardswish and SiLU, which would damp
// a small signal from layer to layer; every linear output has power 1, and residual sums add up.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sw/compiler/network_builder.h"
#include "sw/trace/network.h"

namespace nibble::compiler {

// A tensor under construction, and what is expected of it.
struct Signal {
  int tensor = 0;
  double power = 0;       // mean square, estimated
  double mean_power = 0;  // square of the mean: the power that averaging over all pixels leaves
};

inline constexpr trace::Activation kLinear = {};
inline constexpr trace::Activation kRelu = {trace::Activation::Kind::kRelu, 0, 0};
inline constexpr trace::Activation kRelu6 = {trace::Activation::Kind::kClip, 0, 6};
inline constexpr trace::Activation kHardSwish = {trace::Activation::Kind::kHardSwish, 0, 0};
inline constexpr trace::Activation kHardSigmoid = {trace::Activation::Kind::kHardSigmoid,
                                                   1.0f / 6.0f, 0.5f};
inline constexpr trace::Activation kSilu = {trace::Activation::Kind::kSilu, 0, 0};
inline constexpr trace::Activation kGelu = {trace::Activation::Kind::kGelu, 0, 0};
inline constexpr trace::Activation kSigmoid = {trace::Activation::Kind::kSigmoid, 0, 0};

// Weights are seeded layer by layer from `seed`, the version of the network, and scaled by what is
// estimated of their inputs.
class SyntheticNetwork {
 public:
  SyntheticNetwork(const std::string& name, int resolution, uint64_t seed);

  const Signal& input() const { return input_; }
  const trace::Shape& ShapeOf(const Signal& s) const { return builder_.ShapeOf(s.tensor); }
  int Channels(const Signal& s) const { return ShapeOf(s).channels; }

  struct Window {
    int kernel = 1, stride = 1;
    int pad = -1;           // on every side; -1: kernel / 2
    bool overhang = false;  // of a pool: the last window may hang over the end (ceil_mode)
  };
  // `residual` is added after the activation.
  Signal Conv(const std::string& name, const Signal& in, const Window& window, int channels,
              const trace::Activation& activation, const Signal* residual = nullptr);
  Signal Depthwise(const std::string& name, const Signal& in, const Window& window,
                   const trace::Activation& activation);
  Signal FullyConnected(const std::string& name, const Signal& in, int channels,
                        const trace::Activation& activation);
  // A fully connected layer without activation, whose outputs have the power of pre-activations.
  Signal Classifier(const std::string& name, const Signal& in, int classes);
  Signal GlobalPool(const std::string& name, const Signal& in);
  Signal MaxPool(const std::string& name, const Signal& in, const Window& window);
  // relu(a + b).
  Signal AddRelu(const std::string& name, const Signal& a, const Signal& b);
  Signal Concat(const std::string& name, const std::vector<Signal>& parts);
  Signal Slice(const std::string& name, const Signal& in, int first, int channels);
  Signal Shuffle(const std::string& name, const Signal& in, int groups);
  // x * gate(fc(relu(fc(pool(x))))): names "<name>pool", "<name>squeeze" and so on.
  Signal SqueezeExcite(const std::string& name, const Signal& x, int squeezed,
                       const trace::Activation& inner, const trace::Activation& gate);

  // Of transformers, whose tokens are pixels.
  // A constant of power 1/4, as trained position embeddings have.
  Signal Constant(const std::string& name, const trace::Shape& shape);
  // in + other, of the same shape.
  Signal AddTo(const std::string& name, const Signal& in, const Signal& other);
  // A pointwise convolution without activation, whose outputs have that power.
  Signal Linear(const std::string& name, const Signal& in, int channels, double power);
  Signal LayerNorm(const std::string& name, const Signal& in, float epsilon);
  Signal Softmax(const std::string& name, const Signal& in);
  Signal MatMul(const std::string& name, const Signal& a, const Signal& b, float scale = 1);
  Signal Transpose(const std::string& name, const Signal& in);
  Signal Stack(const std::string& name, const std::vector<Signal>& parts);
  Signal Pick(const std::string& name, const Signal& in, int first, int pixels);

  trace::Network Finish() &&;

 private:
  trace::Layer New(const std::string& name, trace::Op op, const Signal& in) const;
  void SetWindow(const Window& window, trace::Layer& l) const;
  void Generate(trace::Layer& l, int terms, const Signal& in, double power);
  Signal Add(trace::Layer l, int channels, const Signal* residual = nullptr);

  NetworkBuilder builder_;
  std::string producer_;
  Signal input_;
  uint64_t seed_ = 0, layers_ = 0;
};

// Scales the synthetic weights of each layer anew so that its outputs, before activation and
// residual, have the power above where the network runs on two generated inputs. For networks with
// smooth activations: what is estimated of those is too far off for a deep network.
void Normalise(trace::Network& net);

}  // namespace nibble::compiler
