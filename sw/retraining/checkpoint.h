// A training on disk, so that it goes on where it was stopped, however that was.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sw/retraining/state.h"

namespace nibble::retraining {

// What a training depends on: names and hashes or values.
using Identity = std::vector<std::pair<std::string, std::string>>;

// Beside the file, then renamed: what is there is always whole. Throws trace::OutputError.
void WriteCheckpoint(const std::string& path, const Identity& identity, const State& state);

// Nothing where there is no file. `shape` is that of the network's parameters. Throws
// trace::FileError where it is damaged, or of another training, naming what differs.
std::optional<State> ReadCheckpoint(const std::string& path, const Identity& identity,
                                    const Parameters& shape);

}  // namespace nibble::retraining
