#include "sw/study/own_process.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "platforms/machine.h"

namespace nibble::study {

namespace {

constexpr int kPollMilliseconds = 200;  // how soon an interrupt is seen

[[noreturn]] void FailSystem(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// The whole life of a process. It ends without destructors and buffers of files: those are the
// parent's.
[[noreturn]] void Work(int fd, pid_t parent, size_t index,
                       const std::function<std::string(size_t)>& work) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // which ended before the line above
  std::signal(SIGINT, SIG_IGN);       // Ctrl-C goes to all of the terminal; the parent decides
  std::signal(SIGTERM, SIG_DFL);
  try {
    const std::string bytes = work(index);
    for (size_t at = 0; at < bytes.size();) {
      const ssize_t written = write(fd, bytes.data() + at, bytes.size() - at);
      if (written < 0 && errno != EINTR) _exit(1);
      if (written > 0) at += static_cast<size_t>(written);
    }
  } catch (...) {
    _exit(1);
  }
  _exit(0);
}

class Process {
 public:
  Process(size_t index, const std::function<std::string(size_t)>& work) : index_(index) {
    int ends[2];
    if (pipe(ends) != 0) FailSystem("pipe");
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ < 0) {
      close(ends[0]);
      close(ends[1]);
      FailSystem("fork");
    }
    if (pid_ == 0) Work(ends[1], parent, index, work);
    close(ends[1]);
    fd_ = ends[0];
  }
  ~Process() {
    if (pid_ < 0) return;
    close(fd_);
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Process(Process&& other) noexcept { *this = std::move(other); }
  Process& operator=(Process&& other) noexcept {
    std::swap(index_, other.index_);
    std::swap(pid_, other.pid_);
    std::swap(fd_, other.fd_);
    std::swap(result_, other.result_);
    return *this;
  }

  size_t index() const { return index_; }
  int fd() const { return fd_; }
  const ProcessResult& result() const { return result_; }

  // Reads what is there. True when the process has ended.
  bool Receive() {
    char buffer[65536];
    const ssize_t got = read(fd_, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) return false;
    if (got < 0) FailSystem("read");
    result_.bytes.append(buffer, static_cast<size_t>(got));
    if (got > 0) return false;
    close(fd_);
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    if (WIFSIGNALED(status)) {
      const int signal = WTERMSIG(status);
      result_.ended = fmt::format("ended by signal {} ({})", signal, strsignal(signal));
    } else if (WEXITSTATUS(status) != 0) {
      result_.ended = fmt::format("ended with exit code {}", WEXITSTATUS(status));
    }
    return true;
  }

 private:
  size_t index_ = 0;
  pid_t pid_ = -1;
  int fd_ = -1;
  ProcessResult result_;
};

}  // namespace

void ForEachInOwnProcess(int jobs, size_t count, const std::function<std::string(size_t)>& work,
                         const std::function<void(size_t, const ProcessResult&)>& done,
                         const std::atomic<bool>* stop) {
  if (jobs < 1) throw std::invalid_argument("ForEachInOwnProcess: fewer than one job");
  std::vector<Process> running, ended;
  for (size_t next = 0; next < count || !running.empty() || !ended.empty();) {
    if (stop != nullptr && *stop) throw platforms::Interrupted();
    // The next ones start before what the last ones did is taken, which may have to wait for a
    // disk.
    while (next < count && running.size() < static_cast<size_t>(jobs)) {
      running.emplace_back(next++, work);
    }
    for (const Process& p : ended) done(p.index(), p.result());
    ended.clear();
    std::vector<pollfd> ends;
    ends.reserve(running.size());
    for (const Process& p : running) ends.push_back({p.fd(), POLLIN, 0});
    if (poll(ends.data(), ends.size(), running.empty() ? 0 : kPollMilliseconds) < 0 &&
        errno != EINTR) {
      FailSystem("poll");
    }
    for (size_t i = running.size(); i-- > 0;) {
      if (ends[i].revents == 0 || !running[i].Receive()) continue;
      ended.push_back(std::move(running[i]));
      running.erase(running.begin() + static_cast<ptrdiff_t>(i));
    }
  }
}

}  // namespace nibble::study
