// --firmware and what belongs to it.
#pragma once

#include <cstdio>
#include <optional>
#include <string>

#include "platforms/machine.h"
#include "sw/golden/golden.h"

namespace CLI {
class App;
}

namespace nibble::cli {

struct FirmwareOptions {
  std::string firmware;  // empty: the built-in host; "native"
  std::string wait = "interrupt";
  uint32_t runs = 1;

  void AddTo(CLI::App& app);
  bool wanted() const { return !firmware.empty(); }

  // Gives the host of `run` the firmware, and a table of `program`, whose output is checked against
  // `expected` if there is one. What the firmware prints goes to `console`, or nowhere.
  void Apply(const std::string& name, const sim::Program& program,
             const std::optional<golden::Execution>& expected, std::FILE* console,
             platforms::RunOptions& run) const;
  // Throws CheckFailed unless the firmware has ended well.
  void Check(const platforms::RunOutcome& outcome) const;
};

}  // namespace nibble::cli
