// The `sim` program: parses the command line, calls a subcommand, turns what it throws into one
// line and an exit code.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "models/riscv/elf_file.h"
#include "platforms/design_point.h"
#include "platforms/machine.h"
#include "platforms/params/value.h"
#include "sw/cli/commands.h"
#include "sw/cli/errors.h"
#include "sw/cli/interrupt.h"
#include "sw/cli/verify.h"
#include "sw/cli/version.h"
#include "sw/lowering/lowering.h"
#include "sw/report/run_file.h"
#include "sw/requests/request_file.h"
#include "sw/study/ledger.h"
#include "sw/study/study.h"
#include "sw/trace/file.h"
#include "sw/trace/whole_file.h"

// libsystemc carries a main() of its own that calls this; ours takes precedence.
extern "C" int sc_main(int, char**) { return 0; }

namespace nibble::cli {

namespace {

int Fail(int code, const std::string& message) {
  std::fprintf(stderr, "sim: %s\n", message.c_str());
  return code;
}

// Options as they are typed, and the subcommands where one may stand.
std::vector<std::string> KnownWords(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  }
  for (const CLI::App* sub : app.get_subcommands({})) words.push_back(sub->get_name());
  return words;
}

std::string UnexpectedWord(const CLI::App& app) {
  const CLI::App* innermost = &app;
  while (!innermost->get_subcommands().empty()) innermost = innermost->get_subcommands().front();
  const CLI::App& active = *innermost;
  const std::vector<std::string> extra = app.remaining(true);
  const std::string word = extra.empty() ? "" : extra.front().substr(0, extra.front().find('='));
  const std::string nearest = platforms::Nearest(word, KnownWords(active));
  const bool option = !word.empty() && word[0] == '-';
  std::string message = (option ? "unknown option '" : "unexpected argument '") + word + "'";
  if (&active != &app) message += " of " + active.get_name();
  return message + (nearest.empty() ? " (see sim --help)" : "; did you mean '" + nearest + "'?");
}

// Options of a run before the name of a subcommand would be read and then ignored.
void RefuseMisplacedOptions(const CLI::App& app, const CLI::App& sub) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() > 0) {
      throw UsageError(option->get_name() + " stands before '" + sub.get_name() +
                       "', where it has no meaning");
    }
  }
  for (const CLI::App* below : sub.get_subcommands()) RefuseMisplacedOptions(sub, *below);
}

int Dispatch(int argc, char** argv) {
  CLI::App app("Bit-accurate, cycle-approximate simulation of NVFP4 inference.", "sim");
  app.set_version_flag("--version", VersionText);
  app.get_formatter()->column_width(36);
  app.require_subcommand(0, 1);
  app.footer("Example: sim --platform nearmem --trace mobilenet.trc --set datapath.block=32");
  const Command run = AddRun(app);
  const std::pair<const char*, Command> subcommands[] = {{"compile", AddCompile(app)},
                                                         {"calibrate", AddCalibrate(app)},
                                                         {"retrain", AddRetrain(app, argv)},
                                                         {"golden", AddGolden(app)},
                                                         {"show", AddShow(app)},
                                                         {"params", AddParams(app)},
                                                         {"formats", AddFormats(app)},
                                                         {"memory", AddMemory(app)},
                                                         {"quantize", AddQuantize(app)},
                                                         {"eval", AddEval(app)},
                                                         {"ablate", AddAblate(app)},
                                                         {"tune", AddTune(app)},
                                                         {"cpu", AddCpu(app)},
                                                         {"registers", AddRegisters(app)},
                                                         {"sweep", AddSweep(app)},
                                                         {"compare", AddCompare(app)},
                                                         {"report", AddReport(app)}};
  try {
    app.parse(argc, argv);
  } catch (const CLI::ExtrasError&) {
    return Fail(kUsage, UnexpectedWord(app));
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help, --version
    return Fail(kUsage, e.what());
  }
  for (const auto& [name, command] : subcommands) {
    if (!app.got_subcommand(name)) continue;
    RefuseMisplacedOptions(app, *app.get_subcommand(name));
    return command();
  }
  return run();
}

}  // namespace

int Main(int argc, char** argv) {
  setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
  CatchInterrupts();
  try {
    return Dispatch(argc, argv);
  } catch (const CheckFailed& e) {
    return Fail(kCheckFailed, e.what());
  } catch (const platforms::HostStuck& e) {
    return Fail(kCheckFailed, e.what());
  } catch (const UsageError& e) {
    return Fail(kUsage, e.what());
  } catch (const trace::OutputError& e) {
    return Fail(kUsage, e.what());
  } catch (const platforms::ParameterError& e) {
    return Fail(kUsage, e.what());
  } catch (const lowering::LoweringError& e) {
    return Fail(kUsage, e.what());
  } catch (const study::StudyError& e) {
    return Fail(kUsage, e.what());
  } catch (const study::LockError& e) {
    return Fail(kUsage, e.what());
  } catch (const study::DatabaseError& e) {
    return Fail(kIncomplete, std::string(e.what()) +
                                 (e.is_full() ? "; finished rows are kept: make room, then give "
                                                "the same command again"
                                              : ""));
  } catch (const trace::FileError& e) {
    return Fail(kBadInput, e.what());
  } catch (const report::RunFileError& e) {
    return Fail(kBadInput, e.what());
  } catch (const requests::FileError& e) {
    return Fail(kBadInput, e.what());
  } catch (const riscv::ElfError& e) {
    return Fail(kBadInput, e.what());
  } catch (const platforms::Interrupted& e) {
    return Fail(kInterrupted, e.what());
  } catch (const std::exception& e) {
    return Fail(kInternal, std::string("internal error: ") + e.what());
  }
}

}  // namespace nibble::cli

int main(int argc, char** argv) { return nibble::cli::Main(argc, argv); }
