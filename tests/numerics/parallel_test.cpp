// Loops shared out to threads.
#include "models/numerics/parallel.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <stdexcept>
#include <vector>

namespace nibble::numerics {
namespace {

struct UseThreads {
  explicit UseThreads(int n) { SetThreads(n); }
  ~UseThreads() { SetThreads(1); }
};

TEST_CASE("every iteration runs once, on any number of threads") {
  for (int threads : {1, 2, 3, 8}) {
    const UseThreads use(threads);
    CHECK(Threads() == threads);
    for (size_t count : {0u, 1u, 2u, 5u, 64u, 1000u}) {
      for (size_t grain : {1u, 7u, 100u}) {
        std::vector<std::atomic<int>> calls(count);
        ParallelFor(count, grain, [&](size_t begin, size_t end) {
          for (size_t i = begin; i < end; ++i) ++calls[i];
        });
        size_t once = 0;
        for (const auto& c : calls) once += c == 1;
        CHECK(once == count);
      }
    }
  }
}

TEST_CASE("loops within loops run where they are, and many loops follow each other") {
  const UseThreads use(4);
  std::atomic<int> sum = 0;
  for (int repeat = 0; repeat < 200; ++repeat) {
    ParallelFor(8, 1, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) {
        ParallelFor(3, 1, [&](size_t b, size_t e) { sum += static_cast<int>(e - b); });
      }
    });
  }
  CHECK(sum == 200 * 8 * 3);
}

TEST_CASE("an exception of a part comes out of the loop, and the next loop works") {
  const UseThreads use(3);
  for (int repeat = 0; repeat < 20; ++repeat) {
    CHECK_THROWS_AS(ParallelFor(100, 1,
                                [](size_t begin, size_t) {
                                  if (begin >= 50) throw std::runtime_error("part");
                                }),
                    std::runtime_error);
    std::atomic<size_t> done = 0;
    ParallelFor(100, 1, [&](size_t begin, size_t end) { done += end - begin; });
    CHECK(done == 100);
  }
  CHECK_THROWS_AS(SetThreads(0), std::invalid_argument);
}

}  // namespace
}  // namespace nibble::numerics
