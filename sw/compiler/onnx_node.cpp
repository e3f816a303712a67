#include "sw/compiler/onnx_node.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "sw/trace/file.h"

namespace nibble::compiler {
namespace {

std::vector<int64_t> WindowInts(const OnnxNode& n, const char* key, size_t count, int64_t fill) {
  std::vector<int64_t> v = n.Ints(key, std::vector<int64_t>(count, fill));
  if (v.size() != count) Fail(n, fmt::format("{} must have {} entries", key, count));
  return v;
}

// One axis of a window: sets the padding that auto_pad or ceil_mode asks for.
struct AxisWindow {
  int input, kernel, stride, dilation;
  int before = 0, after = 0;
  bool overhangs = false;

  int extent() const { return dilation * (kernel - 1) + 1; }
  int Length() const {
    return trace::ConvOutputLength(input, kernel, stride, dilation, before, after);
  }
  // So that the output has ceil(input / stride) places; the odd one goes to the end (upper) or to
  // the beginning.
  void PadSame(bool upper) {
    const int output = (input + stride - 1) / stride;
    const int total = std::max(0, (output - 1) * stride + extent() - input);
    before = upper ? total / 2 : total - total / 2;
    after = total - before;
  }
  // The last window may hang over the end.
  void PadCeil() {
    const int room = input + before + after - extent();
    if (room < 0 || room % stride == 0) return;
    after += stride - room % stride;
    overhangs = true;
  }
};

}  // namespace

void Fail(const std::string& op, const std::string& name, const std::string& message) {
  throw trace::FileError(fmt::format("{} \"{}\": {}", op, name, message));
}

void Fail(const OnnxNode& n, const std::string& message) { Fail(n.op, n.name, message); }

const std::string& RequiredInput(const OnnxNode& n, size_t i) {
  if (!n.HasInput(i)) Fail(n, fmt::format("input {} is missing", i));
  return n.inputs[i];
}

const Constant& RequiredConstant(const OnnxGraph& g, const OnnxNode& n, size_t i) {
  const Constant* c = g.Find(RequiredInput(n, i));
  if (c == nullptr) {
    Fail(n, fmt::format("input {} (\"{}\") must be a constant", i, n.inputs[i]));
  }
  return *c;
}

const std::vector<float>& Floats(const OnnxGraph& g, const OnnxNode& n, size_t i, size_t count) {
  const Constant& c = RequiredConstant(g, n, i);
  if (!c.is_float || c.floats.size() != count) {
    Fail(n, fmt::format("input {} (\"{}\") must hold {} floats", i, n.inputs[i], count));
  }
  return c.floats;
}

std::optional<std::vector<int64_t>> OptionalInts(const OnnxGraph& g, const OnnxNode& n, size_t i) {
  if (!n.HasInput(i)) return std::nullopt;
  const Constant& c = RequiredConstant(g, n, i);
  if (c.is_float) Fail(n, fmt::format("input {} (\"{}\") must be integers", i, n.inputs[i]));
  return c.ints;
}

std::optional<std::vector<int64_t>> OptionalInts(const OnnxGraph& g, const OnnxNode& n, size_t i,
                                                 const std::string& attribute) {
  const auto it = n.attributes.find(attribute);
  return it == n.attributes.end() ? OptionalInts(g, n, i) : it->second.ints;
}

int Bounded(const OnnxNode& n, const char* what, int64_t value, int64_t lo, int64_t hi) {
  if (value < lo || value > hi) {
    Fail(n, fmt::format("{} is {}, must be {}..{}", what, value, lo, hi));
  }
  return static_cast<int>(value);
}

const Dims* KnownDims(const OnnxGraph& g, const OnnxNode& n, size_t i) {
  if (!n.HasInput(i)) return nullptr;
  if (const Constant* c = g.Find(n.inputs[i])) return &c->dims;
  const auto it = g.dims.find(n.inputs[i]);
  return it == g.dims.end() ? nullptr : &it->second;
}

const Dims& InputDims(const OnnxGraph& g, const OnnxNode& n, size_t i) {
  const Dims* dims = KnownDims(g, n, i);
  if (dims == nullptr) {
    Fail(n, fmt::format("the dimensions of input \"{}\" are not known", RequiredInput(n, i)));
  }
  return *dims;
}

int64_t Elements(const Dims& dims) {
  int64_t count = 1;
  for (const int64_t d : dims) {
    if (d < 0 || d > trace::kMaxElements || (count *= d) > trace::kMaxElements) {
      throw trace::FileError(fmt::format("dimensions [{}] give more than {} elements",
                                         fmt::join(dims, ", "), trace::kMaxElements));
    }
  }
  return count;
}

int64_t Axis(const OnnxNode& n, int64_t axis, size_t rank) {
  const auto bound = static_cast<int64_t>(rank);
  Bounded(n, "axis", axis, -bound, bound - 1);
  return axis < 0 ? axis + bound : axis;
}

std::vector<int64_t> Axes(const OnnxNode& n, std::vector<int64_t> axes, size_t rank) {
  for (int64_t& a : axes) a = Axis(n, a, rank);
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) Fail(n, "an axis stands twice");
  return axes;
}

