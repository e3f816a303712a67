// Import of transformers: attention however exporters write it, each against ONNX's own meaning.
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>

#include "sw/trace/file.h"
#include "tests/compiler/import_and_compare.h"

namespace nibble::compiler {
namespace {

using Catch::Matchers::Contains;
using test::ImportAndCompare;
using test::OnnxModel;
using trace::Op;

constexpr int64_t kHeads = 2, kHead = 3, kWidth = kHeads * kHead, kTokens = 6;

int Count(const trace::Network& net, Op op) {
  return static_cast<int>(std::count_if(net.layers.begin(), net.layers.end(),
                                        [op](const trace::Layer& l) { return l.op == op; }));
}

// Small models with value names of their own: each member appends nodes and returns their result.
class TransformerModel {
 public:
  explicit TransformerModel(int64_t opset = 17, int64_t batch = 1)
      : model({batch, 3, 4, 6}, opset), opset_(opset) {}

  std::string Node(const std::string& op, std::vector<std::string> inputs,
                   OnnxModel::Attributes attributes = {}) {
    const std::string output = Name();
    model.Node(op, inputs, output, attributes);
    return output;
  }
  std::string Floats(const std::vector<int64_t>& dims, const std::vector<float>& values = {}) {
    const std::string name = Name();
    model.Floats(name, dims, values);
    return name;
  }
  std::string Ints(const std::vector<int64_t>& values) {
    const std::string name = Name();
    model.Ints(name, values);
    return name;
  }
  std::string Number(float value) {
    const std::string name = Name();
    model.ConstantNode(name, value);
    return name;
  }
  std::string Reshape(const std::string& x, const std::vector<int64_t>& dims) {
    return Node("Reshape", {x, Ints(dims)});
  }
  std::string Transpose(const std::string& x, const std::vector<int64_t>& order) {
    const std::string output = Name();
    onnx::NodeProto& node = model.Node("Transpose", {x}, output);
    onnx::AttributeProto& a = *node.add_attribute();
    a.set_name("perm");
    a.set_type(onnx::AttributeProto::INTS);
    for (const int64_t axis : order) a.add_ints(axis);
    return output;
  }
  std::string Slice(const std::string& x, int64_t axis, int64_t first, int64_t last) {
    return Node("Slice", {x, Ints({first}), Ints({last}), Ints({axis})});
  }
  // Index `i` along an axis, which goes.
  std::string Pick(const std::string& x, int64_t axis, int64_t i) {
    const std::string index = Name();
    model.Int(index, i);
    return Node("Gather", {x, index}, {{"axis", {axis}}});
  }
  // A matrix and a bias; the bias on the left, as PyTorch writes it.
  std::string Linear(const std::string& x, int64_t in, int64_t out) {
    const std::string y = Node("MatMul", {x, Floats({in, out})});
    return Node("Add", {Floats({out}), y});
  }
  std::string Norm(const std::string& x, int64_t channels, bool affine = true) {
    const std::string gamma = Floats({channels}), beta = Floats({channels});
    if (opset_ >= 17 && affine) {
      const std::string y = Name();
      onnx::NodeProto& node = model.Node("LayerNormalization", {x, gamma, beta}, y);
      model.FloatAttribute(node, "epsilon", 1e-3f);
      return y;
    }
    const auto mean = [&](const std::string& of) {
      return Node("ReduceMean", {of}, {{"axes*", {-1}}});
    };
    const std::string d = Node("Sub", {x, mean(x)});
    const std::string square = affine ? Node("Pow", {d, Number(2)}) : Node("Mul", {d, d});
    const std::string spread = Node("Sqrt", {Node("Add", {mean(square), Number(1e-3f)})});
    const std::string y = Node("Div", {d, spread});
    return affine ? Node("Add", {Node("Mul", {y, gamma}), beta}) : y;
  }
  std::string Softmax(const std::string& x) { return Node("Softmax", {x}, {{"axis", {-1}}}); }
  // [1][kTokens][kWidth] of the image, and a class token in front if asked for.
  std::string Tokens(bool with_class) {
    const std::string map = Node("Conv", {"x", Floats({kWidth, 3, 2, 2})}, {{"strides", {2, 2}}});
    std::string x = Transpose(Reshape(map, {1, kWidth, -1}), {0, 2, 1});
    if (with_class) x = Node("Concat", {Floats({1, 1, kWidth}), x}, {{"axis", {1}}});
    return Node("Add", {x, Floats({1, kTokens + (with_class ? 1 : 0), kWidth})});
  }
  // Everything to one token, and three classes.
  trace::Network Check(const std::string& tokens, bool with_class) {
    const std::string x = with_class
                              ? Pick(tokens, 1, 0)
                              : Node("ReduceMean", {tokens}, {{"axes*", {1}}, {"keepdims", {0}}});
    model.Node("Gemm", {x, Floats({kWidth, 3}), Floats({3})}, "y");
    model.Output("y", 2);
    return ImportAndCompare(model);
  }

