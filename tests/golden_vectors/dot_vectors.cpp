// Dot products under each accumulator.
#include <algorithm>
#include <map>
#include <string>

#include "models/numerics/accumulate.h"
#include "models/numerics/bits.h"
#include "models/numerics/dot.h"
#include "models/numerics/packing.h"
#include "models/numerics/quantize.h"
#include "models/numerics/wide_panel.h"
#include "tests/golden_vectors/vector_file.h"

namespace nibble::golden_vectors {
namespace {

using numerics::Format;

// One reduction: NVFP4 activations by weights in `weights` format.
struct DotProduct {
  int count, block;
  Format weights;
  std::vector<uint8_t> a_packed, a_scales, w_bytes, w_scales;
  std::vector<uint16_t> a;  // E2M1 codes
  std::vector<uint16_t> w;  // codes of the weights
};

void Require(bool fits, const char* what) {
  if (!fits) throw std::invalid_argument(std::string(what) + " does not fit K and B");
}

std::vector<uint16_t> Unpack(const std::vector<uint8_t>& packed, int count) {
  std::vector<uint16_t> codes(static_cast<size_t>(count));
  numerics::UnpackCodes(4, packed.data(), count, codes.data());
  return codes;
}

DotProduct Activations(const Record& record) {
  DotProduct dot;
  dot.count = record.Int("K");
  dot.block = record.Int("B");
  dot.a_packed = record.Bytes("a_packed");
  dot.a_scales = record.Bytes("a_scales");
  Require(dot.count > 0 && dot.block > 0 && dot.block % 2 == 0, "the shape");
  const int blocks = numerics::BlockCount(dot.count, dot.block);
  // A partial last block may be padded with codes 0.
  if (dot.a_packed.size() * 2 == static_cast<size_t>(blocks) * static_cast<size_t>(dot.block)) {
    dot.count = blocks * dot.block;
  }
  Require(dot.a_packed.size() == (static_cast<size_t>(dot.count) + 1) / 2, "a_packed");
  Require(dot.a_scales.size() == static_cast<size_t>(blocks), "a_scales");
  dot.a = Unpack(dot.a_packed, dot.count);
  return dot;
}

// Elements of the block that starts at `begin`.
int BlockLength(const DotProduct& dot, size_t begin) {
  return std::min(dot.block, dot.count - static_cast<int>(begin));
}

int64_t WeightScale(const DotProduct& dot, size_t block) {
  return dot.w_scales.empty() ? numerics::kNoScale : int64_t{dot.w_scales[block]};
}

// Accumulator D0 by its definition, block by block.
float D0ByDefinition(const DotProduct& dot) {
  float acc = 0.0f;
  for (size_t begin = 0, b = 0; begin < dot.a.size();
       begin += static_cast<size_t>(dot.block), ++b) {
    acc += numerics::BlockTerm(&dot.a[begin], dot.a_scales[b], &dot.w[begin], WeightScale(dot, b),
                               dot.weights, BlockLength(dot, begin));
  }
  return acc;
}

// The same as the simulated machines compute it: one panel, here with all columns alike.
constexpr int kColumns = 19;  // a whole tile and a partial one

std::vector<float> D0OfWeightPanel(const DotProduct& dot) {
  numerics::WeightPanel panel(dot.weights, dot.block, kColumns, 1, dot.count);
  for (int n = 0; n < kColumns; ++n) {
    panel.SetPackedRow(n, 0, dot.w_bytes.data(), dot.w_scales.data());
  }
  std::vector<uint8_t> elements(dot.a.size());
  std::vector<float> scales(dot.a_scales.size());
  numerics::DecodePackedActivations(dot.a_packed.data(), dot.a_scales.data(), dot.count, dot.block,
                                    Format::kNvfp4, elements.data(), scales.data());
  std::vector<float> acc(2 * numerics::WeightPanel::kTile, 0.0f);
  panel.Accumulate(0, {elements.data(), 0, scales.data(), 0, 1},
                   numerics::WeightPanel::Start::kAccumulate, acc.data(),
                   numerics::WeightPanel::kTile);
  acc.resize(kColumns);
  return acc;
}

std::vector<float> D0OfWidePanel(const DotProduct& dot) {
  const numerics::WideOperands operands{Format::kNvfp4, dot.weights, dot.block, dot.block, false};
  numerics::WidePanel panel(operands, kColumns, 1, dot.count);
  for (int n = 0; n < kColumns; ++n) {
    panel.SetPackedRow(n, 0, dot.w_bytes.data(), dot.w_scales.data());
  }
  std::vector<double> elements(dot.a.size()), scales(dot.a_scales.size());
  numerics::DecodeWide(operands, dot.a_packed.data(), dot.a_scales.data(), dot.count,
                       elements.data(), scales.data());
  std::vector<float> acc(2 * numerics::WeightPanel::kTile, 0.0f);
  panel.Accumulate(0, {elements.data(), 0, scales.data(), 0, 1}, acc.data(),
                   numerics::WeightPanel::kTile);
  acc.resize(kColumns);
  return acc;
}

// Compares all computations of D0; returns the accumulator.
float ExpectD0(Record& record, const std::string& field, uint32_t expected, const DotProduct& dot) {
  const float acc = D0ByDefinition(dot);
  record.Expect(field, expected, numerics::FloatBits(acc), 8);
  if (numerics::TakesWeightPanel(Format::kNvfp4, dot.weights)) {
    for (float column : D0OfWeightPanel(dot)) {
      record.Expect(field + " (panel)", expected, numerics::FloatBits(column), 8);
    }
  }
  for (float column : D0OfWidePanel(dot)) {
    record.Expect(field + " (wide panel)", expected, numerics::FloatBits(column), 8);
  }
  return acc;
}

uint32_t Accumulate(const numerics::AccumulatorSpec& spec, const DotProduct& dot) {
  numerics::Accumulator accumulator(spec, dot.block);
  for (size_t begin = 0, b = 0; begin < dot.a.size();
       begin += static_cast<size_t>(dot.block), ++b) {
    accumulator.AddBlock({Format::kNvfp4, &dot.a[begin], dot.a_scales[b], dot.weights,
                          &dot.w[begin], WeightScale(dot, b), BlockLength(dot, begin)});
  }
  return numerics::FloatBits(accumulator.Result());
}

// Accumulators by the name of their field in "acc".
const std::map<std::string, numerics::AccumulatorSpec>& Accumulators() {
  static const auto accumulators = [] {
    using numerics::Accumulation;
    std::map<std::string, numerics::AccumulatorSpec> specs;
    specs["d0_block_fp32_rne"].kind = Accumulation::kFp32;
    specs["d1_kulisch_rne"].kind = Accumulation::kExact;
    specs["d2_block_fp32_rz"].kind = Accumulation::kFp32Rz;
    for (const int bits : {35, 25}) {
      auto& fused = specs["d3_fused_K64_F" + std::to_string(bits) + "_rz"];
      fused.kind = Accumulation::kFused;
      fused.fused_bits = bits;
    }
    specs["d4_lane_fp32_tree"].kind = Accumulation::kLanes;
    specs["d5_fp16_acc"].kind = Accumulation::kFp16;
    specs["d6_bf16_acc"].kind = Accumulation::kBf16;
    specs["d7_fixed32_lsb0_sat_rz"].kind = Accumulation::kFixed;
    auto& wide = specs["d7_fixed48_lsbm10_wrap_floor"];
    wide.kind = Accumulation::kFixed;
    wide.fixed_bits = 48;
    wide.fixed_lsb = -10;
    wide.fixed_rounding = numerics::AddRounding::kDown;
    wide.fixed_saturate = false;
    return specs;
  }();
  return accumulators;
}

void CheckAccumulator(Record& record, const std::string& name, uint32_t expected,
                      const DotProduct& dot) {
  const auto found = Accumulators().find(name);
  if (found == Accumulators().end()) return record.NotChecked(name);
  record.Expect("acc." + name, expected, Accumulate(found->second, dot), 8);
}

}  // namespace

void CheckDot(Record& record) {
  DotProduct dot = Activations(record);
  dot.weights = Format::kNvfp4;
  dot.w_bytes = record.Bytes("b_packed");
  dot.w_scales = record.Bytes("b_scales");
  Require(dot.w_bytes.size() == dot.a_packed.size(), "b_packed");
  Require(dot.w_scales.size() == dot.a_scales.size(), "b_scales");
  dot.w = Unpack(dot.w_bytes, dot.count);

  for (const auto& [name, word] : record.json().at("acc").items()) {
    const uint32_t expected = ParseHex(word.get<std::string>(), 8).at(0);
    CheckAccumulator(record, name, expected, dot);
    if (name != "d0_block_fp32_rne") continue;
    const float acc = ExpectD0(record, "acc." + name, expected, dot);
    record.ExpectWords("y_d0", {numerics::ApplyTensorScales(acc, record.Float("s_dec_a"),
                                                            record.Float("s_dec_b"))});
  }
}

void CheckDotMixedWeights(Record& record) {
  const std::string name = record.Text("wfmt");
  const bool fp8 = name == "e4m3";
  if (!fp8 && name != "fp16") return record.NotChecked(name);
  DotProduct dot = Activations(record);
  dot.weights = fp8 ? Format::kFp8 : Format::kFp16;
  for (uint32_t code : record.Hex("w_codes", fp8 ? 2 : 4)) {
    dot.w.push_back(static_cast<uint16_t>(code));
    dot.w_bytes.push_back(static_cast<uint8_t>(code));
    if (!fp8) dot.w_bytes.push_back(static_cast<uint8_t>(code >> 8));
  }
  Require(dot.w.size() == dot.a.size(), "w_codes");
  const float acc = ExpectD0(record, "acc_term_rne", record.Hex("acc_term_rne", 8).at(0), dot);
  record.ExpectWords(
      "y", {numerics::ApplyTensorScales(acc, record.Float("s_dec_a"), record.Float("s_w"))});
  if (record.Has("acc_fused")) {
    numerics::AccumulatorSpec once;  // one rounding for term and sum together
    once.round_term = false;
    record.Expect("acc_fused", record.Hex("acc_fused", 8).at(0), Accumulate(once, dot), 8);
  }
}

}  // namespace nibble::golden_vectors
