#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>

#include "sw/cli/commands.h"
#include "sw/cli/design_options.h"
#include "sw/cli/errors.h"
#include "sw/cli/output.h"
#include "sw/report/table.h"

namespace nibble::cli {

namespace {

struct ParamsArguments {
  DesignOptions design;
  bool markdown = false;
};

std::string Markdown(const std::vector<platforms::Parameter>& parameters) {
  report::Table table;
  for (const char* heading : {"parameter", "type", "unit", "range", "default", "meaning"}) {
    table.AddColumn(heading, "", report::Table::Align::kLeft);
  }
  for (const platforms::Parameter& p : parameters) {
    table.AddRow({'`' + p.name + '`', p.type, p.unit, p.range, p.default_value, p.meaning});
  }
  return table.RenderMarkdown();
}

std::string Text(const std::vector<platforms::Parameter>& parameters) {
  report::Table table;
  for (const char* heading :
       {"parameter", "value", "unit", "type", "range", "default", "meaning"}) {
    table.AddColumn(heading, "", report::Table::Align::kLeft);
  }
  for (const platforms::Parameter& p : parameters) {
    table.AddRow({p.name, p.value, p.unit, p.type, p.range, p.default_value, p.meaning});
  }
  return table.Render(0);
}

int Params(const ParamsArguments& args, bool one_platform) {
  std::vector<std::string> platforms = {"accel", "nearmem"};
  if (one_platform) platforms = {args.design.platform};
  std::string text = args.markdown ? "# Parameters\n\nMade by `sim params --markdown`.\n" : "";
  for (const std::string& platform : platforms) {
    DesignOptions design = args.design;
    design.platform = platform;
    const std::vector<platforms::Parameter> parameters = design.ResolveWithCore().parameters;
    if (args.markdown) {
      text += fmt::format("\n## {}\n\n{}", platform, Markdown(parameters));
    } else {
      text +=
          fmt::format("{}platform {}\n\n{}", text.empty() ? "" : "\n", platform, Text(parameters));
    }
  }
  Print(text);
  return kDone;
}

}  // namespace

Command AddParams(CLI::App& app) {
  auto args = std::make_shared<ParamsArguments>();
  CLI::App* sub =
      app.add_subcommand("params", "list every parameter: type, unit, range, default, meaning");
  args->design.AddTo(*sub);
  auto* platform = sub->get_option("--platform");
  platform->default_str("both");
  sub->get_option("--config")->needs(platform);  // presets and settings are those of one platform
  sub->get_option("--set")->needs(platform);
  sub->add_flag("--markdown", args->markdown, "as Markdown tables, for documents");
  return [args, platform] { return Params(*args, platform->count() > 0); };
}

}  // namespace nibble::cli