  OnnxModel model;

 private:
  std::string Name() { return "v" + std::to_string(names_++); }

  const int64_t opset_;
  int names_ = 0;
};

// [1][tokens][kWidth] -> the same, in four ways.
enum class Style { kTorchvision, kUnbind, kThreeLayers, kSplit };

std::string Attention(TransformerModel& m, const std::string& x, int64_t tokens, Style style) {
  const float root = std::sqrt(static_cast<float>(kHead));
  std::string q, k, v;  // [1][heads][tokens][head]; of torchvision without the first axis
  if (style == Style::kTorchvision) {  // tokens first: [tokens][1][kWidth]
    const std::string qkv = m.Linear(m.Transpose(x, {1, 0, 2}), kWidth, 3 * kWidth);
    const auto part = [&](int64_t i) {
      const std::string s = m.Slice(qkv, 2, i * kWidth, (i + 1) * kWidth);
      return m.Transpose(m.Reshape(s, {tokens, kHeads, kHead}), {1, 0, 2});
    };
    q = m.Node("Div", {part(0), m.Number(root)});
    k = m.Transpose(part(1), {0, 2, 1});
    v = part(2);
  } else if (style == Style::kUnbind) {
    const std::string qkv = m.Transpose(
        m.Reshape(m.Linear(x, kWidth, 3 * kWidth), {1, tokens, 3, kHeads, kHead}), {2, 0, 3, 1, 4});
    q = m.Pick(qkv, 0, 0);
    k = m.Transpose(m.Pick(qkv, 0, 1), {0, 1, 3, 2});
    v = m.Pick(qkv, 0, -1);
  } else {
    const auto heads = [&](const std::string& y, const std::vector<int64_t>& order) {
      return m.Transpose(m.Reshape(y, {1, tokens, kHeads, kHead}), order);
    };
    std::vector<std::string> parts;
    if (style == Style::kSplit) {
      parts = {"part0", "part1", "part2"};
      onnx::NodeProto& split =
          m.model.Node("Split", {m.Linear(x, kWidth, 3 * kWidth)}, parts[0], {{"axis", {-1}}});
      split.add_output(parts[1]);
      split.add_output(parts[2]);
    } else {
      for (int i = 0; i < 3; ++i) parts.push_back(m.Linear(x, kWidth, kWidth));
    }
    q = heads(parts[0], {0, 2, 1, 3});
    k = heads(parts[1], {0, 2, 3, 1});  // transposed at once
    v = heads(parts[2], {0, 2, 1, 3});
  }
  std::string scores = m.Node("MatMul", {q, k});
  if (style != Style::kTorchvision) scores = m.Node("Mul", {scores, m.Number(1 / root)});
  const std::string mixed = m.Node("MatMul", {m.Softmax(scores), v});
  if (style == Style::kTorchvision) {
    const std::string rows = m.Reshape(m.Transpose(mixed, {1, 0, 2}), {tokens, kWidth});
    const std::string y =
        m.Node("Gemm", {rows, m.Floats({kWidth, kWidth}), m.Floats({kWidth})}, {{"transB", {1}}});
    return m.Transpose(m.Reshape(y, {tokens, 1, kWidth}), {1, 0, 2});
  }
  return m.Linear(m.Reshape(m.Transpose(mixed, {0, 2, 1, 3}), {1, tokens, kWidth}), kWidth, kWidth);
}

TEST_CASE("encoder blocks, by class token or mean, fused or taken apart") {
  for (const Style style :
       {Style::kTorchvision, Style::kUnbind, Style::kThreeLayers, Style::kSplit}) {
    for (const int64_t opset : {13, 17}) {
      for (const bool with_class : {false, true}) {
        CAPTURE(static_cast<int>(style), opset, with_class);
        TransformerModel m(opset);
        const std::string x = m.Tokens(with_class);
        const int64_t tokens = kTokens + (with_class ? 1 : 0);
        const std::string y = m.Node("Add", {Attention(m, m.Norm(x, kWidth), tokens, style), x});
        const std::string hidden = m.Linear(m.Norm(y, kWidth), kWidth, 2 * kWidth);
        const std::string erf = m.Node("Erf", {m.Node("Div", {hidden, m.Number(std::sqrt(2.0f))})});
        const std::string gate = m.Node("Add", {erf, m.Number(1)});
        const std::string gelu = m.Node("Mul", {m.Node("Mul", {hidden, gate}), m.Number(0.5f)});
        const std::string z = m.Node("Add", {y, m.Linear(gelu, 2 * kWidth, kWidth)});
        const trace::Network net = m.Check(m.Norm(z, kWidth), with_class);
        // Nothing is left of the parts, nothing is computed twice, and sums of two are fused.
        CHECK(Count(net, Op::kMatMul) == 2 * kHeads);
        CHECK(Count(net, Op::kSoftmax) == kHeads);
        CHECK(Count(net, Op::kLayerNorm) == 3);
        CHECK(Count(net, Op::kTranspose) == kHeads);
        CHECK(Count(net, Op::kSlice) == 3 * kHeads);
        CHECK(Count(net, Op::kConcat) == 1);
        CHECK(Count(net, Op::kStack) == (with_class ? 1 : 0));
        CHECK(Count(net, Op::kPick) == (with_class ? 1 : 0));
        CHECK(Count(net, Op::kDepthwiseConv) + Count(net, Op::kActivate) == 0);
        CHECK(Count(net, Op::kAdd) == (with_class ? 1 : 0));  // else into the patches' layer
        for (const trace::Layer& l : net.layers) {
          if (l.op == Op::kLayerNorm) CHECK(l.epsilon == 1e-3f);
        }
      }
    }
  }
}

TEST_CASE("gelu with the half in any place") {
  for (int place = 0; place < 3; ++place) {
    CAPTURE(place);
    TransformerModel m;
    std::string x = m.Linear(m.Tokens(false), kWidth, kWidth);
    const std::string erf = m.Node("Erf", {m.Node("Mul", {x, m.Number(std::sqrt(0.5f))})});
    std::string gate = m.Node("Add", {erf, m.Number(1)});
    if (place == 1) x = m.Node("Mul", {x, m.Number(0.5f)});
    if (place == 2) gate = m.Node("Mul", {gate, m.Number(0.5f)});
    std::string y = m.Node("Mul", {gate, x});
    if (place == 0) y = m.Node("Mul", {m.Number(0.5f), y});
    const trace::Network net = m.Check(y, false);
    REQUIRE(net.layers[1].activation.kind == trace::Activation::Kind::kGelu);
  }
}

TEST_CASE("normalizations of heads, without parameters, and scales of channels") {
  TransformerModel m(13);
  const std::string x = m.Tokens(false);
  const std::string heads = m.Transpose(m.Reshape(x, {1, kTokens, kHeads, kHead}), {0, 2, 1, 3});
  const std::string normal = m.Norm(heads, kHead);  // gamma and beta serve every head
  const std::string y = m.Reshape(m.Transpose(normal, {0, 2, 1, 3}), {1, kTokens, kWidth});
  const std::string plain = m.Norm(m.Node("Mul", {m.Floats({kWidth}), y}), kWidth, false);
  const std::string flat = m.Node("Add", {m.Node("Relu", {plain}), y});
  const trace::Network net = m.Check(flat, false);
  REQUIRE(Count(net, Op::kLayerNorm) == kHeads + 1);
  REQUIRE(Count(net, Op::kDepthwiseConv) == 1);
}

TEST_CASE("a matrix by its own transpose, and a factor on either operand") {
  TransformerModel m;
  const std::string x = m.Tokens(false);
  const std::string a = m.Node("Mul", {x, m.Number(0.5f)});
  const std::string b = m.Node("Mul", {m.Transpose(x, {0, 2, 1}), m.Number(0.25f)});
  const std::string gram = m.Node("MatMul", {b, a});  // [kWidth][kWidth]
  const std::string y = m.Node("MatMul", {x, m.Softmax(gram)});
  const trace::Network net = m.Check(y, false);
  REQUIRE(Count(net, Op::kMatMul) == 2);
  for (const trace::Layer& l : net.layers) {
    if (l.op == Op::kMatMul) REQUIRE((l.scale == 0.125f || l.scale == 1));
  }
}

// A class token expanded to the batch, as PyTorch exports it without folding.
TEST_CASE("a class token expanded by arithmetic on shapes") {
  TransformerModel m(13, -1);
  const std::string map = m.Node("Conv", {"x", m.Floats({kWidth, 3, 2, 2})}, {{"strides", {2, 2}}});
  const std::string x = m.Transpose(m.Reshape(map, {1, kWidth, -1}), {0, 2, 1});
  const std::string batch = m.Node("Unsqueeze", {m.Pick(m.Node("Shape", {x}), 0, 0), m.Ints({0})});
  const std::string dims = m.Node("Concat", {batch, m.Ints({-1}), m.Ints({-1})}, {{"axis", {0}}});
  const std::string ones = m.Node("ConstantOfShape", {m.Node("Shape", {dims})});
  onnx::AttributeProto& a =
      *m.model.model.mutable_graph()->mutable_node()->rbegin()->add_attribute();
  a.set_name("value");
  a.set_type(onnx::AttributeProto::TENSOR);
  a.mutable_t()->set_data_type(onnx::TensorProto::INT64);
  a.mutable_t()->add_dims(1);
  a.mutable_t()->add_int64_data(1);
  const std::string minus = m.Node("Mul", {ones, m.Ints({-1})});
  const std::string target = m.Node("Where", {m.Node("Equal", {dims, minus}), ones, dims});
  const std::string token = m.Node("Expand", {m.Floats({1, 1, kWidth}), target});
  const trace::Network net =
      m.Check(m.Node("Concat", {x, token}, {{"axis", {1}}}), true);  // behind the others
  REQUIRE(Count(net, Op::kStack) == 1);
}

TEST_CASE("attributes that became inputs with opset 13") {
  TransformerModel m(11);
  const std::string x = m.Tokens(false);
  const std::string s = m.Node("Squeeze", {x}, {{"axes*", {0}}});
  const std::string u = m.Node("Unsqueeze", {s}, {{"axes", {0, 2}}});
  const std::string y = m.Node("Squeeze", {u}, {{"axes*", {2}}});
  onnx::NodeProto& split =
      m.model.Node("Split", {y}, "p", {{"axis", {2}}, {"split", {2, kWidth - 2}}});
  split.add_output("q");
  const std::string soft = m.Node("Softmax", {"q"}, {{"axis", {2}}});
  const trace::Network net = m.Check(m.Node("Concat", {soft, "p"}, {{"axis", {-1}}}), false);
  REQUIRE(Count(net, Op::kSoftmax) == 1);
}

TEST_CASE("damaged transformers never crash") {
  const test::TemporaryDirectory directory;
  TransformerModel m(13);
  const std::string x = m.Tokens(true);
  const std::string y = Attention(m, m.Norm(x, kWidth), kTokens + 1, Style::kUnbind);
  m.Check(m.Node("Add", {Attention(m, y, kTokens + 1, Style::kTorchvision), x}), true);
  m.model.Save(directory / "model.onnx");
  const std::vector<uint8_t> file = test::ReadFile(directory / "model.onnx");
  std::mt19937 random(2);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    std::vector<uint8_t> damaged = file;
    damaged[random() % file.size()] = static_cast<uint8_t>(random() % 16);
    if (i % 3 == 0) damaged[random() % file.size()] ^= 1;
    test::WriteFile(directory / "damaged.onnx", damaged);
    try {
      ImportOnnx(directory / "damaged.onnx");
    } catch (const trace::FileError&) {
      ++refused;
    }
  }
  REQUIRE(refused > 400);
}

std::string MessageFor(const std::function<std::string(TransformerModel&, std::string)>& rest) {
  TransformerModel m;
  const std::string tokens = m.Tokens(false);
  const std::string y = rest(m, tokens);
  try {
    m.Check(y, false);
    return "";
  } catch (const trace::FileError& e) {
    return e.what();
  }
}

TEST_CASE("what attention does not take is refused by name") {
  using M = TransformerModel;
  CHECK_THAT(MessageFor([](M& m, const std::string& x) { return m.Node("Erf", {x}); }),
             Contains("Erf \"") && Contains("must be part of a gelu"));
  CHECK_THAT(MessageFor([](M& m, const std::string& x) { return m.Node("Sqrt", {x}); }),
             Contains("Sqrt \"") && Contains("part of"));
  CHECK_THAT(MessageFor([](M& m, const std::string& x) {
               return m.Node("Pow", {x, m.Number(3)});
             }),
             Contains("the exponent must be 2"));
  CHECK_THAT(MessageFor([](M& m, const std::string& x) {
               return m.Node("Sub", {x, m.Node("ReduceMean", {x}, {{"axes*", {-1}}})});
             }),
             Contains("part of a gelu"));
  CHECK_THAT(MessageFor([](M& m, const std::string& x) {
               return m.Node("Softmax", {x}, {{"axis", {1}}});
             }),
             Contains("axis is 1 of [1, 6, 6], must be the last"));
  CHECK_THAT(MessageFor([](M& m, const std::string& x) {
               return m.Softmax(m.Transpose(x, {0, 2, 1}));
             }),
             Contains("Softmax") && Contains("in an order in which no tensor lies"));
  CHECK_THAT(MessageFor([](M& m, const std::string& x) {
               return m.Linear(m.Transpose(x, {0, 2, 1}), kTokens, kTokens);
             }),
             Contains("MatMul") && Contains("in an order in which no tensor lies"));
  CHECK_THAT(
      MessageFor([](M& m, const std::string& x) {  // the head is the innermost axis
        const std::string h = m.Transpose(m.Reshape(x, {1, kTokens, kHead, kHeads}), {0, 3, 1, 2});
        return m.Pick(m.Node("MatMul", {h, m.Transpose(h, {0, 1, 3, 2})}), 1, 0);
      }),
      Contains("MatMul") && Contains("in an order in which no tensor lies"));
  CHECK_THAT(MessageFor([](M& m, const std::string& x) {
               return m.Node("Gather", {x, m.Ints({0, 2})}, {{"axis", {1}}});
             }),
             Contains("Gather") && Contains("indices must be one integer"));
  CHECK_THAT(MessageFor([](M& m, const std::string& x) { return m.Pick(x, 1, 9); }),
             Contains("index 9 is not in 6"));
  CHECK_THAT(MessageFor([](M& m, const std::string& x) {
               return m.Node("Concat", {x, m.Floats({1, kTokens, 2})}, {{"axis", {2}}});
             }),
             Contains("Concat") && Contains("axis is 2"));
  CHECK_THAT(MessageFor([](M& m, const std::string& x) {
               return m.Node("MatMul", {m.Floats({1, kTokens, kTokens}), x});
             }),
             Contains("MatMul") && Contains("must be a"));
  CHECK_THAT(MessageFor([](M& m, const std::string& x) {
               return m.Node("Add", {x, m.Node("Relu", {m.Floats({1, kTokens, kWidth})})});
             }),
             Contains("Relu") && Contains("all of its inputs are constants"));
  CHECK_THAT(MessageFor([](M& m, const std::string& x) {
               return m.Transpose(x, {0, 2, -1});
             }),
             Contains("Transpose") && Contains("perm is no permutation"));
  CHECK_THAT(MessageFor([](M& m, const std::string& x) {
               const std::string product =
                   m.Node("MatMul", {m.Floats({1, kTokens, kWidth}), m.Floats({kWidth, kWidth})});
               return m.Node("Add", {x, product});
             }),
             Contains("MatMul") && Contains("is a constant"));
  CHECK_THAT(MessageFor([](M& m, const std::string& x) {
               const std::string twice = m.Node("Concat", {x, x}, {{"axis", {0}}});
               return m.Slice(twice, 0, 0, 1);
             }),
             Contains("Concat") && Contains("axis is 0"));
}

}  // namespace
}  // namespace nibble::compiler
