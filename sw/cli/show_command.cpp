#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <filesystem>
#include <memory>

#include "models/sim_core/command.h"
#include "sw/cli/commands.h"
#include "sw/cli/design_options.h"
#include "sw/cli/errors.h"
#include "sw/cli/output.h"
#include "sw/cli/trace_file.h"
#include "sw/compiler/weight_files.h"
#include "sw/lowering/lowering.h"
#include "sw/trace/file.h"
#include "sw/trace/print.h"

namespace nibble::cli {

namespace {

struct ShowArguments {
  std::string trace, export_weights;
  bool program = false;
  DesignOptions design;
};

std::string Listing(const sim::Program& program) {
  std::string text =
      fmt::format("{} command words at {:#x}\n", program.commands.size(), program.commands_address);
  int layer = -1;
  for (size_t i = 0; i < program.commands.size(); ++i) {
    const sim::Command& command = program.commands[i];
    if (command.layer != layer) {
      layer = command.layer;
      const sim::LayerEntry& entry = program.layers[layer];
      text += fmt::format("\nlayer {}: {}, {} {}\n", layer, entry.name, entry.op, entry.shape);
    }
    text += fmt::format("{:6}  {}\n", i, sim::Disassemble(command));
  }
  return text;
}

// Returns the number of files.
int Export(const trace::Network& net, const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    throw UsageError(fmt::format("cannot make the folder '{}': {}", directory, error.message()));
  }
  return compiler::ExportWeights(net, [&](const std::string& name, const std::string& bytes) {
    OutputFile((std::filesystem::path(directory) / name).string()).Write(bytes);
  });
}

int Show(const ShowArguments& args) {
  const std::string path = FindTrace(args.trace);
  // Command words carry weight scales, which only the weights tell; the printed network does
  // without.
  const trace::Network net = trace::Read(path, args.program || !args.export_weights.empty());
  if (!args.export_weights.empty()) {
    Print(fmt::format("{}: weights of {} layers\n", args.export_weights,
                      Export(net, args.export_weights)));
    return kDone;
  }
  Print(args.program ? Listing(lowering::Lower(net, args.design.Resolve()))
                     : trace::Print(net, trace::FileHash(path)));
  return kDone;
}

}  // namespace

Command AddShow(CLI::App& app) {
  auto args = std::make_shared<ShowArguments>();
  CLI::App* sub = app.add_subcommand("show", "print a trace, or the program it is lowered to");
  AddTraceArgument(*sub, args->trace);
  auto* program = sub->add_flag("--program", args->program, "the command words for a design point");
  sub->add_option(
         "--export-weights", args->export_weights,
         "write the weights of each layer as NumPy float32 instead, for `sim quantize` and "
         "`sim compile --weights`")
      ->excludes(program)
      ->option_text("DIR");
  args->design.AddTo(*sub);
  for (const char* option : {"--platform", "--config", "--set"})
    sub->get_option(option)->needs(program);
  return [args] { return Show(*args); };
}

}  // namespace nibble::cli
