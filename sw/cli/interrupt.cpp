#include "sw/cli/interrupt.h"

#include <csignal>

#include "platforms/machine.h"

namespace nibble::cli {

namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set by a signal handler");

}  // namespace

void CatchInterrupts() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = true; };
  action.sa_flags = SA_RESETHAND;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

const std::atomic<bool>& Interrupted() { return interrupted; }

void StopIfInterrupted() {
  if (interrupted) throw platforms::Interrupted();
}

}  // namespace nibble::cli
