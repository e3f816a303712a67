#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>

#include "models/control/register_text.h"
#include "platforms/design_point.h"
#include "sw/cli/commands.h"
#include "sw/cli/errors.h"
#include "sw/cli/output.h"

namespace nibble::cli {

namespace {

struct RegistersArguments {
  std::string platform;
  bool header = false, markdown = false;
};

int Registers(const RegistersArguments& args) {
  if (args.header) {
    Print(control::RegisterHeader());
  } else if (args.platform.empty()) {
    Print(control::RegisterMarkdown());
  } else {
    const platforms::Platform platform = platforms::ParsePlatform(args.platform);
    Print(control::RegisterMarkdown(platform == platforms::Platform::kNearmem));
  }
  return kDone;
}

}  // namespace

Command AddRegisters(CLI::App& app) {
  auto args = std::make_shared<RegistersArguments>();
  CLI::App* sub = app.add_subcommand("registers", "list the registers that firmware sees");
  auto* platform = sub->add_option("-p,--platform", args->platform, "accel or nearmem")
                       ->option_text("NAME [both]");
  auto* markdown =
      sub->add_flag("--markdown", args->markdown, "as Markdown tables (what it does anyway)");
  sub->add_flag("--header", args->header, "as a C header, for both platforms")
      ->excludes(markdown)
      ->excludes(platform);
  return [args] { return Registers(*args); };
}

}  // namespace nibble::cli
