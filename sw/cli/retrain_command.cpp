// sim retrain: checks the command line, then becomes nibble-retrain, which is built on LibTorch.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "sw/cli/commands.h"
#include "sw/cli/errors.h"
#include "sw/cli/retrain_options.h"
#include "sw/cli/trace_file.h"

namespace nibble::cli {

Command AddRetrain(CLI::App& app, char** words) {
  auto options = std::make_shared<RetrainOptions>();
  CLI::App* sub = app.add_subcommand(
      "retrain", "train a trace on the bits of a datapath, against its own FP32 results");
  options->AddTo(*sub);
  return [options, words] {
    const std::string program = RetrainProgram();
    options->Check();
    FindTrace(options->trace);
    // words: sim retrain ...; the program names itself by the second.
    execv(program.c_str(), words + 1);
    throw UsageError(program + ": " + std::strerror(errno));
    return kUsage;
  };
}

}  // namespace nibble::cli
