// sim cpu: a program on the RISC-V core with its RAM and local devices, without an accelerator.
#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "models/cpu/board.h"
#include "models/debug/gdb_server.h"
#include "models/sim_core/fresh_kernel.h"
#include "models/sim_core/run_kernel.h"
#include "sw/cli/commands.h"
#include "sw/cli/errors.h"
#include "sw/cli/interrupt.h"
#include "sw/cli/output.h"
#include "sw/cli/verify.h"
#include "sw/report/table.h"
#include "sw/trace/whole_file.h"

namespace nibble::cli {

namespace {

struct CpuArguments {
  std::string program, trace, json;
  cpu::CpuConfig config;
  std::optional<uint16_t> gdb;
};

struct CpuResult {
  riscv::HartCounters counters;
  uint64_t time_ps = 0;
  uint32_t status = 0;
};

void CheckConfig(const cpu::CpuConfig& config) {
  try {
    config.Check();
  } catch (const std::invalid_argument& e) {
    throw UsageError(e.what());
  }
}

std::optional<debug::GdbServer> Listen(const std::optional<uint16_t>& port) {
  if (!port) return std::nullopt;
  try {
    return std::optional<debug::GdbServer>(std::in_place, *port);
  } catch (const std::runtime_error& e) {
    throw UsageError(std::string("--gdb: ") + e.what());
  }
}

nlohmann::ordered_json Json(const CpuArguments& args, const sim::CounterRegistry& registry,
                            const CpuResult& result) {
  nlohmann::ordered_json json;
  json["schema"] = "nibble.cpu/1";
  json["program"] = args.program;
  json["exit_status"] = result.status;
  json["clock_mhz"] = args.config.clock_mhz;
  json["time_ns"] = static_cast<double>(result.time_ps) * 1e-3;
  for (const auto& column : registry.columns()) {
    json["counters"][column.info.name] = column.read(0);
  }
  json["energy_pj"] = riscv::EnergyPj(result.counters);
  for (const riscv::EnergyPrice& price : riscv::EnergyPrices()) {
    json["prices"].push_back(
        {{"counter", price.counter}, {"pj", price.pj}, {"source", price.source}});
  }
  return json;
}

std::string Text(const sim::CounterRegistry& registry, const CpuResult& result) {
  report::Table table;
  table.AddColumn("counter", "", report::Table::Align::kLeft);
  table.AddColumn("count", "");
  table.AddColumn("meaning", "", report::Table::Align::kLeft);
  for (const auto& column : registry.columns()) {
    table.AddRow({column.info.name, fmt::format("{}", column.read(0)), column.info.meaning});
  }
  return fmt::format("{}\ntime {}, energy {} ({})\n", table.Render(0),
                     report::WithUnit(static_cast<double>(result.time_ps) * 1e-12, "s"),
                     report::WithUnit(riscv::EnergyPj(result.counters) * 1e-12, "J"),
                     "at work; docs/cpu.md has the prices");
}

int Cpu(const CpuArguments& args) {
  CheckConfig(args.config);
  const OutputFile json(args.json);
  const riscv::ElfImage image = riscv::ReadElf(args.program);
  std::ofstream trace;
  if (!args.trace.empty()) {
    CheckWritable(args.trace);
    trace.open(args.trace);
  }
  std::optional<debug::GdbServer> server = Listen(args.gdb);

  const sim::FreshKernel kernel;
  cpu::Board board(args.config, json.is_stdout() ? std::cerr : std::cout);
  board.cpu.Load(image, args.program);
  board.cpu.StopWhen(Interrupted());
  if (trace.is_open()) board.cpu.TraceTo(trace);
  if (server) {
    board.cpu.Attach(*server);
    std::fprintf(stderr, "sim: waiting for GDB: target remote 127.0.0.1:%u\n", server->port());
  }
  sim::CounterRegistry registry;
  board.cpu.RegisterCounters(registry);
  sim::RunKernel();
  trace.close();
  if (trace.fail() && !args.trace.empty())
    throw trace::OutputError(args.trace + ": cannot be written");
  StopIfInterrupted();
  if (board.cpu.killed()) throw CheckFailed(args.program + ": killed by the debugger");
  if (!board.cpu.exit_status()) {
    throw CheckFailed(fmt::format("{}: sleeps in wfi before {:#x}, and nothing is left to wake it",
                                  args.program, board.cpu.hart().state().pc));
  }

  const CpuResult result = {board.cpu.counters(), sc_core::sc_time_stamp().value(),
                            *board.cpu.exit_status()};
  if (json.wanted()) json.Write(Json(args, registry, result).dump(1) + "\n");
  if (!json.is_stdout()) Print(Text(registry, result));
  if (result.status != 0) {
    throw CheckFailed(fmt::format("{}: exit status {}", args.program, result.status));
  }
  return kDone;
}

}  // namespace

Command AddCpu(CLI::App& app) {
  auto args = std::make_shared<CpuArguments>();
  CLI::App* sub = app.add_subcommand("cpu", "run a RISC-V program on the control processor alone");
  sub->add_option("program", args->program, "ELF executable for RV32IMAC, without operating system")
      ->required()
      ->option_text("FILE");
  sub->add_option("--gdb", args->gdb, "wait for GDB on this port of 127.0.0.1; 0: any free one")
      ->option_text("PORT");
  sub->add_option("--trace-instructions", args->trace, "write a line for each instruction")
      ->option_text("FILE");
  sub->add_option("--clock", args->config.clock_mhz, "clock of the core")
      ->option_text("MHZ")
      ->capture_default_str();
  sub->add_option("--ram", args->config.ram_bytes, "size of the RAM at 0x80000000")
      ->option_text("BYTES")
      ->capture_default_str();
  sub->add_option("--json", args->json,
                  "write the totals as JSON; - is stdout, and the program prints to stderr")
      ->option_text("FILE");
  return [args] { return Cpu(*args); };
}

}  // namespace nibble::cli
