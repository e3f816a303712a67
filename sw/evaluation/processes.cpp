#include "sw/evaluation/processes.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <new>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "platforms/machine.h"
#include "sw/trace/file.h"

namespace nibble::evaluation {
namespace {

constexpr int kPollMilliseconds = 200;  // how soon an interrupt is seen

enum class Kind : uint8_t { kResult, kFileError, kInterrupted, kError };

// What a worker tells: this, then `bytes` bytes.
struct Header {
  uint64_t index = 0;
  uint64_t bytes = 0;
  Kind kind = Kind::kResult;
};

[[noreturn]] void FailSystem(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// The next index that no worker has taken, in memory that all of them share.
class SharedCounter {
 public:
  SharedCounter() {
    void* memory =
        mmap(nullptr, sizeof(Value), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) FailSystem("mmap");
    value_ = new (memory) Value(0);
  }
  ~SharedCounter() { munmap(static_cast<void*>(value_), sizeof(Value)); }
  SharedCounter(const SharedCounter&) = delete;
  SharedCounter& operator=(const SharedCounter&) = delete;

  size_t Take() { return value_->fetch_add(1); }

 private:
  using Value = std::atomic<size_t>;
  static_assert(Value::is_always_lock_free, "several processes use it");
  Value* value_;
};

void WriteAll(int fd, const void* data, size_t bytes) {
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = write(fd, from, bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) FailSystem("write");
    from += written;
    bytes -= static_cast<size_t>(written);
  }
}

void Send(int fd, Kind kind, size_t index, const std::string& text) {
  const Header header{index, text.size(), kind};
  WriteAll(fd, &header, sizeof header);
  WriteAll(fd, text.data(), text.size());
}

// The whole life of a worker. It ends without destructors and buffers of files: those are the
// parent's.
[[noreturn]] void Work(int fd, SharedCounter& next, size_t count,
                       const std::function<std::string(size_t)>& work) {
  try {
    for (size_t i = next.Take(); i < count; i = next.Take()) {
      try {
        Send(fd, Kind::kResult, i, work(i));
      } catch (const trace::FileError& error) {
        Send(fd, Kind::kFileError, i, error.what());
      } catch (const platforms::Interrupted& error) {
        Send(fd, Kind::kInterrupted, i, error.what());
      } catch (const std::exception& error) {
        Send(fd, Kind::kError, i, error.what());
      }
    }
  } catch (...) {  // the parent is gone
    _exit(1);
  }
  _exit(0);
}

class Worker {
 public:
  Worker(SharedCounter& next, size_t count, const std::function<std::string(size_t)>& work) {
    int ends[2];
    if (pipe(ends) != 0) FailSystem("pipe");
    pid_ = fork();
    if (pid_ < 0) {
      close(ends[0]);
      close(ends[1]);
      FailSystem("fork");
    }
    if (pid_ == 0) {
      std::signal(SIGPIPE, SIG_IGN);
      close(ends[0]);
      Work(ends[1], next, count, work);
    }
    close(ends[1]);
    fd_ = ends[0];
  }
  ~Worker() {
    if (fd_ >= 0) close(fd_);
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }
  Worker(Worker&& other) noexcept
      : pid_(other.pid_), fd_(other.fd_), received_(std::move(other.received_)) {
    other.pid_ = other.fd_ = -1;
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  int fd() const { return fd_; }  // -1 when it has ended

  // Reads what is there, and hands each whole message to take(header, text).
  template <typename Take>
  void Receive(Take take) {
    char buffer[65536];
    const ssize_t got = read(fd_, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) return;
    if (got < 0) FailSystem("read");
    if (got == 0) return End();
    received_.append(buffer, static_cast<size_t>(got));
    Header header;
    while (received_.size() >= sizeof header) {
      std::memcpy(&header, received_.data(), sizeof header);
      if (received_.size() < sizeof header + header.bytes) return;
      const std::string text = received_.substr(sizeof header, header.bytes);
      received_.erase(0, sizeof header + header.bytes);
      take(header, text);
    }
  }

 private:
  void End() {
    close(fd_);
    fd_ = -1;
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && received_.empty()) return;
    throw std::runtime_error(WIFSIGNALED(status)
                                 ? fmt::format("a worker process ended by signal {} ({})",
                                               WTERMSIG(status), strsignal(WTERMSIG(status)))
                                 : std::string("a worker process ended early"));
  }

  pid_t pid_ = -1;
  int fd_ = -1;
  std::string received_;
};

void ThrowIfStopped(const std::atomic<bool>* stop) {
  if (stop != nullptr && *stop) throw platforms::Interrupted();
}

[[noreturn]] void Throw(Kind kind, const std::string& text) {
  if (kind == Kind::kFileError) throw trace::FileError(text);
  if (kind == Kind::kInterrupted) throw platforms::Interrupted();
  throw std::runtime_error(text);
}

}  // namespace

void ForEachInProcesses(int jobs, size_t count, const std::function<std::string(size_t)>& work,
                        const std::function<void(size_t, const std::string&)>& done,
                        const std::atomic<bool>* stop) {
  if (jobs < 1) throw std::invalid_argument("ForEachInProcesses: fewer than one job");
  if (jobs == 1 || count <= 1) {
    for (size_t i = 0; i < count; ++i) {
      done(i, work(i));
      ThrowIfStopped(stop);
    }
    return;
  }
  SharedCounter next;
  std::vector<Worker> workers;
  for (size_t i = 0; i < std::min(static_cast<size_t>(jobs), count); ++i) {
    workers.emplace_back(next, count, work);
  }
  struct Message {
    Kind kind;
    std::string text;
  };
  std::map<size_t, Message> early;  // by index: what came before its turn
  size_t turn = 0;
  while (turn < count) {
    ThrowIfStopped(stop);
    std::vector<pollfd> ends;
    ends.reserve(workers.size());
    for (const Worker& w : workers) ends.push_back({w.fd(), POLLIN, 0});  // fd -1 is passed over
    if (poll(ends.data(), ends.size(), kPollMilliseconds) < 0) {
      if (errno == EINTR) continue;
      FailSystem("poll");
    }
    for (size_t w = 0; w < workers.size(); ++w) {
      if (workers[w].fd() < 0 || ends[w].revents == 0) continue;
      workers[w].Receive([&](const Header& header, const std::string& text) {
        early.insert({header.index, {header.kind, text}});
      });
    }
    for (auto m = early.find(turn); m != early.end(); m = early.find(++turn)) {
      if (m->second.kind != Kind::kResult) Throw(m->second.kind, m->second.text);
      done(turn, m->second.text);
      early.erase(m);
      ThrowIfStopped(stop);
    }
  }
}

}  // namespace nibble::evaluation
