#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "platforms/design_point.h"
#include "sw/cli/commands.h"
#include "sw/cli/errors.h"
#include "sw/cli/output.h"
#include "sw/requests/agreement.h"
#include "sw/requests/patterns.h"
#include "sw/requests/report.h"
#include "sw/requests/request_file.h"

namespace nibble::cli {

namespace {

struct MemoryArguments {
  std::string dram = "lpddr5-6400-x16", mapping, requests, agreement, json;
  uint32_t channels = 1, outstanding = 0;
  std::vector<std::string> sets;
};

// The memory of a machine with these parameters; only those of the memory have a meaning here.
platforms::DesignPoint Resolve(const MemoryArguments& args) {
  std::vector<std::string> sets = {"dram.device=" + args.dram,
                                   fmt::format("dram.channels={}", args.channels)};
  for (const std::string& set : args.sets) {
    for (const char* option : {"device", "channels", "mapping"}) {
      if (set.rfind(std::string("dram.") + option + "=", 0) == 0) {
        throw UsageError(fmt::format("--set {}: here the option is --{}", set,
                                     option == std::string("device") ? "dram" : option));
      }
    }
    if (set.rfind("dram.", 0) != 0) {
      throw UsageError("--set " + set + ": only parameters of the memory, dram.*, apply here");
    }
    sets.push_back(set);
  }
  if (!args.mapping.empty()) {
    const memory::DramDevice device =
        platforms::Resolve(platforms::Platform::kAccel, "", {"dram.device=" + args.dram}).dram;
    sets.push_back("dram.mapping=" + requests::NamedMapping(args.mapping, device));
  }
  return platforms::Resolve(platforms::Platform::kAccel, "", sets);
}

int Memory(const MemoryArguments& args) {
  if (!args.agreement.empty()) {
    Print(requests::Markdown(
        requests::Compare(args.agreement, platforms::DataFolder() + "/platforms/dram")));
    return kDone;
  }
  if (args.requests.empty()) throw UsageError("memory: --requests FILE is required");
  const OutputFile json(args.json);
  const platforms::DesignPoint design = Resolve(args);
  memory::Dram dram(design.dram, design.dram_channels, design.dram_mapping, 1, design.dram_config);
  const std::vector<memory::MemoryRequest> stream =
      requests::ReadRequests(args.requests, dram.mapping().capacity());
  const memory::RequestRunResult result = memory::RunRequests(dram, stream, args.outstanding);
  if (json.wanted()) {
    json.Write(requests::Json(dram, stream.size(), args.outstanding, result).dump(1) + "\n");
  }
  if (!json.is_stdout()) Print(requests::Text(dram, stream.size(), args.outstanding, result));
  return kDone;
}

}  // namespace

Command AddMemory(CLI::App& app) {
  auto args = std::make_shared<MemoryArguments>();
  CLI::App* sub =
      app.add_subcommand("memory", "run a stream of requests through the memory controllers alone");
  sub->add_option("--requests", args->requests,
                  "one request a line: R 0xADDRESS or W 0xADDRESS; as fast as accepted")
      ->option_text("FILE");
  sub->add_option("--dram", args->dram, "device of every channel")
      ->option_text("NAME")
      ->capture_default_str();
  sub->add_option("--channels", args->channels, "channels, each of one device")
      ->option_text("N")
      ->capture_default_str();
  sub->add_option("--mapping", args->mapping,
                  "fields of an address, or M1 (row after row of a bank) or M2 (interleaved)")
      ->option_text("FIELDS");
  sub->add_option("--outstanding", args->outstanding, "reads under way at most; 0: no limit")
      ->option_text("N");
  sub->add_option("--set", args->sets, "dram.KEY=VALUE, see sim params")
      ->option_text("KEY=VALUE")
      ->allow_extra_args(false);
  sub->add_option("--json", args->json, "write the result as JSON; - is stdout")
      ->option_text("FILE");
  const std::vector<CLI::Option*> of_requests = sub->get_options();
  CLI::Option* const agreement =
      sub->add_option(
             "--agreement", args->agreement,
             "instead: run the reference patterns and print how far they are from FILE's runs")
          ->option_text("FILE");
  for (CLI::Option* option : of_requests) {  // what to run is FILE's to say, in Markdown
    if (option != sub->get_help_ptr()) agreement->excludes(option);
  }
  return [args] { return Memory(*args); };
}

}  // namespace nibble::cli
