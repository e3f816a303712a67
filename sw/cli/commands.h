// The subcommands of `sim`. Each Add... declares its options on `app` and returns what to call when
// they are parsed: a function that gives the exit code, and throws for bad input (see errors.h).
#pragma once

#include <CLI/App.hpp>
#include <functional>

namespace nibble::cli {

using Command = std::function<int()>;

Command AddRun(CLI::App& app);        // sim --platform P --trace T ...: no subcommand of its own
Command AddCompile(CLI::App& app);    // sim compile
Command AddCalibrate(CLI::App& app);  // sim calibrate
Command AddRetrain(CLI::App& app, char** words);  // sim retrain; main's argv
Command AddGolden(CLI::App& app);                 // sim golden
Command AddEval(CLI::App& app);                   // sim eval
Command AddAblate(CLI::App& app);                 // sim ablate
Command AddTune(CLI::App& app);                   // sim tune
Command AddShow(CLI::App& app);                   // sim show
Command AddParams(CLI::App& app);                 // sim params
Command AddFormats(CLI::App& app);                // sim formats
Command AddMemory(CLI::App& app);                 // sim memory
Command AddQuantize(CLI::App& app);               // sim quantize
Command AddCpu(CLI::App& app);                    // sim cpu
Command AddRegisters(CLI::App& app);              // sim registers
Command AddSweep(CLI::App& app);                  // sim sweep, and subcommands of its own
Command AddCompare(CLI::App& app);                // sim compare
Command AddReport(CLI::App& app);                 // sim report

}  // namespace nibble::cli
