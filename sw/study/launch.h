// How the shards of a study are started: as jobs of Slurm, or by whoever takes their commands.
#pragma once

#include <string>
#include <vector>

namespace nibble::study {

struct LaunchOptions {
  std::string program;  // absolute path of `sim`
  std::string folder;   // of the study, absolute
  size_t shards = 1;
  int jobs = 1;            // processes of each shard
  std::string slurm_args;  // further arguments of sbatch, as a shell takes them
};

// `text` as one word of a shell's command, in single quotes.
std::string ShellQuoted(const std::string& text);

// One command a shard; then `sim sweep merge FOLDER` is due.
std::vector<std::string> ShardCommands(const LaunchOptions& options);
std::string MergeCommand(const LaunchOptions& options);

// An array of shards, and behind it a job that merges, whatever became of the shards. Returns what
// was submitted, in a line. Throws StudyError with what sbatch said.
std::string SubmitToSlurm(const LaunchOptions& options);

}  // namespace nibble::study
