// The greedy walk, and what tuning makes of it.
#include "sw/evaluation/tune.h"

#include <catch2/catch.hpp>
#include <numeric>

#include "tests/evaluation/small_set.h"

namespace nibble::evaluation {
namespace {

// A made-up problem: choices of random error and of cost that falls from one to the next.
struct Problem {
  PrecisionSpace space;
  Savings savings;
  std::vector<std::vector<double>> errors;

  explicit Problem(uint32_t seed) {
    test::Random random(seed);
    savings.first = {100, 1000, 16, 16};
    space.activations.resize(3);
    space.weights.resize(4);
    const int slots = random.Integer(1, 12);
    for (int s = 0; s < slots; ++s) {
      const auto operand = s % 2 == 0 ? Operand::kActivations : Operand::kWeights;
      space.slots.push_back({operand, {}, 0, {s}});
      std::vector<Cost> saved{{}};
      std::vector<double> error{0};
      for (size_t c = 1; c < space.ChoicesOf(static_cast<size_t>(s)).size(); ++c) {
        const double bits = random.Integer(1, 100) / 100.0 * 12 / slots;
        const bool weights = operand == Operand::kWeights;
        saved.push_back(
            {0, random.Integer(1, 900) * 1.0 / slots, weights ? 0 : bits, weights ? bits : 0});
        error.push_back(random.Integer(0, 1000) / 1000.0);
      }
      savings.saved.push_back(saved);
      errors.push_back(error);
    }
  }

  double Error(const Assignment& a) const {
    double sum = 0;
    for (size_t s = 0; s < a.size(); ++s) sum += errors[s][static_cast<size_t>(a[s])];
    return sum;
  }
};

TEST_CASE("each step of a walk moves one slot, saves, and is the best bargain there is") {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    const Problem p(seed);
    for (const Budget budget : {Budget::kBits, Budget::kEnergy}) {
      const auto walk = Walk(p.space, p.errors, p.savings, budget, std::nullopt);
      REQUIRE(walk.front() == Assignment(p.space.slots.size(), 0));
      const auto spent = [&](const Assignment& a) {
        return Spent(ExpectedCost(p.savings, a), budget);
      };
      for (size_t i = 1; i < walk.size(); ++i) {
        int moved = 0;
        for (size_t s = 0; s < walk[i].size(); ++s) moved += walk[i][s] != walk[i - 1][s] ? 1 : 0;
        REQUIRE(moved == 1);
        REQUIRE(spent(walk[i]) < spent(walk[i - 1]));
        const auto price = [&](const Assignment& to) {
          return std::max(p.Error(to) - p.Error(walk[i - 1]), 0.0) /
                 (spent(walk[i - 1]) - spent(to));
        };
        for (size_t s = 0; s < p.space.slots.size(); ++s) {
          for (size_t c = 0; c < p.errors[s].size(); ++c) {
            Assignment other = walk[i - 1];
            other[s] = static_cast<int>(c);
            if (spent(other) < spent(walk[i - 1]) - 1e-9) {
              REQUIRE(price(walk[i]) <= price(other) + 1e-9);
            }
          }
        }
      }
      // At the end there is nothing left to save.
      for (size_t s = 0; s < p.space.slots.size(); ++s) {
        for (size_t c = 0; c < p.errors[s].size(); ++c) {
          Assignment other = walk.back();
          other[s] = static_cast<int>(c);
          CHECK(spent(other) >= spent(walk.back()) - 1e-9);
        }
      }
    }
  }
}

TEST_CASE("under a limit of bits only the operand that is above it moves") {
  for (uint32_t seed = 1; seed <= 100; ++seed) {
    const Problem p(seed);
    const auto walk = Walk(p.space, p.errors, p.savings, Budget::kBits, 10);
    for (size_t i = 1; i < walk.size(); ++i) {
      const Cost before = ExpectedCost(p.savings, walk[i - 1]);
      const Cost after = ExpectedCost(p.savings, walk[i]);
      const bool activations = after.bits_per_activation != before.bits_per_activation;
      if ((before.bits_per_activation > 10) == (before.bits_per_weight > 10)) continue;
      CHECK(activations == (before.bits_per_activation > 10));
    }
  }
}

TEST_CASE("choices that the machine refuses are never taken") {
  Problem p(3);
  const double infinity = std::numeric_limits<double>::infinity();
  for (size_t s = 0; s < p.space.slots.size(); ++s)
    p.savings.saved[s][1] = {0, -infinity, -infinity, 0};
  for (const auto& a : Walk(p.space, p.errors, p.savings, Budget::kEnergy, std::nullopt)) {
    CHECK(std::count(a.begin(), a.end(), 1) == 0);
  }
}

struct Small {
  test::TemporaryFolder folder;
  trace::Network net = test::SmallNetwork(5);
  DatasetFiles files = test::WriteImages(folder, net, 7);
  Dataset measure{files, net, 0, 3}, check{measure, net, 3};
  PrecisionSpace space{FindSlots(net), ParseChoices(Operand::kActivations, "fp16,fp8,nvfp4:16"),
                       ParseChoices(Operand::kWeights, "fp16,fp8,nvfp4:16")};

