#include "models/numerics/parallel.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace nibble::numerics {
namespace {

using Body = std::function<void(size_t, size_t)>;

// True on threads that work on a part.
thread_local bool inside = false;

// Workers that wait for the parts of one loop at a time.
class Pool {
 public:
  explicit Pool(int workers) {
    for (int i = 0; i < workers; ++i) threads_.emplace_back([this] { Work(); });
  }
  ~Pool() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& t : threads_) t.join();
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  void Run(size_t count, size_t part, const Body& body) {
    std::unique_lock<std::mutex> lock(mutex_);
    body_ = &body;
    count_ = count;
    part_ = part;
    next_ = 0;
    error_ = nullptr;
    wake_.notify_all();
    TakeParts(lock);
    done_.wait(lock, [this] { return running_ == 0; });
    body_ = nullptr;
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void Work() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return stop_ || (body_ != nullptr && next_ < count_); });
      if (stop_) return;
      TakeParts(lock);
    }
  }

  // Holds the lock but while it works.
  void TakeParts(std::unique_lock<std::mutex>& lock) {
    while (next_ < count_) {
      const size_t begin = next_, end = std::min(count_, begin + part_);
      next_ = end;
      ++running_;
      const Body& body = *body_;
      lock.unlock();
      std::exception_ptr error;
      inside = true;
      try {
        body(begin, end);
      } catch (...) {
        error = std::current_exception();
      }
      inside = false;
      lock.lock();
      if (error && !error_) error_ = error;
      --running_;
    }
    if (running_ == 0) done_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> threads_;
  const Body* body_ = nullptr;
  size_t count_ = 0, part_ = 1, next_ = 0;
  int running_ = 0;  // parts
  std::exception_ptr error_;
  bool stop_ = false;
};

std::unique_ptr<Pool>& ThePool() {
  static std::unique_ptr<Pool> pool;
  return pool;
}
int threads = 1;

}  // namespace

void SetThreads(int count) {
  if (count < 1) throw std::invalid_argument("threads: " + std::to_string(count) + " is below 1");
  ThePool() = count > 1 ? std::make_unique<Pool>(count - 1) : nullptr;
  threads = count;
}

int Threads() { return threads; }

void ParallelFor(size_t count, size_t grain, const Body& body) {
  if (count == 0) return;
  if (threads == 1 || inside || count <= grain) return body(0, count);
  // Four parts a thread, so that none waits long for the last.
  const size_t parts = std::min(count / std::max<size_t>(grain, 1), size_t(threads) * 4);
  ThePool()->Run(count, (count + parts - 1) / parts, body);
}

}  // namespace nibble::numerics
