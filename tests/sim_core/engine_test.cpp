// Engines, tokens and their account of time, in a kernel of their own.
#include "models/sim_core/engine.h"

#include <catch2/catch.hpp>
#include <functional>
#include <set>

#include "models/sim_core/payload.h"
#include "models/sim_core/run_kernel.h"

namespace nibble::sim {
namespace {

TEST_CASE("a payload that was released is used again") {
  PayloadPool pool;
  tlm::tlm_generic_payload* first = pool.Acquire();
  auto* dma = first->get_extension<DmaExtension>();
  REQUIRE(dma != nullptr);
  CHECK(first->get_ref_count() == 1);
  CHECK(first->get_response_status() == tlm::TLM_INCOMPLETE_RESPONSE);
  tlm::tlm_generic_payload* second = pool.Acquire();  // while the first is in use
  CHECK(second != first);
  first->set_response_status(tlm::TLM_OK_RESPONSE);
  first->release();
  tlm::tlm_generic_payload* third = pool.Acquire();
  CHECK(third == first);
  CHECK(third->get_extension<DmaExtension>() == dma);
  CHECK(third->get_response_status() == tlm::TLM_INCOMPLETE_RESPONSE);
  second->release();
  third->release();

  std::set<tlm::tlm_generic_payload*> used;
  for (int i = 0; i < 1000; ++i) {
    tlm::tlm_generic_payload* payload = pool.Acquire();
    used.insert(payload);
    payload->release();
  }
  CHECK(used.size() == 1);
}

TEST_CASE("cycles and picoseconds") {
  const Clock clock(800);
  CHECK(clock.period_ps() == 1250);
  CHECK(clock.CyclesUp(0) == 0);
  CHECK(clock.CyclesUp(1) == 1);
  CHECK(clock.CyclesUp(1250) == 1);
  CHECK(clock.CyclesUp(1251) == 2);
  CHECK(clock.Time(3) == sc_core::sc_time(3750, sc_core::SC_PS));
}

// Executes a word in as many cycles as its tile number says, and notes when.
class TestEngine : public EngineModule {
 public:
  using EngineModule::EngineModule;
  std::vector<uint64_t> starts;

 private:
  void Execute(const Command& command) override {
    starts.push_back(clock().Now());
    Spend(command.tile);
  }
};

// Words may be pushed only while the simulation runs.
class Feeder : public sc_core::sc_module {
 public:
  Feeder(const sc_core::sc_module_name& name, std::function<void()> feed)
      : sc_module(name), feed_(std::move(feed)) {
    SC_HAS_PROCESS(Feeder);
    SC_THREAD(Run);
  }

 private:
  void Run() { feed_(); }
  std::function<void()> feed_;
};

Command Word(Opcode opcode, uint16_t layer, uint16_t cycles, uint8_t wait, uint8_t signal) {
  Command word{};
  word.opcode = opcode;
  word.layer = layer;
  word.tile = cycles;
  word.wait = wait;
  word.signal = signal;
  return word;
}

TEST_CASE("engines wait for tokens, and every cycle is on somebody's account") {
  // ctest runs each case in a process of its own, so this elaborates in a fresh kernel.
  const Clock clock(1000);
  TokenBoard tokens;
  LayerEnds ends(2);
  ends.Set(0, 40);  // as the machine would, when the layer's last word is done
  Job job(tokens);
  const EngineModule::Context context{clock, tokens, job, ends, 2, 4};
  TestEngine load("load", Engine::kLoad, context);
  TestEngine tensor("tensor", Engine::kTensor, context);
  const uint8_t from_load = EngineBit(Engine::kLoad), to_tensor = EngineBit(Engine::kTensor);
  const uint8_t from_tensor = to_tensor, to_load = from_load;
  Feeder feeder("feeder", [&] {
    job.Begin(0);
    CHECK_FALSE(load.full());
    for (int i = 0; i < 7; ++i) job.Issue();
    load.Push(Word(Opcode::kLoad, 0, 10, 0, to_tensor), 0);   // 0..10
    load.Push(Word(Opcode::kLoad, 0, 20, 0, to_tensor), 0);   // 10..30
    load.Push(Word(Opcode::kLoad, 1, 5, from_tensor, 0), 0);  // waits from 30 to 37
    load.Push(Word(Opcode::kLoad, 1, 0, 0, to_tensor), 0);    // 42
    CHECK(load.full());
    tensor.Push(Word(Opcode::kTensorRun, 0, 3, from_load, 0), 0);        // waits to 10, ends at 13
    tensor.Push(Word(Opcode::kTensorRun, 0, 7, from_load, to_load), 0);  // waits to 30, ends at 37
    tensor.Push(Word(Opcode::kTensorRun, 1, 1, from_load, 0), 0);        // waits to 42
  });
  RunKernel();

  CHECK(load.starts == std::vector<uint64_t>{0, 10, 37, 42});
  CHECK(tensor.starts == std::vector<uint64_t>{10, 30, 42});
  CHECK_FALSE(load.full());
  CounterRegistry registry;
  load.RegisterCounters(registry, {Engine::kLoad, Engine::kTensor});
  tensor.RegisterCounters(registry, {Engine::kLoad, Engine::kTensor});
  const auto count = [&registry](const std::string& key, size_t layer) -> uint64_t {
    for (const auto& column : registry.columns()) {
      if (column.info.key() == key) return column.read(layer);
    }
    FAIL("no counter " << key);
    return 0;
  };
  CHECK(count("load.commands", 0) == 2);
  CHECK(count("load.commands", 1) == 2);
  CHECK(count("load.busy_cycles", 0) == 30);
  CHECK(count("load.busy_cycles", 1) == 5);
  // Until layer 1 began, its words merely came early.
  CHECK(count("load.wait_layer_cycles", 1) == 7);
  CHECK(count("load.stall_tensor_cycles", 1) == 0);
  CHECK(count("tensor.busy_cycles", 0) == 10);
  CHECK(count("tensor.busy_cycles", 1) == 1);
  CHECK(count("tensor.stall_load_cycles", 0) == 10 + 17);
  CHECK(count("tensor.wait_layer_cycles", 0) == 0);
  CHECK(count("tensor.wait_layer_cycles", 1) == 3);
  CHECK(count("tensor.stall_load_cycles", 1) == 2);
  CHECK(count("tensor.stall_fetch_cycles", 0) == 0);
  for (const auto& row : {Engine::kLoad, Engine::kTensor}) {
    for (const auto& column : {Engine::kLoad, Engine::kTensor}) {
      CHECK(tokens.count(row, column) == 0);
    }
  }
}

}  // namespace
}  // namespace nibble::sim
