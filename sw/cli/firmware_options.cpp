#include "sw/cli/firmware_options.h"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "sw/cli/verify.h"
#include "sw/firmware/native/boot_table.h"
#include "sw/firmware/native/native.h"

namespace nibble::cli {

void FirmwareOptions::AddTo(CLI::App& app) {
  const char* group = "Firmware";
  auto* name = app.add_option("--firmware", firmware,
                              "what drives the machine, instead of a built-in host: native, the "
                              "firmware compiled for this computer")
                   ->check(CLI::IsMember({"native"}))
                   ->option_text("native")
                   ->group(group);
  app.add_option("--firmware-runs", runs, "inferences of each image; counts are those of the first")
      ->check(CLI::Range(1, 1000000))
      ->needs(name)
      ->option_text("N [1]")
      ->group(group);
  app.add_option("--firmware-wait", wait, "how it waits for the machine: interrupt or poll")
      ->check(CLI::IsMember({"interrupt", "poll"}))
      ->needs(name)
      ->option_text("HOW [interrupt]")
      ->group(group);
}

void FirmwareOptions::Apply(const std::string& name, const sim::Program& program,
                            const std::optional<golden::Execution>& expected, std::FILE* console,
                            platforms::RunOptions& run) const {
  firmware::BootOptions boot;
  boot.name = name;
  boot.runs = runs;
  boot.polling = wait == "poll";
  if (expected) {
    const numerics::StoredActivations& output =
        expected->tensors[static_cast<size_t>(program.output)];
    boot.hash = firmware::HashOf(output.codes, output.scales);
  }
  firmware::AddBootTable(program, boot, run);
  run.host = firmware::NativeFirmware([console](const char* text) {
    if (console != nullptr) std::fputs(text, console);
  });
}

void FirmwareOptions::Check(const platforms::RunOutcome& outcome) const {
  if (outcome.host.status == 0) return;
  throw CheckFailed(fmt::format("the firmware ended with status {}", outcome.host.status));
}

}  // namespace nibble::cli
