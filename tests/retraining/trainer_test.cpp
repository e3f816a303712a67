// The training loop: it learns, it can be stopped, and threads change nothing.
#include "sw/retraining/trainer.h"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>

#include "sw/golden/compare.h"
#include "sw/golden/golden.h"
#include "sw/retraining/blocks.h"
#include "sw/retraining/checkpoint.h"
#include "sw/retraining/optimise.h"
#include "sw/trace/file.h"
#include "tests/evaluation/small_set.h"

namespace nibble::retraining {
namespace {

TrainingSet Images(const trace::Network& net, int count, bool labels = false) {
  TrainingSet set;
  for (int i = 0; i < count; ++i) {
    set.images.push_back(test::RandomInput(net, static_cast<uint32_t>(i)));
    if (!labels) continue;
    const auto y = golden::RunFp32(net, set.images.back())[static_cast<size_t>(net.output)];
    set.labels.push_back(golden::TopK(y, 1)[0]);
  }
  return set;
}

Settings Quick() {
  Settings settings;
  settings.steps = 60;
  settings.batch = 8;
  settings.interval = 20;
  settings.rate = 0.01;
  settings.held_back = 25;
  return settings;
}

void RunAll(Trainer& trainer) {
  while (trainer.Advance([](size_t, size_t) {})) {
  }
}

TEST_CASE("training brings the quantised network nearer to its parent", "[retraining]") {
  const trace::Network net = test::SmallNetwork(3);
  for (const bool block_by_block : {false, true}) {
    const golden::Datapaths datapaths(net, numerics::Datapath{});
    Settings settings = Quick();
    if (block_by_block) settings.block_steps = 30;
    Trainer trainer(net, datapaths, Images(net, 40), settings);
    RunAll(trainer);
    const State& state = trainer.state();
    const Look& best = state.looks[static_cast<size_t>(state.best_look)];
    CHECK(best.held_back < 0.7 * state.looks.front().held_back);
    if (!block_by_block) {
      CHECK(state.looks.back().training.total < state.looks[1].training.total);
    }
    // The best state, and not the last: nothing that was looked at is better.
    for (const Look& look : state.looks) CHECK(look.held_back >= best.held_back);
    // What is taken is nearer on golden's own bits, for images that no training saw.
    const trace::Network taken = trainer.Best();
    double before = 0, after = 0;
    for (uint32_t i = 900; i < 920; ++i) {
      const auto input = test::RandomInput(net, i);
      const auto out = static_cast<size_t>(net.output);
      const auto exact = golden::RunFp32(net, input)[out];
      const auto error = [&](const trace::Network& n) {
        const auto y = numerics::LoadTensor(
            golden::Run(n, golden::Datapaths(n, numerics::Datapath{}), input).tensors[out]);
        double sum = 0;
        for (size_t k = 0; k < y.size(); ++k) sum += (y[k] - exact[k]) * (y[k] - exact[k]);
        return sum;
      };
      before += error(net);
      after += error(taken);
    }
    CHECK(after < before);
  }
}

TEST_CASE("with labels the loss held back is theirs", "[retraining]") {
  const trace::Network net = test::SmallNetwork(3);
  const golden::Datapaths datapaths(net, numerics::Datapath{});
  Settings settings = Quick();
  settings.optimiser = Optimiser::kSgd;
  settings.rate = 0.05;
  settings.distillation = settings.blocks = settings.clip = 0;
  settings.steps = 100;
  settings.flip = false;
  settings.crop = 1;
  Trainer trainer(net, datapaths, Images(net, 40, true), settings);
  RunAll(trainer);
  const auto& looks = trainer.state().looks;
  CHECK(looks.back().training.labels < 0.9 * looks[1].training.labels);
  const Look& best = looks[static_cast<size_t>(trainer.state().best_look)];
  CHECK(best.held_back < looks[0].held_back);
  CHECK(best.accuracy == best.agreement);  // the labels are the parent's classes
}

bool Equal(const Parameters& a, const Parameters& b) {
  return a.weights == b.weights && a.biases == b.biases && a.ranges == b.ranges;
}

TEST_CASE("a training that was stopped ends as one that was not, on any threads", "[retraining]") {
  const trace::Network net = test::SmallNetwork(4);
  const golden::Datapaths datapaths(net, numerics::Datapath{});
  Settings settings = Quick();
  settings.block_steps = 7;
  settings.steps = 30;
  settings.interval = 9;
  Trainer whole(net, datapaths, Images(net, 20), settings);
  RunAll(whole);

  const test::TemporaryFolder folder;
  const Identity identity = {{"test", "1"}};
  const auto step = [](size_t, size_t) {};
  State last;
  settings.threads = 3;
  for (bool more = true; more;) {
    Trainer part(net, datapaths, Images(net, 20), settings);
    if (const auto state = ReadCheckpoint(folder / "c", identity, part.state().parameters)) {
      part.SetState(*state);
    }
    more = part.Advance(step);
    WriteCheckpoint(folder / "c", identity, part.state());
    last = part.state();
  }
  CHECK(last.step == whole.state().step);
  CHECK(last.looks.size() == whole.state().looks.size());
  CHECK(last.looks.back().held_back == whole.state().looks.back().held_back);
  CHECK(Equal(last.parameters, whole.state().parameters));
  CHECK(Equal(last.best, whole.state().best));
}

// Adam's first step is its rate, as a share of a parameter's typical size.
TEST_CASE("the rate of rebuilding falls with a block's positions, if it is not even",
          "[retraining]") {
  const trace::Network net = test::SmallNetwork(4);
  const golden::Datapaths datapaths(net, numerics::Datapath{});
  const std::vector<int> outputs = BlockOutputs(net);
  REQUIRE_FALSE(outputs.empty());
  const auto positions = [&](int tensor) {
    const trace::Shape& shape = net.tensors[static_cast<size_t>(tensor)].shape;
    return static_cast<double>(shape.height) * shape.width;
  };
  double most_positions = 0;
  for (const int t : outputs) most_positions = std::max(most_positions, positions(t));
  Settings settings = Quick();
  settings.block_steps = 1;
  settings.steps = 0;
  settings.interval = 1;
  settings.rate = 0.003;
  settings.block_rate = 0.05;
  settings.held_back = 0;
  settings.warm_up = 0;
  for (const bool even : {false, true}) {
    settings.even_block_rate = even;
    Trainer trainer(net, datapaths, Images(net, 20), settings);
    const Parameters before = trainer.state().parameters;
    const Parameters sizes = TypicalSizes(trainer.Best());
    RunAll(trainer);
    size_t block = 0;
    for (size_t i = 0; i < net.layers.size(); ++i) {
      const std::vector<float>& after = trainer.state().parameters.weights[i];
      double step = 0;
      for (size_t k = 0; k < after.size(); ++k) {
        const double moved = std::fabs(after[k] - before.weights[i][k]);
        step = std::max(step, moved / sizes.weights[i][k]);
      }
      const bool last = block == outputs.size();
      const double rebuilding =
          last ? settings.rate
               : settings.block_rate * std::sqrt(positions(outputs[block]) / most_positions);
      INFO("layer " << i);
      if (!after.empty()) {
        CHECK(step == Approx(even ? settings.block_rate : rebuilding).epsilon(1e-3));
      }
      if (!last && net.layers[i].output == outputs[block]) ++block;
    }
  }
}

TEST_CASE("layers that are kept stay the parent's, whatever training starts from", "[retraining]") {
  const trace::Network net = test::SmallNetwork(4);
  const golden::Datapaths datapaths(net, numerics::Datapath{});
  Settings settings = Quick();
  settings.steps = 5;
  settings.block_steps = 3;
  Trainer all(net, datapaths, Images(net, 20), settings);
  const Parameters parent = all.state().parameters;
  RunAll(all);

  settings.weight_decay = 1;
  std::vector<std::string> names;
  for (const trace::Layer& l : net.layers) {
    if (l.has_parameters()) names.push_back(l.name);
  }
  settings.keep = {names.back()};
  for (const Optimiser optimiser : {Optimiser::kAdam, Optimiser::kSgd}) {
    settings.optimiser = optimiser;
    Trainer some(net, datapaths, Images(net, 20), settings);
    some.Start(all.Best());
    RunAll(some);
    for (size_t i = 0; i < net.layers.size(); ++i) {
      if (!net.layers[i].has_parameters()) continue;
      const bool kept = net.layers[i].name == names.back();
      CHECK((some.state().parameters.weights[i] == parent.weights[i]) == kept);
      CHECK((some.state().parameters.biases[i] == parent.biases[i]) == kept);
    }
  }

  settings.keep = names;
  settings.learn_ranges = false;
  Trainer none(net, datapaths, Images(net, 20), settings);
  RunAll(none);
  CHECK(Equal(none.state().parameters, parent));
  settings.keep = {"no such layer"};
  CHECK_THROWS_WITH(Trainer(net, datapaths, Images(net, 20), settings),
                    Catch::Contains("no such layer"));
}

TEST_CASE("training ends when looks bring nothing, and starts where another ended",
          "[retraining]") {
  const trace::Network net = test::SmallNetwork(4);
  const golden::Datapaths datapaths(net, numerics::Datapath{});
  Settings settings = Quick();
  settings.rate = 1e-9;  // so that nothing changes
  settings.patience = 2;
  settings.steps = 1000;
  settings.interval = 2;
  Trainer tired(net, datapaths, Images(net, 20), settings);
  RunAll(tired);
  CHECK(tired.state().step <= 8);

  Trainer first(net, datapaths, Images(net, 20), Quick());
  RunAll(first);
  Trainer second(net, datapaths, Images(net, 20), Quick());
  second.Start(first.Best());
  second.Advance([](size_t, size_t) {});
  const State& state = first.state();
  CHECK(second.state().looks[0].held_back ==
        state.looks[static_cast<size_t>(state.best_look)].held_back);
  CHECK_THROWS_AS(second.Start(test::RandomNetwork(1)), trace::FileError);
}

}  // namespace
}  // namespace nibble::retraining
