// Loops shared out to threads. A loop's parts must not depend on each other, so that the results
// are the same bits for any number of threads.
#pragma once

#include <cstddef>
#include <functional>

namespace nibble::numerics {

// Threads that ParallelFor uses, the calling one included; 1 until set. Throws
// std::invalid_argument below 1. Not while a loop runs.
void SetThreads(int threads);
int Threads();

// Calls body(begin, end) for parts of [0, count) that cover it, each on one thread, and returns
// when all are done; the first exception of a part is thrown again here. Parts have at least
// `grain` iterations, for fewer are not worth a thread. From within a part the loop runs on that
// thread.
void ParallelFor(size_t count, size_t grain, const std::function<void(size_t, size_t)>& body);

}  // namespace nibble::numerics
