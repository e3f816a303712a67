// Work in a process of its own each: whatever ends one, a crash, a kill or no memory, ends no
// other.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <string>

namespace nibble::study {

// What came of one: its bytes, or, where it did not come to its end, how it ended instead.
struct ProcessResult {
  std::string bytes;
  std::string ended;  // "ended by signal 9 (Killed)"; empty: bytes are whole
};

// Forks a process for each of 0..count-1, `jobs` at a time, which calls work(i) and is over; calls
// done(i, result) here, in the order in which they end. Processes do not outlive this one, and are
// killed when `done` throws. Throws platforms::Interrupted soon after `stop` is set.
void ForEachInOwnProcess(int jobs, size_t count, const std::function<std::string(size_t)>& work,
                         const std::function<void(size_t, const ProcessResult&)>& done,
                         const std::atomic<bool>* stop);

}  // namespace nibble::study
