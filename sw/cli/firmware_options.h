// --firmware and what belongs to it.
#pragma once

#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "models/debug/gdb_server.h"
#include "platforms/machine.h"
#include "sw/firmware/native/boot_table.h"

namespace CLI {
class App;
}

namespace nibble::cli {

struct FirmwareOptions {
  std::string firmware;  // empty: the built-in host; "native"; or an ELF file for the core
  std::string wait = "interrupt";
  uint32_t runs = 1;
  std::optional<uint16_t> gdb;
  std::string instructions;  // file for the instruction trace

  void AddTo(CLI::App& app);
  bool wanted() const { return !firmware.empty(); }
  bool on_core() const { return wanted() && firmware != "native"; }
};

// The firmware that the options name, ready to run.
class Firmware {
 public:
  // Reads the file, opens the port and the trace. Throws riscv::ElfError, UsageError.
  explicit Firmware(const FirmwareOptions& options);

  // Has `run` driven by the firmware, with a table of `programs`. What the firmware prints goes to
  // `console` (stdout, stderr), or nowhere. *this must outlive the run.
  void Apply(const std::vector<firmware::BootProgram>& programs, std::FILE* console,
             platforms::RunOptions& run);
  // Throws CheckFailed unless the firmware has ended well.
  static void Check(const platforms::HostOutcome& outcome);
  // Throws trace::OutputError when the trace could not be written.
  void Finish();

 private:
  const FirmwareOptions& options_;
  platforms::CoreFirmware core_;
  std::optional<debug::GdbServer> server_;
  std::ofstream instructions_;
};

}  // namespace nibble::cli
