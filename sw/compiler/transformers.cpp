// Vision transformers with synthetic weights.
#include <fmt/format.h>

#include <cmath>

#include "sw/compiler/built_in.h"
#include "sw/compiler/synthetic_network.h"

namespace nibble::compiler {
namespace {

constexpr int kClasses = 1000;
constexpr float kEpsilon = 1e-6f;

struct Encoder {
  int heads, width, hidden;  // channels of the tokens, and between the two layers behind
};

// softmax(q k^T / sqrt(channels of a head)) v of each head, the heads side by side.
Signal Attention(SyntheticNetwork& net, const std::string& name, const Signal& in,
                 const Encoder& e) {
  // Of power 2, so that logits have a deviation of 2: attention falls on some of the tokens.
  constexpr double kPower = 2;
  const int head = e.width / e.heads;
  const Signal qkv = net.Linear(name + "qkv", in, 3 * e.width, kPower);
  std::vector<Signal> outputs;
  for (int h = 0; h < e.heads; ++h) {
    const std::string prefix = fmt::format("{}head{}.", name, h);
    const Signal q = net.Slice(prefix + "q", qkv, h * head, head);
    const Signal k = net.Slice(prefix + "k", qkv, e.width + h * head, head);
    const Signal v = net.Slice(prefix + "v", qkv, 2 * e.width + h * head, head);
    const Signal columns = net.Transpose(prefix + "v_transposed", v);
    const Signal scores =
        net.MatMul(prefix + "scores", q, k, 1 / std::sqrt(static_cast<float>(head)));
    outputs.push_back(net.MatMul(prefix + "mix", net.Softmax(prefix + "softmax", scores), columns));
  }
  return net.Concat(name + "heads", outputs);
}

// Normalises before each half, as GPT-2 and ViT do.
Signal EncoderBlock(SyntheticNetwork& net, const std::string& name, const Signal& in,
                    const Encoder& e) {
  Signal x = net.LayerNorm(name + "norm1", in, kEpsilon);
  x = net.Conv(name + "project", Attention(net, name, x, e), {}, e.width, kLinear, &in);
  Signal y = net.LayerNorm(name + "norm2", x, kEpsilon);
  y = net.Conv(name + "expand", y, {}, e.hidden, kGelu);
  return net.Conv(name + "reduce", y, {}, e.width, kLinear, &x);
}

}  // namespace

// Dosovitskiy et al., ICLR 2021, with the sizes of DeiT-Ti (Touvron et al., ICML 2021, table 1).
trace::Network ViTTiny(int resolution) {
  constexpr int kPatch = 16, kLayers = 12;
  constexpr Encoder kEncoder{3, 192, 768};
  SyntheticNetwork net("vit_tiny", resolution, 91);
  Signal x = net.Conv("patches", net.input(), {kPatch, kPatch, 0}, kEncoder.width, kLinear);
  x = net.Stack("tokens", {net.Constant("class_token", {1, 1, kEncoder.width}), x});
  x = net.AddTo("embedding", x, net.Constant("position", net.ShapeOf(x)));
  for (int i = 0; i < kLayers; ++i) {
    x = EncoderBlock(net, fmt::format("block{}.", i), x, kEncoder);
  }
  x = net.LayerNorm("norm", x, kEpsilon);
  net.Classifier("classifier", net.Pick("class", x, 0, 1), kClasses);
  return std::move(net).Finish();
}

}  // namespace nibble::compiler
