#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "models/numerics/fidelity.h"
#include "models/numerics/packing.h"
#include "models/numerics/profiles.h"
#include "sw/cli/commands.h"
#include "sw/cli/errors.h"
#include "sw/cli/output.h"
#include "sw/npy/npy.h"
#include "sw/trace/file.h"

namespace nibble::cli {

namespace {

using numerics::BlockTensor;
using numerics::FormatSpec;
using numerics::OuterScale;
using numerics::Profile;

struct QuantizeArguments {
  std::string input, format = "nvfp4", profile = "nv", rounding = "nearest";
  int block = 16;
  int64_t seed = 0;
  float amax = 0;
  std::string codes, scales, s_dec, values, json;  // files
  // Which of the options above were typed.
  bool has_block = false, has_profile = false, has_rounding = false, has_seed = false,
       has_amax = false;
};

// What the arguments name, checked against each other.
struct Choice {
  const FormatSpec* spec = nullptr;
  Profile profile = Profile::kNv;
  numerics::QuantizeOptions options;

  bool stores_outer() const {
    return spec->outer != OuterScale::kNone && numerics::HasTensorScale(profile);
  }
  bool has_blocks() const { return spec->block_scale != numerics::BlockScale::kNone; }
};

numerics::Rounding RoundingOf(const QuantizeArguments& args) {
  numerics::Rounding rounding;
  if (args.rounding == "zero") rounding.mode = numerics::RoundingMode::kTowardZero;
  if (args.rounding == "stochastic") rounding.mode = numerics::RoundingMode::kStochastic;
  rounding.seed = static_cast<uint64_t>(args.seed);
  return rounding;
}

Choice Check(const QuantizeArguments& args) {
  Choice choice;
  try {
    choice.spec = &numerics::SpecOf(numerics::ParseFormat(args.format));
    choice.profile = numerics::ParseProfile(args.profile);
  } catch (const std::invalid_argument& e) {
    throw UsageError(e.what());
  }
  const std::string format = fmt::format("format {}", args.format);
  const std::string profile = fmt::format("profile {}", args.profile);
  const auto refuse = [](bool wrong, const char* option, const std::string& why) {
    if (wrong) throw UsageError(fmt::format("{}: {}", option, why));
  };
  refuse(choice.spec->format == numerics::Format::kFp32, "--format", "fp32 is stored as it is");
  refuse(args.has_block && !choice.has_blocks(), "--block", format + " has no block scales");
  refuse(!args.scales.empty() && !choice.has_blocks(), "--scales", format + " has no block scales");
  refuse(args.has_profile && choice.spec->format != numerics::Format::kNvfp4, "--profile",
         "profiles are of nvfp4, not of " + format);
  refuse(args.has_rounding && choice.profile != Profile::kNv, "--rounding",
         profile + " defines its own");
  refuse(args.has_seed && args.rounding != "stochastic", "--seed",
         "only --rounding stochastic takes one");
  const std::string& without = choice.profile == Profile::kNv ? format : profile;
  refuse(args.has_amax && !(choice.stores_outer() && choice.spec->outer == OuterScale::kTensor),
         "--amax", without + " has no tensor scale");
  refuse(args.has_amax && !(args.amax > 0 && std::isfinite(args.amax)), "--amax",
         fmt::format("{} is not a positive number", args.amax));
  refuse(!args.s_dec.empty() && choice.spec->outer == OuterScale::kNone, "--s-dec",
         format + " has no tensor or channel scale");
  choice.options.block = args.block;
  choice.options.rounding = RoundingOf(args);
  if (args.has_amax) choice.options.amax = args.amax;
  return choice;
}

// The input as rows along its last axis.
struct Rows {
  npy::Type type;
  std::vector<int64_t> shape, leading;  // `leading`: without the last axis
  std::vector<float> x;
  int rows = 0, columns = 0;
};

Rows ReadRows(const std::string& path) {
  const npy::Array array = npy::Read(path);
  const auto fail = [&](const std::string& message) {
    throw trace::FileError(fmt::format("{}: {}", path, message));
  };
  if (array.type == npy::Type::kUint8) fail("elements are uint8, expected float32 or float16");
  if (array.elements() == 0) fail("holds no elements");
  const auto elements = static_cast<int64_t>(array.elements());
  Rows r{array.type, array.shape, array.shape, array.Values()};
  const int64_t columns = array.shape.empty() ? 1 : array.shape.back();
  if (!r.leading.empty()) r.leading.pop_back();
  constexpr int64_t kMost = std::numeric_limits<int>::max();
  if (columns > kMost || elements / columns > kMost) {
    fail(fmt::format("has more than {} rows or columns", kMost));
  }
  r.columns = static_cast<int>(columns);
  r.rows = static_cast<int>(elements / columns);
  return r;
}

std::vector<int64_t> WithAxis(std::vector<int64_t> shape, size_t length) {
  shape.push_back(static_cast<int64_t>(length));
  return shape;
}

std::string CodesFile(const Rows& in, const BlockTensor& tensor) {
  const int bits = numerics::ElementBits(tensor.format);
  const size_t row_bytes = numerics::PackedBytes(bits, tensor.columns);
  return npy::Serialize({npy::Type::kUint8, WithAxis(in.leading, row_bytes),
                         numerics::PackRows(tensor.codes, static_cast<size_t>(in.rows), bits)});
}

std::string ScalesFile(const Rows& in, const BlockTensor& tensor) {
  const int bits = numerics::BlockScaleBits(tensor.format);
  const npy::Type type = bits == 32   ? npy::Type::kFloat32
                         : bits == 16 ? npy::Type::kFloat16
                                      : npy::Type::kUint8;
  const size_t blocks = tensor.scales.size() / static_cast<size_t>(tensor.rows);
  return npy::Serialize({type, WithAxis(in.leading, blocks), numerics::PackScales(tensor)});
}

std::vector<float> OuterScales(const BlockTensor& tensor) {
  std::vector<float> s_dec;
  for (const numerics::TensorScale& scale : tensor.outer) s_dec.push_back(scale.decode);
  return s_dec;
}

std::string OuterFile(const Rows& in, const Choice& choice, const BlockTensor& tensor) {
  const bool channel = choice.spec->outer == OuterScale::kChannel;
  return npy::Serialize(
      npy::FromFloats(channel ? in.leading : std::vector<int64_t>{}, OuterScales(tensor)));
}

// Decibels to two decimals; nothing where no noise or no signal gives a number.
std::optional<double> Sqnr(const numerics::Fidelity& f) {
  const double db = std::round(1000.0 * std::log10(f.signal / f.noise)) / 100.0;
  return std::isfinite(db) ? std::optional<double>(db) : std::nullopt;
}

std::string Line(const char* label, const std::string& text) {
  return fmt::format("{:<12} {}\n", label, text);
}

std::string Share(uint64_t part, uint64_t whole) {
  return fmt::format("{} of {} ({:.2f} %)", part, whole,
                     100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string OuterText(const Choice& choice, const BlockTensor& tensor) {
  if (choice.spec->outer == OuterScale::kChannel) {
    const std::vector<float> s = OuterScales(tensor);
    const auto [least, most] = std::minmax_element(s.begin(), s.end());
    return fmt::format("{} to {}, one a row", *least, *most);
  }
  return fmt::format("{}", tensor.outer[0].decode);
}

std::string Text(const QuantizeArguments& args, const Rows& in, const Choice& choice,
                 const BlockTensor& tensor, const numerics::Fidelity& f) {
  std::string format = args.format;
  if (choice.has_blocks()) format += fmt::format(", block {}", args.block);
  if (choice.spec->format == numerics::Format::kNvfp4) format += ", profile " + args.profile;
  if (args.has_rounding) format += ", rounding " + args.rounding;
  if (args.rounding == "stochastic") format += fmt::format(", seed {}", args.seed);
  const std::optional<double> sqnr = Sqnr(f);
  std::string text = Line("input", fmt::format("{}, {} {}", args.input, npy::ShapeText(in.shape),
                                               npy::TypeName(in.type)));
  text += Line("format", format);
  text +=
      Line("storage", fmt::format("{:.4f} bits per element",
                                  numerics::StoredBitsPerElement(tensor, choice.stores_outer())));
  if (choice.stores_outer()) text += Line("S_dec", OuterText(choice, tensor));
  text += Line("SQNR", sqnr           ? fmt::format("{:.2f} dB", *sqnr)
                       : f.noise == 0 ? "none: equal"
                                      : "none: not a number");
  text += Line("zero codes", Share(f.zero_codes, f.elements));
  if (choice.has_blocks()) text += Line("zero blocks", Share(f.zero_blocks, f.blocks));
  text += Line("saturated", Share(f.saturated, f.elements));
  if (choice.has_blocks()) text += Line("underflows", Share(f.scale_underflows, f.blocks));
  if (f.not_finite > 0) text += Line("not finite", Share(f.not_finite, f.elements));
  return text;
}

std::string Json(const QuantizeArguments& args, const Rows& in, const Choice& choice,
                 const BlockTensor& tensor, const numerics::Fidelity& f) {
  nlohmann::ordered_json json = {{"schema", "nibble.quantize/1"},
                                 {"input", args.input},
                                 {"shape", in.shape},
                                 {"type", npy::TypeName(in.type)},
                                 {"format", args.format}};
  if (choice.has_blocks()) json["block"] = args.block;
  if (choice.spec->format == numerics::Format::kNvfp4) json["profile"] = args.profile;
  if (choice.profile == Profile::kNv) json["rounding"] = args.rounding;
  if (args.rounding == "stochastic") json["seed"] = args.seed;
  json["bits_per_element"] = numerics::StoredBitsPerElement(tensor, choice.stores_outer());
  if (choice.stores_outer()) json["s_dec"] = OuterScales(tensor);
  const std::optional<double> sqnr = Sqnr(f);
  json["sqnr_db"] = sqnr ? nlohmann::ordered_json(*sqnr) : nlohmann::ordered_json(nullptr);
  json["equal"] = f.noise == 0;
  json["elements"] = f.elements;
  json["zero_codes"] = f.zero_codes;
  json["saturated_elements"] = f.saturated;
  json["not_finite_elements"] = f.not_finite;
  if (choice.has_blocks()) {
    json["blocks"] = f.blocks;
    json["zero_blocks"] = f.zero_blocks;
    json["scale_underflows"] = f.scale_underflows;
  }
  return json.dump(1) + '\n';
}

int Quantize(const QuantizeArguments& args) {
  const Choice choice = Check(args);
  for (const std::string& path : {args.codes, args.scales, args.s_dec, args.values}) {
    if (path == "-") throw UsageError("arrays go to files: they are binary");
  }
  const OutputFile codes(args.codes), scales(args.scales), s_dec(args.s_dec), values(args.values);
  const OutputFile json(args.json);
  const Rows in = ReadRows(args.input);
  // Only `nv` is defined under other roundings, which Quantize knows.
  const BlockTensor tensor =
      choice.profile == Profile::kNv
          ? numerics::Quantize(in.x.data(), in.rows, in.columns, choice.spec->format,
                               choice.options)
          : numerics::QuantizeNvfp4(in.x.data(), in.rows, in.columns, args.block, choice.profile,
                                    choice.options.amax);
  if (codes.wanted()) codes.Write(CodesFile(in, tensor));
  if (scales.wanted()) scales.Write(ScalesFile(in, tensor));
  if (s_dec.wanted()) s_dec.Write(OuterFile(in, choice, tensor));
  if (values.wanted()) {
    values.Write(npy::Serialize(npy::FromFloats(in.shape, numerics::Dequantize(tensor))));
  }
  const numerics::Fidelity fidelity = numerics::CompareWithSource(tensor, in.x.data());
  if (json.wanted()) json.Write(Json(args, in, choice, tensor, fidelity));
  if (!json.is_stdout()) Print(Text(args, in, choice, tensor, fidelity));
  return kDone;
}

}  // namespace

Command AddQuantize(CLI::App& app) {
  auto args = std::make_shared<QuantizeArguments>();
  CLI::App* sub = app.add_subcommand(
      "quantize", "quantise an array as any format and profile does: codes, scales, SQNR");
  sub->add_option("input", args->input, "NumPy float32 or float16; blocks run along the last axis")
      ->option_text("X.npy")
      ->required();
  sub->add_option("--format", args->format, "as `sim formats` lists them")
      ->option_text("NAME [nvfp4]");
  auto* block = sub->add_option("--block", args->block, "elements that share a block scale")
                    ->check(CLI::Range(1, 65536))
                    ->option_text("N [16]");
  std::string profiles;
  for (const numerics::ProfileSpec& spec : numerics::AllProfiles()) {
    profiles += fmt::format("{}{}", profiles.empty() ? "" : ", ", spec.name);
  }
  auto* profile = sub->add_option("--profile", args->profile, "whose NVFP4: " + profiles)
                      ->option_text("NAME [nv]");
  auto* rounding = sub->add_option("--rounding", args->rounding, "of the elements")
                       ->check(CLI::IsMember({"nearest", "zero", "stochastic"}))
                       ->option_text("nearest|zero|stochastic [nearest]");
  auto* seed = sub->add_option("--seed", args->seed, "of stochastic rounding")
                   ->check(CLI::NonNegativeNumber)
                   ->option_text("N [0]");
  auto* amax = sub->add_option("--amax", args->amax,
                               "largest magnitude for the tensor scale, instead of the array's own")
                   ->option_text("A");
  const char* output = "Output";
  sub->add_option("--codes", args->codes, "packed codes, uint8: 4-bit codes low nibble first")
      ->option_text("FILE.npy")
      ->group(output);
  sub->add_option("--scales", args->scales,
                  "block scales: bytes of E4M3 and E8M0, float16 or float32 of the others")
      ->option_text("FILE.npy")
      ->group(output);
  sub->add_option(
         "--s-dec", args->s_dec,
         "the tensor's scale S_dec (1 where the profile has none), or that of each row, float32")
      ->option_text("FILE.npy")
      ->group(output);
  sub->add_option("--values", args->values, "dequantised, float32")
      ->option_text("FILE.npy")
      ->group(output);
  sub->add_option("--json", args->json, "what the table says; - is stdout")
      ->option_text("FILE")
      ->group(output);
  sub->footer(
      "Each row is padded to a whole byte of codes, and its last block may be partial. Saturated: "
      "would round beyond the\nlargest element. Underflows: blocks with a scale of 0 and an "
      "element "
      "that is not.");
  return [=] {
    args->has_block = block->count() > 0;
    args->has_profile = profile->count() > 0;
    args->has_rounding = rounding->count() > 0;
    args->has_seed = seed->count() > 0;
    args->has_amax = amax->count() > 0;
    return Quantize(*args);
  };
}

}  // namespace nibble::cli
