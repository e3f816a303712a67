// What every engine has in common: a queue of command words, dependency tokens, and an account of
// each cycle.
#pragma once

#include <deque>
#include <string>
#include <systemc>
#include <vector>

#include "models/sim_core/clock.h"
#include "models/sim_core/command.h"
#include "models/sim_core/counters.h"
#include "models/sim_core/job.h"
#include "models/sim_core/recorder.h"

namespace nibble::sim {

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
    Job& job;
    const LayerEnds& layer_ends;
    size_t layers;
    uint32_t queue_depth;
    Recorder* recorder = nullptr;
  };
  EngineModule(const sc_core::sc_module_name& name, Engine engine, const Context& context);

  bool full() const { return queue_.size() >= context_.queue_depth; }
  // `index` of the word in its job.
  void Push(const Command& command, uint32_t index);
  // A job begins: configurations of an earlier one no longer hold.
  virtual void BeginJob() {}
  const sc_core::sc_event& popped() const { return popped_; }
  Engine engine() const { return engine_; }

  // Of all layers so far.
  uint64_t commands() const { return Sum(&EngineCounters::commands); }
  uint64_t busy_cycles() const { return Sum(&EngineCounters::busy_cycles); }

  // Registers cycles and stalls by cause; `peers` are the engines that the platform has.
  void RegisterCounters(CounterRegistry& registry, const std::vector<Engine>& peers) const;

 protected:
  // What makes the command impossible to execute in the engine's present state.
  virtual Fault Check(const Command& /*command*/) const { return {}; }
  // Does the command's work and lets its time pass (wait), in whole machine cycles.
  virtual void Execute(const Command& command) = 0;

  // The job cannot go on: to be called from Execute, which then returns.
  void Stop(Fault fault, const std::string& detail = "");
  // Whether the word at work has stopped it.
  bool stopped_by_me() const { return stopped_by_me_; }

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
  struct Entry {
    Command command;
    uint32_t index;
  };
  void Run();
  void Process(const Entry& entry, uint64_t idle_since);
  void ExecuteOrStop(const Command& command);
  // False: the job was stopped meanwhile.
  bool TakeTokens(const Command& command, EngineCounters& row);
  // Books a wait from `start` until now for a word to `stall`, as far as its layer had begun.
  void BookWait(uint64_t start, const Command& command, uint64_t& stall, const char* cause);
  void RecordQueue() const {
    if (context_.recorder != nullptr) context_.recorder->Queued(engine_, queue_.size(), NowPs());
  }
  uint64_t NowPs() const { return clock().Now() * clock().period_ps(); }

  uint64_t Sum(uint64_t EngineCounters::*member) const;

  Engine engine_;
  Context context_;
  std::deque<Entry> queue_;
  sc_core::sc_event pushed_, popped_;
  uint32_t index_ = 0;  // of the word at work
  bool stopped_by_me_ = false;
  std::vector<EngineCounters> rows_;
};

}  // namespace nibble::sim
