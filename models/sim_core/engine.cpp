#include "models/sim_core/engine.h"

#include <algorithm>
#include <stdexcept>

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

void EngineModule::Push(const Command& command, uint32_t index) {
  queue_.push_back({command, index});
  pushed_.notify();
  RecordQueue();
}

void EngineModule::BookWait(uint64_t start, const Command& command, uint64_t& stall,
                            const char* cause) {
  const uint64_t now = clock().Now();
  start = std::max(start, context_.layer_ends.begin());  // what was before the job is nobody's
  const uint64_t begin = std::clamp(context_.layer_ends.Begin(command.layer), start, now);
  rows_[command.layer].wait_layer_cycles += begin - start;
  stall += now - begin;
  if (context_.recorder != nullptr && now > start) {
    context_.recorder->Waited(engine_, command, cause, start * clock().period_ps(), NowPs());
  }
}

bool EngineModule::TakeTokens(const Command& command, EngineCounters& row) {
  for (int from = 0; from < kEngines; ++from) {
    if (!(command.wait >> from & 1)) continue;
    const auto giver = static_cast<Engine>(from);
    unsigned& count = context_.tokens.count(giver, engine_);
    const uint64_t start = clock().Now();
    while (count == 0 && !context_.job.stopped()) wait(context_.tokens.given(engine_));
    if (context_.job.stopped()) return false;
    --count;
    BookWait(start, command, row.stall_cycles[from], EngineName(giver));
    if (context_.recorder != nullptr) context_.recorder->Tokens(giver, engine_, count, NowPs());
  }
  return true;
}

void EngineModule::Stop(Fault fault, const std::string& detail) {
  fault.word = index_;
  stopped_by_me_ = true;
  context_.job.Stop(fault, detail);
}

// What the checks of the engines do not foresee is the simulated machine's error, too: numerics
// refuse operands by exceptions. (Not std::exception: SystemC ends threads by one of those.)
void EngineModule::ExecuteOrStop(const Command& command) {
  const auto stop = [this](const std::exception& e) { Stop({FaultCode::kEngine}, e.what()); };
  try {
    Execute(command);
  } catch (const std::logic_error& e) {
    stop(e);
  } catch (const std::runtime_error& e) {
    stop(e);
  }
}

void EngineModule::Process(const Entry& entry, uint64_t idle_since) {
  const Command& command = entry.command;
  EngineCounters& row = rows_[command.layer];
  BookWait(idle_since, command, row.stall_fetch_cycles, "fetch");
  if (!TakeTokens(command, row)) return;
  index_ = entry.index;
  stopped_by_me_ = false;
  if (const Fault fault = Check(command)) {
    Stop(fault);
    return;
  }
  const uint64_t start = clock().Now();
  context_.job.WorkBegins();
  ExecuteOrStop(command);
  context_.job.WorkEnds(clock().Now());
  row.busy_cycles += clock().Now() - start;
  if (context_.recorder != nullptr) {
    context_.recorder->Ran(engine_, command, start * clock().period_ps(), NowPs());
  }
  if (stopped_by_me_) return;
  ++row.commands;
  for (int to = 0; to < kEngines; ++to) {
    if (!(command.signal >> to & 1)) continue;
    const auto taker = static_cast<Engine>(to);
    const unsigned count = ++context_.tokens.count(engine_, taker);
    context_.tokens.given(taker).notify();
    if (context_.recorder != nullptr) context_.recorder->Tokens(engine_, taker, count, NowPs());
  }
}

void EngineModule::Run() {
  ForgetEarlierFrames();
  for (;;) {
    const uint64_t idle_since = clock().Now();
    while (queue_.empty()) wait(pushed_);
    const Entry entry = queue_.front();
    queue_.pop_front();
    popped_.notify();
    RecordQueue();
    if (!context_.job.stopped()) Process(entry, idle_since);
    context_.job.Retire();
  }
}

uint64_t EngineModule::Sum(uint64_t EngineCounters::*member) const {
  uint64_t sum = 0;
  for (const EngineCounters& row : rows_) sum += row.*member;
  return sum;
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