  std::vector<FrontPoint> Run(TuneOptions options) const {
    options.trace_hash = "small";
    return Tune(net, measure, check, space, test::Resolved, options);
  }
};

const FrontPoint& Chosen(const std::vector<FrontPoint>& front) {
  const auto chosen = [](const FrontPoint& p) { return p.chosen; };
  REQUIRE(std::count_if(front.begin(), front.end(), chosen) == 1);
  return *std::find_if(front.begin(), front.end(), chosen);
}

TEST_CASE("savings of bits add up on the machine, and those of energy nearly") {
  const Small small;
  const Savings savings = MeasureSavings(small.net, small.space, test::Resolved, {});
  test::Random random(1);
  for (int i = 0; i < 10; ++i) {
    Assignment a;
    for (size_t s = 0; s < small.space.slots.size(); ++s) a.push_back(random.Integer(0, 2));
    const Cost cost = MeasureCost(small.net, test::Resolved(SetsOf(small.net, small.space, a)));
    const Cost expected = ExpectedCost(savings, a);
    CHECK(expected.bits_per_activation == Approx(cost.bits_per_activation));
    CHECK(expected.bits_per_weight == Approx(cost.bits_per_weight));
    CHECK(expected.energy_pj == Approx(cost.energy_pj).epsilon(0.05));
  }
}

TEST_CASE("the limit is kept on the machine, and less is spent and lost at a lower one") {
  const Small small;
  for (const Budget budget : {Budget::kBits, Budget::kEnergy}) {
    TuneOptions options;
    options.budget = budget;
    options.points = 2;
    const auto ends = small.Run(options);
    double spent = 1e300, sqnr = 1e300;
    for (const double share : {0.7, 0.2}) {
      const double most = budget == Budget::kBits ? 16 : ends.front().cost.energy_pj;
      const double least = budget == Budget::kBits ? std::max(ends.back().cost.bits_per_activation,
                                                              ends.back().cost.bits_per_weight)
                                                   : ends.back().cost.energy_pj;
      options.limit = least + share * (most - least);
      const auto front = small.Run(options);
      const FrontPoint& chosen = Chosen(front);
      CHECK(Within(chosen.cost, budget, *options.limit));
      CHECK(Spent(chosen.cost, budget) <= spent);
      CHECK(chosen.measured.sqnr_db <= sqnr + 1);  // dB; the emulation orders, not the machine
      spent = Spent(chosen.cost, budget);
      sqnr = chosen.measured.sqnr_db;
      for (size_t p = 1; p < front.size(); ++p) {
        CHECK(Spent(front[p].cost, budget) <= Spent(front[p - 1].cost, budget));
      }
    }
    options.limit = 1e-3;
    CHECK_THROWS_WITH(small.Run(options), Catch::Contains("even the cheapest choices cost more"));
  }
}

TEST_CASE("refinement never chooses what measures worse in emulation") {
  const Small small;
  TuneOptions options;
  options.limit = 6.5;
  options.points = 1;
  Emulator emulator(small.net, small.space, test::Resolved);
  const auto fp32 = Fp32Outputs(small.net, small.measure, 0, {});
  const auto error = [&](int rounds) {
    options.rounds = rounds;
    const auto front = small.Run(options);
    return MeanErrors(emulator, small.measure, fp32, Chosen(front).assignment, false, {}).base;
  };
  CHECK(error(3) <= error(0));
}

TEST_CASE("a front is the same from any number of jobs, and each point is kept as it was run") {
  const Small small;
  TuneOptions options;
  options.points = 4;
  options.limit = 7;
  options.folder = small.folder / "front";
  const auto front = small.Run(options);
  options.work.jobs = 3;
  options.folder.clear();
  const auto again = small.Run(options);
  REQUIRE(front.size() == again.size());
  const auto fp32 = Fp32Outputs(small.net, small.check, 0, {});
  for (size_t p = 0; p < front.size(); ++p) {
    CHECK(front[p].assignment == again[p].assignment);
    CHECK(front[p].measured.sqnr_db == again[p].measured.sqnr_db);
    CHECK(front[p].chosen == again[p].chosen);
    const std::string stored = small.folder / ("front/" + std::to_string(p + 1));
    const auto design = platforms::Resolve(platforms::Platform::kAccel, stored + ".cfg", {});
    ResultsFile memory;
    const Summary run =
        Summarise(Evaluate(small.net, design, Engine::kMachine, small.check, &fp32, memory, {}),
                  small.check.labels());
    CHECK(run.sqnr_db == front[p].checked.sqnr_db);
    CHECK(run.agreement.hits == front[p].checked.agreement.hits);
    CHECK(MeasureCost(small.net, design).energy_pj == front[p].cost.energy_pj);
    CHECK(std::filesystem::exists(stored + ".checked.results"));
  }
}

TEST_CASE("a target without a limit chooses the cheapest point that reaches it") {
  const Small small;
  TuneOptions options;
  options.points = 5;
  CHECK(&Chosen(small.Run(options)) != nullptr);
  for (const double target : {0.0, 0.9, 1.0}) {
    options.target_agreement = target;
    const auto front = small.Run(options);
    const FrontPoint& chosen = Chosen(front);
    for (const FrontPoint& p : front) {
      if (p.measured.agreement.percent() < 100 * target) continue;
      CHECK(chosen.cost.bits_per_activation + chosen.cost.bits_per_weight <=
            p.cost.bits_per_activation + p.cost.bits_per_weight);
      CHECK(chosen.measured.agreement.percent() >= 100 * target);
    }
    if (target == 0) CHECK(front.back().chosen);
  }
}

}  // namespace
}  // namespace nibble::evaluation
