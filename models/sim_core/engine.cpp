#include "models/sim_core/engine.h"

#include <algorithm>

#include "models/sim_core/coroutine_stack.h"

namespace nibble::sim {

namespace {

// One stall counter as a column of its own; the counter lives in an array, which a member pointer
// cannot name.
struct StallColumn {
  const std::vector<EngineCounters>* rows;
  int cause;
  uint64_t operator()(size_t layer) const { return (*rows)[layer].stall_cycles[cause]; }
};

}  // namespace

EngineModule::EngineModule(const sc_core::sc_module_name& name, Engine engine,
                           const Context& context)
    : sc_module(name), engine_(engine), context_(context), rows_(context.layers) {
  SC_HAS_PROCESS(EngineModule);
  SC_THREAD(Run);
}

void EngineModule::Push(const Command& command) {
  queue_.push_back(command);
  pushed_.notify();
}

void EngineModule::BookWait(uint64_t start, size_t layer, uint64_t& cause) {
  const uint64_t now = clock().Now();
  const uint64_t begin = std::clamp(context_.layer_ends.Begin(layer), start, now);
  rows_[layer].wait_layer_cycles += begin - start;
  cause += now - begin;
}

void EngineModule::TakeTokens(const Command& command, EngineCounters& row) {
  for (int from = 0; from < kEngines; ++from) {
    if (!(command.wait >> from & 1)) continue;
    unsigned& count = context_.tokens.count(static_cast<Engine>(from), engine_);
    const uint64_t start = clock().Now();
    while (count == 0) wait(context_.tokens.given(engine_));
    --count;
    BookWait(start, command.layer, row.stall_cycles[from]);
  }
}

void EngineModule::Run() {
  ForgetEarlierFrames();
  for (;;) {
    const uint64_t idle_since = clock().Now();
    while (queue_.empty()) wait(pushed_);
    const Command command = queue_.front();
    queue_.pop_front();
    popped_.notify();

    EngineCounters& row = rows_[command.layer];
    BookWait(idle_since, command.layer, row.stall_fetch_cycles);
    TakeTokens(command, row);
    const uint64_t start = clock().Now();
    Execute(command);
    row.busy_cycles += clock().Now() - start;
    ++row.commands;
    for (int to = 0; to < kEngines; ++to) {
      if (!(command.signal >> to & 1)) continue;
      ++context_.tokens.count(engine_, static_cast<Engine>(to));
      context_.tokens.given(static_cast<Engine>(to)).notify();
    }
  }
}

void EngineModule::RegisterCounters(CounterRegistry& registry,
                                    const std::vector<Engine>& peers) const {
  const std::string component = EngineName(engine_);
  registry.Register<EngineCounters>(
      component, rows_,
      {{"commands", "1", "command words executed", &EngineCounters::commands},
       {"busy_cycles", "cycles", "cycles spent executing", &EngineCounters::busy_cycles},
       {"wait_layer_cycles", "cycles", "cycles waiting before the layer before was complete",
        &EngineCounters::wait_layer_cycles},
       {"stall_fetch_cycles", "cycles", "cycles without a command word",
        &EngineCounters::stall_fetch_cycles}});
  for (Engine peer : peers) {
    if (peer == engine_) continue;
    registry.RegisterColumn(
        {component, std::string("stall_") + EngineName(peer) + "_cycles", "cycles",
         std::string("cycles waiting for the ") + EngineName(peer) + " engine"},
        StallColumn{&rows_, static_cast<int>(peer)});
  }
}

}  // namespace nibble::sim
