// Tokens: whatever the speeds of the engines, no word starts before the words that it must follow.
#include "sw/lowering/emitter.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>

#include "tests/numerics/testing.h"

namespace nibble::lowering {
namespace {

using numerics::Random;
using sim::kEngines;

// Engines that execute their words in order and pass counted tokens, each word as long as given.
class TokenMachine {
 public:
  TokenMachine(const std::vector<sim::Command>& words, std::vector<uint64_t> durations)
      : words_(words),
        durations_(std::move(durations)),
        starts(words.size(), 0),
        ends(words.size(), 0) {
    for (size_t i = 0; i < words.size(); ++i) queues_[EngineOf(i)].push_back(i);
  }

  // False when the words wait for each other.
  bool Run() {
    for (bool progress = true; progress;) {
      progress = false;
      for (int e = 0; e < kEngines; ++e) {
        while (!queues_[e].empty() && HasTokens(e, queues_[e].front())) {
          Execute(e, queues_[e].front());
          queues_[e].pop_front();
          progress = true;
        }
      }
    }
    return std::all_of(std::begin(queues_), std::end(queues_),
                       [](const auto& queue) { return queue.empty(); });
  }
  bool TokensLeft() const {
    for (const auto& row : tokens_) {
      for (const auto& channel : row) {
        if (!channel.empty()) return true;
      }
    }
    return false;
  }

 private:
  int EngineOf(size_t i) const { return static_cast<int>(sim::EngineOf(words_[i].opcode)); }
  bool HasTokens(int engine, size_t i) const {
    for (int from = 0; from < kEngines; ++from) {
      if ((words_[i].wait >> from & 1) && tokens_[from][engine].empty()) return false;
    }
    return true;
  }
  void Execute(int engine, size_t i) {
    uint64_t start = free_[engine];
    for (int from = 0; from < kEngines; ++from) {
      if (!(words_[i].wait >> from & 1)) continue;
      start = std::max(start, tokens_[from][engine].front());
      tokens_[from][engine].pop_front();
    }
    starts[i] = start;
    free_[engine] = ends[i] = start + durations_[i];
    for (int to = 0; to < kEngines; ++to) {
      if (words_[i].signal >> to & 1) tokens_[engine][to].push_back(ends[i]);
    }
  }

  const std::vector<sim::Command>& words_;
  std::vector<uint64_t> durations_;
  std::deque<size_t> queues_[kEngines];
  std::deque<uint64_t> tokens_[kEngines][kEngines];  // [from][to]: when each was given
  uint64_t free_[kEngines] = {};

 public:
  std::vector<uint64_t> starts, ends;
};

sim::Opcode RandomOpcode(Random& random) { return static_cast<sim::Opcode>(random.Int(1, 13)); }

TEST_CASE("words start after what they depend on, at any speed, and none waits for ever") {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    Emitter emitter;
    std::vector<std::vector<CommandId>> dependencies;
    const int count = random.Int(1, 120);
    for (int i = 0; i < count; ++i) {
      std::vector<CommandId> after{kNone};
      for (int k = random.Int(0, 4); k > 0 && i > 0; --k) after.push_back(random.Int(0, i - 1));
      REQUIRE(emitter.Emit(MakeCommand(RandomOpcode(random)), after) == i);
      dependencies.push_back(after);
    }
    REQUIRE(emitter.size() == static_cast<size_t>(count));
    const std::vector<sim::Command> words = emitter.Take();
    for (int speeds = 0; speeds < 8; ++speeds) {
      uint64_t pace[kEngines];
      for (uint64_t& p : pace) p = uint64_t{1} << random.Int(0, 12);
      std::vector<uint64_t> durations;
      for (const sim::Command& word : words) {
        durations.push_back(random.Word() % pace[static_cast<int>(sim::EngineOf(word.opcode))]);
      }
      TokenMachine machine(words, durations);
      REQUIRE(machine.Run());
      CHECK_FALSE(machine.TokensLeft());
      for (int i = 0; i < count; ++i) {
        for (CommandId before : dependencies[i]) {
          if (before != kNone) REQUIRE(machine.starts[i] >= machine.ends[before]);
        }
      }
    }
  }
}

TEST_CASE("a dependency that order or an earlier token covers takes no token") {
  Emitter emitter;
  const auto emit = [&emitter](sim::Opcode opcode, const std::vector<CommandId>& after) {
    return emitter.Emit(MakeCommand(opcode), after);
  };
  const CommandId load0 = emit(sim::Opcode::kLoad, {});
  const CommandId load1 = emit(sim::Opcode::kLoad, {load0});
  CHECK(emitter.at(load1).wait == 0);  // the same engine
  const CommandId run0 = emit(sim::Opcode::kTensorRun, {load0, load1});
  CHECK(emitter.at(run0).wait == sim::EngineBit(sim::Engine::kLoad));
  CHECK(emitter.at(load0).signal == 0);  // load1 is later
  CHECK(emitter.at(load1).signal == sim::EngineBit(sim::Engine::kTensor));
  const CommandId run1 = emit(sim::Opcode::kTensorRun, {load0});
  CHECK(emitter.at(run1).wait == 0);  // run0 waited for load1
}

TEST_CASE("words carry the layer and the tile that were set") {
  Emitter emitter;
  emitter.set_layer(7);
  emitter.set_tile(3);
  const CommandId id = emitter.Emit(MakeCommand(sim::Opcode::kStore, sim::kEndOfLayer));
  CHECK(emitter.at(id).layer == 7);
  CHECK(emitter.at(id).tile == 3);
  CHECK(emitter.at(id).flags == sim::kEndOfLayer);
}

}  // namespace
}  // namespace nibble::lowering
