// Work shared out to processes: the SystemC kernel is one to a process, so that images run side by
// side only in several.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <string>

namespace nibble::evaluation {

// Calls work(i) for each i in [0, count), in up to `jobs` processes that are copies of this one,
// and done(i, bytes) here with what work(i) returned, for i ascending: what is done in `done` does
// not depend on `jobs`. With one job nothing is forked. Call it from a process of one thread.
//
// What work throws is thrown here: a trace::FileError or platforms::Interrupted as such, all else
// as std::runtime_error with its text. The calls of `done` before it have been made. Throws
// platforms::Interrupted soon after `stop` (may be null) is set.
void ForEachInProcesses(int jobs, size_t count, const std::function<std::string(size_t)>& work,
                        const std::function<void(size_t, const std::string&)>& done,
                        const std::atomic<bool>* stop = nullptr);

}  // namespace nibble::evaluation
