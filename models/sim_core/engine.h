// What every engine has in common: a queue of command words, dependency tokens, and an account of
// each cycle.
#pragma once

#include <deque>
#include <systemc>
#include <vector>

#include "models/sim_core/clock.h"
#include "models/sim_core/command.h"
#include "models/sim_core/counters.h"
#include "models/sim_core/recorder.h"

namespace nibble::sim {

// Token channels between all pairs of engines.
class TokenBoard {
 public:
  unsigned& count(Engine from, Engine to) {
    return count_[static_cast<int>(from)][static_cast<int>(to)];
  }
  sc_core::sc_event& given(Engine to) { return given_[static_cast<int>(to)]; }

 private:
  unsigned count_[kEngines][kEngines] = {};
  sc_core::sc_event given_[kEngines];
};

// When each layer was complete; kPending until then.
class LayerEnds {
 public:
  static constexpr uint64_t kPending = ~uint64_t{0};
  explicit LayerEnds(size_t layers) : cycles_(layers, kPending) {}
  void Set(size_t layer, uint64_t cycle) { cycles_[layer] = cycle; }
  // The cycle from which a wait for a word of `layer` is that layer's own: the end of the layer
  // before.
  uint64_t Begin(size_t layer) const { return layer == 0 ? 0 : cycles_[layer - 1]; }

 private:
  std::vector<uint64_t> cycles_;
};

struct EngineCounters {
  uint64_t commands = 0;
  uint64_t busy_cycles = 0;
  uint64_t wait_layer_cycles = 0;   // not its turn: the layer before is not complete
  uint64_t stall_fetch_cycles = 0;  // no command word to execute
  uint64_t stall_cycles[kEngines] = {};
};

class EngineModule : public sc_core::sc_module {
 public:
  struct Context {
    const Clock& clock;
    TokenBoard& tokens;
    const LayerEnds& layer_ends;
    size_t layers;
    uint32_t queue_depth;
    Recorder* recorder = nullptr;
  };
  EngineModule(const sc_core::sc_module_name& name, Engine engine, const Context& context);

  bool full() const { return queue_.size() >= context_.queue_depth; }
  void Push(const Command& command);
  const sc_core::sc_event& popped() const { return popped_; }
  Engine engine() const { return engine_; }

  // Registers cycles and stalls by cause; `peers` are the engines that the platform has.
  void RegisterCounters(CounterRegistry& registry, const std::vector<Engine>& peers) const;

 protected:
  // Does the command's work and lets its time pass (wait), in whole machine cycles.
  virtual void Execute(const Command& command) = 0;

  const Clock& clock() const { return context_.clock; }
  void Spend(uint64_t cycles) {
    if (cycles > 0) wait(clock().Time(cycles));
  }
  // Lets time pass until machine cycle `cycle`.
  void SpendUntil(uint64_t cycle) {
    const uint64_t now = clock().Now();
    if (cycle > now) Spend(cycle - now);
  }

 private:
  void Run();
  void TakeTokens(const Command& command, EngineCounters& row);
  // Books a wait from `start` until now for a word to `stall`, as far as its layer had begun.
  void BookWait(uint64_t start, const Command& command, uint64_t& stall, const char* cause);
  uint64_t NowPs() const { return clock().Now() * clock().period_ps(); }

  Engine engine_;
  Context context_;
  std::deque<Command> queue_;
  sc_core::sc_event pushed_, popped_;
  std::vector<EngineCounters> rows_;
};

}  // namespace nibble::sim