namespace {

Dims ReshapeTarget(const OnnxNode& n, const Dims& in, Dims shape) {
  const bool zero = n.Int("allowzero", 0) != 0;
  auto inferred = shape.end();
  for (auto d = shape.begin(); d != shape.end(); ++d) {
    const auto place = static_cast<size_t>(d - shape.begin());
    if (*d == 0 && !zero && place < in.size()) *d = in[place];
    if (*d != -1) continue;
    if (inferred != shape.end()) Fail(n, "two dimensions of the shape are -1");
    inferred = d;
    *d = 1;
  }
  const int64_t elements = Elements(in), others = Elements(shape);
  if (inferred != shape.end() && others > 0) *inferred = elements / others;
  if (Elements(shape) != elements) {
    Fail(n, fmt::format("shape [{}] does not hold {} elements", fmt::join(shape, ", "), elements));
  }
  return shape;
}

}  // namespace

Dims ReshapedDims(const OnnxGraph& g, const OnnxNode& n, const Dims& in) {
  if (n.op == "Reshape") return ReshapeTarget(n, in, *OptionalInts(g, n, 1));
  if (n.op == "Flatten") {
    int64_t axis = n.Int("axis", 1);
    if (axis != static_cast<int64_t>(in.size())) axis = Axis(n, axis, in.size());
    const auto middle = in.begin() + axis;
    return {Elements({in.begin(), middle}), Elements({middle, in.end()})};
  }
  const std::optional<std::vector<int64_t>> given = OptionalInts(g, n, 1, "axes");
  Dims out;
  if (n.op == "Unsqueeze") {
    if (!given) Fail(n, "axes are missing");
    const size_t rank = in.size() + given->size();
    const std::vector<int64_t> axes = Axes(n, *given, rank);
    auto from = in.begin();
    for (size_t d = 0; d < rank; ++d) {
      const bool added = std::binary_search(axes.begin(), axes.end(), static_cast<int64_t>(d));
      out.push_back(added ? 1 : *from++);
    }
    return out;
  }
  const std::vector<int64_t> axes = given ? Axes(n, *given, in.size()) : std::vector<int64_t>();
  for (size_t d = 0; d < in.size(); ++d) {
    const bool named = std::binary_search(axes.begin(), axes.end(), static_cast<int64_t>(d));
    if (named && in[d] != 1) Fail(n, fmt::format("dimension {} is {}, not 1", d, in[d]));
    if (given ? !named : in[d] != 1) out.push_back(in[d]);
  }
  return out;
}

std::vector<SliceRange> SliceRanges(const OnnxGraph& g, const OnnxNode& n, const Dims& in) {
  std::vector<SliceRange> ranges;
  for (const int64_t d : in) ranges.push_back({0, 1, d});
  const auto starts = OptionalInts(g, n, 1), ends = OptionalInts(g, n, 2);
  if (!starts || !ends || starts->size() != ends->size()) Fail(n, "starts and ends must match");
  std::vector<int64_t> axes, steps(starts->size(), 1);
  for (size_t i = 0; i < starts->size(); ++i) axes.push_back(static_cast<int64_t>(i));
  axes = OptionalInts(g, n, 3).value_or(axes);
  steps = OptionalInts(g, n, 4).value_or(steps);
  if (axes.size() != starts->size() || steps.size() != starts->size()) {
    Fail(n, "axes and steps must be as many as starts");
  }
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(Axis(n, axes[i], in.size()));
    const int64_t length = in[axis];
    if (steps[i] <= 0) Fail(n, fmt::format("step is {}, must be positive", steps[i]));
    const auto place = [&](int64_t at) {
      return std::clamp<int64_t>(at < 0 ? std::max(at, -length) + length : at, 0, length);
    };
    const int64_t first = place((*starts)[i]), last = place((*ends)[i]);
    const int64_t span = std::max<int64_t>(0, last - first);
    ranges[axis] = {first, steps[i], span / steps[i] + (span % steps[i] != 0 ? 1 : 0)};
  }
  return ranges;
}

