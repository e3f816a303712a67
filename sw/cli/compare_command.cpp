#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>

#include "sw/cli/commands.h"
#include "sw/cli/errors.h"
#include "sw/cli/output.h"
#include "sw/report/compare.h"

namespace nibble::cli {

namespace {

struct CompareArguments {
  std::string a, b;
  size_t top = 20;
};

int Compare(const CompareArguments& args) {
  const report::RunFile a = report::ReadRun(args.a), b = report::ReadRun(args.b);
  Print(report::ToText(report::Compare(a, b), a, b, args.top));
  return kDone;
}

}  // namespace

Command AddCompare(CLI::App& app) {
  auto args = std::make_shared<CompareArguments>();
  CLI::App* sub = app.add_subcommand("compare", "what changed between two runs, largest first");
  sub->add_option("a", args->a, "what `sim --json` wrote")->option_text("A.json")->required();
  sub->add_option("b", args->b, "another of its files")->option_text("B.json")->required();
  sub->add_option("--top", args->top, "layers in each table; 0: all")->option_text("N [20]");
  return [args] { return Compare(*args); };
}

}  // namespace nibble::cli
