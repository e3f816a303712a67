#include "sw/study/launch.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "sw/study/study.h"

namespace nibble::study {

namespace {

std::string RunCommand(const LaunchOptions& o, const std::string& shard) {
  return fmt::format("{} sweep run {} --shard {}/{} -j {}", ShellQuoted(o.program),
                     ShellQuoted(o.folder), shard, o.shards, o.jobs);
}

// What the command prints, on stderr, too. Throws StudyError when it fails.
std::string Output(const std::string& command) {
  FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) throw StudyError("cannot start " + command);
  std::string output;
  std::array<char, 4096> buffer;
  for (size_t got = 0; (got = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    output.append(buffer.data(), got);
  }
  const int status = pclose(pipe);
  while (!output.empty() && output.back() == '\n') output.pop_back();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return output;
  std::replace(output.begin(), output.end(), '\n', ' ');
  throw StudyError(fmt::format(
      "sbatch failed: {} (the study is ready: --launcher local or print run it without Slurm)",
      output.empty() ? "no message" : output));
}

// Returns the number of the job: the first word of what --parsable prints, up to its cluster.
std::string Submit(const LaunchOptions& o, const std::string& arguments,
                   const std::string& command) {
  const std::string output = Output(fmt::format("sbatch --parsable {} {} --wrap {}", arguments,
                                                o.slurm_args, ShellQuoted(command)));
  const size_t line = output.rfind('\n');  // warnings come before it
  const std::string last = line == std::string::npos ? output : output.substr(line + 1);
  return last.substr(0, last.find(';'));
}

}  // namespace

std::string ShellQuoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + '\'';
}

std::vector<std::string> ShardCommands(const LaunchOptions& options) {
  std::vector<std::string> commands;
  for (size_t i = 0; i < options.shards; ++i) {
    commands.push_back(RunCommand(options, std::to_string(i)));
  }
  return commands;
}

std::string MergeCommand(const LaunchOptions& options) {
  return fmt::format("{} sweep merge {}", ShellQuoted(options.program),
                     ShellQuoted(options.folder));
}

std::string SubmitToSlurm(const LaunchOptions& o) {
  // The shard's number and not Slurm's count of tasks: of an array that is submitted in part, that
  // would be another.
  const std::string array =
      Submit(o,
             fmt::format("--job-name=nibble --array=0-{} --cpus-per-task={} --output={}",
                         o.shards - 1, o.jobs, ShellQuoted(o.folder + "/shards/%a.log")),
             RunCommand(o, "$SLURM_ARRAY_TASK_ID"));
  const std::string merge =
      Submit(o,
             fmt::format("--job-name=nibble-merge --dependency=afterany:{} --output={}", array,
                         ShellQuoted(o.folder + "/merge.log")),
             MergeCommand(o));
  return fmt::format("submitted job {} of {} shards, and job {} to merge them", array, o.shards,
                     merge);
}

}  // namespace nibble::study
