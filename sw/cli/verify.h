// --verify: what the machine stored against what the golden executor stores.
#pragma once

#include <stdexcept>
#include <vector>

#include "platforms/machine.h"
#include "sw/golden/golden.h"
#include "sw/trace/network.h"

namespace nibble::cli {

// Exit code 1.
class CheckFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What golden stores, given `input`.
golden::Execution RunGolden(const trace::Network& net, const platforms::DesignPoint& design,
                            const std::vector<float>& input);

// Compares every stored tensor, in order of execution. Returns how many there are; throws
// CheckFailed with the first differing tensor, index and both values.
size_t Verify(const trace::Network& net, const sim::Program& program,
              const platforms::ProgramOutcome& outcome, const golden::Execution& expected);

// Throws CheckFailed unless the machine has run the network and, with `tensors`, stored every one:
// firmware need not run a program, or not to its end.
void CheckRan(const trace::Network& net, const platforms::ProgramOutcome& outcome, bool tensors);

}  // namespace nibble::cli
