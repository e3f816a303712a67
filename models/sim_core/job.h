// The job that the engines work on: what is under way, and what went wrong.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <systemc>
#include <vector>

#include "models/sim_core/clock.h"
#include "models/sim_core/command.h"
#include "models/sim_core/fault.h"

namespace nibble::sim {

// Token channels between all pairs of engines.
class TokenBoard {
 public:
  unsigned& count(Engine from, Engine to) {
    return count_[static_cast<int>(from)][static_cast<int>(to)];
  }
  sc_core::sc_event& given(Engine to) { return given_[static_cast<int>(to)]; }
  void Clear() {
    for (auto& row : count_) std::fill(std::begin(row), std::end(row), 0u);
  }
  // Whoever waits for a token looks up.
  void WakeAll() {
    for (sc_core::sc_event& event : given_) event.notify();
  }

 private:
  unsigned count_[kEngines][kEngines] = {};
  sc_core::sc_event given_[kEngines];
};

// When each layer of the present job was complete; kPending until then.
class LayerEnds {
 public:
  static constexpr uint64_t kPending = ~uint64_t{0};
  explicit LayerEnds(size_t layers) : cycles_(layers, kPending) {}
  // A job begins at machine cycle `cycle`.
  void Restart(uint64_t cycle) {
    begin_ = cycle;
    std::fill(cycles_.begin(), cycles_.end(), kPending);
  }
  void Set(size_t layer, uint64_t cycle) { cycles_[layer] = cycle; }
  uint64_t begin() const { return begin_; }
  // The cycle from which a wait for a word of `layer` is that layer's own: the end of the layer
  // before.
  uint64_t Begin(size_t layer) const { return layer == 0 ? begin_ : cycles_[layer - 1]; }

 private:
  uint64_t begin_ = 0;
  std::vector<uint64_t> cycles_;
};

// A job ends when all of its words have been handed to engines and each has been executed; or, when
// it is stopped, as soon as every engine has finished what it was at. Calls are immediate.
class Job {
 public:
  explicit Job(TokenBoard& tokens) : tokens_(tokens) {}

  // `ended` is called when a job has ended.
  void OnEnd(std::function<void()> ended) { ended_ = std::move(ended); }

  void Begin(uint64_t cycle);
  bool running() const { return running_; }

  // Ends the job early; the first fault counts. Without a fault: somebody wants the engines idle.
  // `detail` is for people.
  void Stop(const Fault& fault, const std::string& detail = "");
  bool stopped() const { return stopped_; }
  const Fault& fault() const { return fault_; }
  const std::string& detail() const { return detail_; }

  // By the command processor: a word was handed out; there will be no more.
  void Issue() { ++pending_; }
  void EndOfWords();
  // By engines: a word was executed, or dropped because the job is stopped.
  void Retire();

  // By engines: one begins to work, or has done so until now.
  void WorkBegins() { ++working_; }
  void WorkEnds(uint64_t cycle) {
    --working_;
    idle_since_ = cycle;
  }
  // Since when no engine works, while none does.
  bool working() const { return working_ > 0; }
  uint64_t idle_since() const { return idle_since_; }

 private:
  void EndIfIdle();

  TokenBoard& tokens_;
  std::function<void()> ended_;
  bool running_ = false, stopped_ = false, all_issued_ = false;
  Fault fault_;
  std::string detail_;
  uint64_t pending_ = 0;
  int working_ = 0;
  uint64_t idle_since_ = 0;
};

}  // namespace nibble::sim