SplitParts PartsOf(const OnnxGraph& g, const OnnxNode& n, const Dims& in) {
  SplitParts parts;
  parts.axis = static_cast<size_t>(Axis(n, n.Int("axis", 0), in.size()));
  const int64_t length = in[parts.axis];
  const auto count = static_cast<int64_t>(n.outputs.size());
  if (const auto given = OptionalInts(g, n, 1, "split")) {
    parts.lengths = *given;
  } else {
    if (length % count != 0) Fail(n, fmt::format("{} do not split into {}", length, count));
    parts.lengths.assign(n.outputs.size(), length / count);
  }
  int64_t sum = 0;
  for (const int64_t l : parts.lengths) sum += Bounded(n, "length of a part", l, 1, length);
  if (sum != length || parts.lengths.size() != n.outputs.size()) {
    Fail(n, fmt::format("parts [{}] for {} outputs of {}", fmt::join(parts.lengths, ", "), count,
                        length));
  }
  return parts;
}

void Window::Set(trace::Layer& l) const {
  l.kernel_h = kernel_h;
  l.kernel_w = kernel_w;
  l.stride_h = stride_h;
  l.stride_w = stride_w;
  l.dilation_h = dilation_h;
  l.dilation_w = dilation_w;
  l.pad_top = pad_top;
  l.pad_left = pad_left;
  l.pad_bottom = pad_bottom;
  l.pad_right = pad_right;
}

Window WindowOf(const OnnxGraph& g, const OnnxNode& n, const Dims& in) {
  if (in.size() != 4) Fail(n, "its input must be N x C x H x W");
  std::vector<int64_t> kernel = n.Ints("kernel_shape", {});
  if (n.op == "Conv") {
    const Dims& weights = RequiredConstant(g, n, 1).dims;
    if (weights.size() != 4) Fail(n, "weights must be floats M x C x kH x kW");
    const std::vector<int64_t> own = {weights[2], weights[3]};
    if (!kernel.empty() && kernel != own) Fail(n, "kernel_shape is not that of the weights");
    kernel = own;
  }
  if (kernel.size() != 2) Fail(n, "kernel_shape must have 2 entries");
  const auto strides = WindowInts(n, "strides", 2, 1), dilations = WindowInts(n, "dilations", 2, 1);
  const auto axis = [&](size_t i, const char* name) {
    AxisWindow w{Bounded(n, "an input's side", in[2 + i], 1, trace::kMaxSide),
                 Bounded(n, name, kernel[i], 1, trace::kMaxKernel),
                 Bounded(n, "stride", strides[i], 1, trace::kMaxStride),
                 Bounded(n, "dilation", dilations[i], 1, trace::kMaxDilation)};
    const std::string auto_pad = n.String("auto_pad", "NOTSET");
    if (auto_pad == "NOTSET") {
      const auto pads = WindowInts(n, "pads", 4, 0);  // top, left, bottom, right
      w.before = Bounded(n, "pad", pads[i], 0, trace::kMaxPad);
      w.after = Bounded(n, "pad", pads[2 + i], 0, trace::kMaxPad);
    } else if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") {
      w.PadSame(auto_pad == "SAME_UPPER");
    } else if (auto_pad != "VALID") {
      Fail(n, fmt::format("auto_pad \"{}\" is unknown", auto_pad));
    }
    if (n.Int("ceil_mode", 0) != 0) w.PadCeil();
    return w;
  };
  const AxisWindow y = axis(0, "kernel height"), x = axis(1, "kernel width");
  return {y.kernel,
          x.kernel,
          y.stride,
          x.stride,
          y.dilation,
          x.dilation,
          y.before,
          x.before,
          y.after,
          x.after,
          y.overhangs || x.overhangs,
          Bounded(n, "output height", y.Length(), 1, trace::kMaxSide),
          Bounded(n, "output width", x.Length(), 1, trace::kMaxSide)};
}

}  // namespace nibble::compiler
