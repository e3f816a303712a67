#include <fmt/format.h>

#include <algorithm>

#include "models/numerics/block_tensor.h"
#include "sw/golden/golden.h"
#include "sw/lowering/compulsory.h"
#include "sw/lowering/constants.h"
#include "sw/lowering/lowering.h"
#include "sw/lowering/memory_map.h"
#include "sw/lowering/schedule.h"
#include "sw/trace/print.h"

namespace nibble::lowering {

using numerics::ScaleSource;

namespace {

constexpr uint64_t kHostBytes = 1 << 16;  // for the ring of jobs and the table of programs

// Room for a copy of the input, whose place later tensors may take; a multiple of 64 for each part.
uint64_t InputBytes(const sim::Program& program) {
  const numerics::ActivationLayout& layout =
      program.tensors[static_cast<size_t>(program.input)].layout;
  const auto rounded = [](uint64_t bytes) { return (bytes + 63) / 64 * 64; };
  return rounded(layout.code_bytes()) + rounded(layout.scale_bytes());
}

void DescribeTensors(const Target& target, sim::Program& program) {
  const bool fixed = target.datapaths.base.tensor_scale == ScaleSource::kStatic;
  for (size_t i = 0; i < target.net.tensors.size(); ++i) {
    const trace::Tensor& tensor = target.net.tensors[i];
    sim::TensorPlacement placement;
    placement.name = tensor.name;
    placement.layout = target.datapaths.tensors[i];
    placement.elements = static_cast<uint64_t>(tensor.shape.elements());
    placement.root = target.datapaths.views[i].root;
    placement.root_channel = target.datapaths.views[i].channel;
    program.tensors.push_back(placement);
    program.scales.push_back(
        fixed ? numerics::OuterScaleFromAmax(placement.layout.format, tensor.amax)
              : numerics::TensorScale{});
  }
}

// The constants in their places.
void StoreConstants(const Target& target, sim::Program& program) {
  for (size_t i = 0; i < target.net.tensors.size(); ++i) {
    if (!target.net.tensors[i].constant) continue;
    const std::vector<float> values = trace::ConstantValues(target.net.tensors[i]);
    const sim::TensorPlacement& placement = program.tensors[i];
    if (numerics::HasTensorScale(placement.layout.format)) {
      program.scales[i] =
          golden::ScaleOf(target.net, static_cast<int>(i), target.datapaths, values);
    }
    numerics::StoredActivations stored =
        numerics::StoreTensor(placement.layout, program.scales[i], values.data(),
                              numerics::StreamOf(target.datapaths.base.activation_rounding, i));
    program.image.push_back({placement.codes, std::move(stored.codes)});
    if (!stored.scales.empty()) {
      program.image.push_back({placement.scales, std::move(stored.scales)});
    }
  }
}

void DescribeLayers(const Target& target, const std::vector<LayerConstants>& constants,
                    sim::Program& program) {
  const trace::Network& net = target.net;
  for (size_t i = 0; i < net.layers.size(); ++i) {
    const trace::Layer& layer = net.layers[i];
    sim::LayerEntry entry;
    entry.name = layer.name;
    entry.op = trace::OpName(layer.op);
    entry.source = layer.source;
    entry.shape = trace::ShapeText(net.tensors[layer.input].shape) + " -> " +
                  trace::ShapeText(net.tensors[layer.output].shape);
    entry.macs = static_cast<uint64_t>(trace::AnalyticMacs(net, layer));
    entry.output = layer.output;
    entry.near_memory = constants[i].near_memory;
    const std::optional<float>& input_zeros = net.tensors[layer.input].zeros;
    if (layer.zeros && input_zeros) {
      entry.zeros = {*input_zeros, layer.zeros->weights, layer.zeros->blocks};
    }
    entry.compulsory_bytes = CompulsoryBytes(target, layer, constants[i], program.tensors);
    program.layers.push_back(entry);
  }
}

// Of the largest tensor that waits in FP32 for its dynamic scale.
uint64_t StagingBytes(const Target& target, const std::vector<sim::TensorPlacement>& tensors) {
  uint64_t largest = 0;
  for (const trace::Layer& layer : target.net.layers) {
    if (IsStaged(target, layer)) largest = std::max(largest, tensors[layer.output].elements);
  }
  return largest * sizeof(float);
}

// What a command word cannot say, or the counts of zeros do not cover.
void RefuseUnsupported(const trace::Network& net, const platforms::DesignPoint& design) {
  constexpr int kMostGroups = 127;
  for (const trace::Layer& l : net.layers) {
    if (l.op != trace::Op::kConv || l.groups == 1) continue;
    if (l.groups > kMostGroups) {
      throw LoweringError(fmt::format("layer '{}': {} groups; the platforms take {}", l.name,
                                      l.groups, kMostGroups));
    }
    if (design.compute.counts_data()) {
      throw LoweringError(fmt::format(
          "layer '{}': zeros of a convolution in groups are not counted: datapath.gating and "
          "datapath.count_zeros must be off",
          l.name));
    }
  }
}

golden::Datapaths DatapathsOf(const trace::Network& net, const platforms::DesignPoint& design) try {
  return {net, design.datapath, design.layer_overrides};
} catch (const std::invalid_argument& error) {
  throw LoweringError(error.what());
}

// Of layers with formats of their own; those of the whole network are checked with the design.
void CheckMultipliers(const Target& target) {
  for (const trace::Layer& layer : target.net.layers) {
    if (!layer.has_products()) continue;
    const numerics::Datapath& d = target.DatapathOf(layer);
    try {
      numerics::CheckMultiplier(target.design.compute.multiplier, d.activations, d.weights);
    } catch (const std::invalid_argument& error) {
      throw LoweringError(
          fmt::format("layer '{}': datapath.multiplier lut: {}", layer.name, error.what()));
    }
  }
}

// Without the bits zeros are those that the trace records.
void CheckZeros(const Target& target) {
  if (!target.design.compute.counts_data()) return;
  for (const trace::Layer& layer : target.net.layers) {
    if (!layer.has_products()) continue;
    if (layer.zeros && target.net.tensors[layer.input].zeros) continue;
    throw LoweringError(fmt::format(
        "the trace records no zeros of layer '{}' or its input, which datapath.{} needs without "
        "the bits: run with them, or compile the network anew",
        layer.name,
        target.design.compute.gating == accel::Gating::kNone ? "count_zeros" : "gating"));
  }
}

}  // namespace

sim::Program Lower(const trace::Network& net, const platforms::DesignPoint& design,
                   const Options& options) {
  RefuseUnsupported(net, design);
  const golden::Datapaths datapaths = DatapathsOf(net, design);
  const Target target{net, design, datapaths};
  CheckMultipliers(target);
  if (!options.with_image) CheckZeros(target);
  sim::Program program;
  program.input = net.input;
  program.output = net.output;
  DescribeTensors(target, program);

  const memory::DramMapping mapping(design.dram, design.dram_channels, design.dram_mapping);
  MemoryMap map(std::min(mapping.capacity(), options.dram_end), options.dram_begin);
  const bool near = design.platform == platforms::Platform::kNearmem;
  const Plan plan(
      target, near ? PlacesOnNearmem(target) : std::vector<Place>(net.layers.size(), Place::kHost),
      program.tensors);
  const std::vector<LayerConstants> constants =
      near ? PlaceOnNearmem(target, plan, options.with_image, map, program)
           : PlaceOnAccel(target, options.with_image, map, program);
  map.PlaceTensors(net, program.tensors);
  if (options.with_image) StoreConstants(target, program);
  const uint64_t staging = map.Reserve(StagingBytes(target, program.tensors));
  DescribeLayers(target, constants, program);

  Schedule schedule(target, plan, program.tensors, staging);
  schedule.Presets(program.scales);
  for (size_t i = 0; i < net.layers.size(); ++i) schedule.Layer(static_cast<int>(i), constants[i]);
  schedule.PeakUse(program.sram_bytes_used);
  program.commands = schedule.emitter().Take();
  program.commands_address = map.Reserve(program.commands.size() * sim::kCommandBytes);
  program.dram_bytes_used = map.used_bytes() + program.near_memory_bytes;
  program.free_bytes = kHostBytes + InputBytes(program);
  program.free_address = map.Reserve(program.free_bytes);
  return program;
}

std::vector<sim::Program> LowerSideBySide(const std::vector<const trace::Network*>& nets,
                                          const platforms::DesignPoint& design, bool with_image) {
  const memory::DramMapping mapping(design.dram, design.dram_channels, design.dram_mapping);
  const uint64_t row_bytes = mapping.capacity() / design.dram.rows;
  Options options{with_image, 0, mapping.capacity()};
  std::vector<sim::Program> programs;
  for (const trace::Network* net : nets) {
    try {
      programs.push_back(Lower(*net, design, options));
    } catch (const LoweringError& error) {
      if (nets.size() == 1) throw;
      throw LoweringError(fmt::format("network '{}': {}", net->name, error.what()));
    }
    options.dram_begin = (programs.back().end() + row_bytes - 1) / row_bytes * row_bytes;
    options.dram_end -= programs.back().near_memory_bytes;
  }
  return programs;
}

void SetInput(sim::Program& program, const trace::Network& net,
              const platforms::DesignPoint& design, const std::vector<float>& input) {
  const sim::TensorPlacement& placement = program.tensors[program.input];
  if (input.size() != placement.elements) {
    throw LoweringError(fmt::format("the input has {} elements; the network '{}' takes {}",
                                    input.size(), net.name, placement.elements));
  }
  numerics::TensorScale& scale = program.scales[program.input];
  if (design.datapath.tensor_scale == ScaleSource::kDynamic) {
    scale = numerics::OuterScaleFromAmax(placement.layout.format,
                                         numerics::AmaxIgnoringNan(input.data(), input.size()));
  }
  for (sim::Command& command : program.commands) {
    if (command.opcode != sim::Opcode::kVectorScales) break;  // presets come first
    for (int i = 0; i < 2; ++i) {
      if (command.scales.reg[i] != program.input) continue;
      command.scales.encode[i] = scale.encode;
      command.scales.decode[i] = scale.decode;
    }
  }
  numerics::StoredActivations stored =
      numerics::StoreTensor(placement.layout, scale, input.data(),
                            numerics::StreamOf(design.datapath.activation_rounding,
                                               static_cast<uint64_t>(program.input)));
  const auto replace = [&](uint64_t address, std::vector<uint8_t> bytes) {
    for (sim::Segment& segment : program.image) {
      if (segment.address == address) {
        segment.bytes = std::move(bytes);
        return;
      }
    }
    program.image.push_back({address, std::move(bytes)});
  };
  replace(placement.codes, std::move(stored.codes));
  if (!stored.scales.empty()) replace(placement.scales, std::move(stored.scales));
}

}  // namespace nibble::lowering
