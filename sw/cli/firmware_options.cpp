#include "sw/cli/firmware_options.h"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <iostream>

#include "sw/cli/errors.h"
#include "sw/cli/output.h"
#include "sw/cli/verify.h"
#include "sw/firmware/native/native.h"
#include "sw/trace/whole_file.h"

namespace nibble::cli {

void FirmwareOptions::AddTo(CLI::App& app) {
  const char* group = "Firmware";
  auto* name =
      app.add_option("--firmware", firmware,
                     "what drives the machine, instead of a built-in host: an ELF executable for "
                     "its RISC-V core, or native, the firmware compiled for this computer")
          ->check(CLI::IsMember({"native"}) | CLI::ExistingFile)
          ->option_text("FILE.elf|native")
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
  app.add_option(
         "--gdb", gdb,
         "the core waits for GDB on this port of 127.0.0.1; 0: any free one, told on stderr")
      ->needs(name)
      ->option_text("PORT")
      ->group(group);
  app.add_option("--trace-instructions", instructions,
                 "write a line for each instruction of the core")
      ->needs(name)
      ->option_text("FILE")
      ->group(group);
}

Firmware::Firmware(const FirmwareOptions& options) : options_(options) {
  if (!options.on_core()) {
    if (options.gdb) throw UsageError("--gdb: --firmware native does not run on the core");
    if (!options.instructions.empty()) {
      throw UsageError("--trace-instructions: --firmware native does not run on the core");
    }
    return;
  }
  core_.image = riscv::ReadElf(options.firmware);
  core_.name = options.firmware;
  if (!options.instructions.empty()) {
    CheckWritable(options.instructions);
    instructions_.open(options.instructions);
    core_.instructions = &instructions_;
  }
  if (!options.gdb) return;
  try {
    server_.emplace(*options.gdb);
  } catch (const std::runtime_error& e) {
    throw UsageError(std::string("--gdb: ") + e.what());
  }
  core_.debugger = &*server_;
  std::fprintf(stderr, "sim: waiting for GDB: target remote 127.0.0.1:%u\n", server_->port());
}

void Firmware::Apply(const std::vector<firmware::BootProgram>& programs, std::FILE* console,
                     platforms::RunOptions& run) {
  firmware::AddBootTable(programs, {options_.runs, options_.wait == "poll"}, run);
  if (options_.on_core()) {
    core_.console = console == stdout ? &std::cout : console == stderr ? &std::cerr : nullptr;
    run.firmware = &core_;
    return;
  }
  run.host = firmware::NativeFirmware([console](const char* text) {
    if (console != nullptr) std::fputs(text, console);
  });
}

void Firmware::Check(const platforms::HostOutcome& outcome) {
  if (outcome.status == 0) return;
  throw CheckFailed(fmt::format("the firmware ended with status {}", outcome.status));
}

void Firmware::Finish() {
  if (core_.instructions == nullptr) return;
  instructions_.close();
  if (instructions_.fail()) throw trace::OutputError(options_.instructions + ": cannot be written");
}

}  // namespace nibble::cli
