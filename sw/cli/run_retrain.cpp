#include "sw/cli/run_retrain.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "platforms/machine.h"
#include "sw/cli/errors.h"
#include "sw/cli/interrupt.h"
#include "sw/cli/retrain_options.h"
#include "sw/trace/file.h"

namespace nibble::cli {

void RunRetrain(const std::vector<std::string>& words) {
  const std::string program = RetrainProgram();
  std::vector<std::string> arguments{program};
  arguments.insert(arguments.end(), words.begin(), words.end());
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& word : arguments) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int error = posix_spawn(&child, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw UsageError(program + ": " + std::strerror(error));
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw UsageError(program + ": " + std::strerror(errno));
    if (Interrupted()) kill(child, SIGINT);  // of a terminal it has heard already
  }
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : kInternal;
  if (code == kDone) return;
  if (code == kInterrupted) throw platforms::Interrupted();
  const std::string message = fmt::format("{} ended with {}", program, code);
  if (code == kBadInput) throw trace::FileError(message);
  if (code == kUsage) throw UsageError(message);
  throw std::runtime_error(message);
}

}  // namespace nibble::cli
