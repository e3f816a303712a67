#include "sw/evaluation/walk.h"

#include <algorithm>
#include <limits>

#include "sw/evaluation/bytes.h"
#include "sw/evaluation/processes.h"
#include "sw/lowering/lowering.h"

namespace nibble::evaluation {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr Cost kUnaffordable{0, kInfinity, kInfinity, kInfinity};

}  // namespace

bool Within(const Cost& cost, Budget budget, double limit) {
  if (budget == Budget::kEnergy) return cost.energy_pj <= limit;
  return cost.bits_per_activation <= limit && cost.bits_per_weight <= limit;
}

double Spent(const Cost& cost, Budget budget) {
  return budget == Budget::kEnergy ? cost.energy_pj
                                   : cost.bits_per_activation + cost.bits_per_weight;
}

Savings MeasureSavings(const trace::Network& net, const PrecisionSpace& space,
                       const Resolver& resolve, const WorkOptions& work) {
  const auto cost_of = [&](const Assignment& assignment) {
    return MeasureCost(net, resolve(SetsOf(net, space, assignment)));
  };
  const Assignment none(space.slots.size(), 0);
  Savings savings;
  savings.first = cost_of(none);
  ForEachInProcesses(
      work.jobs, space.slots.size(),
      [&](size_t s) {
        std::vector<Cost> costs{savings.first};
        Assignment one = none;
        for (size_t c = 1; c < space.ChoicesOf(s).size(); ++c) {
          one[s] = static_cast<int>(c);
          try {
            costs.push_back(cost_of(one));
          } catch (const lowering::LoweringError&) {
            costs.push_back(kUnaffordable);
          }
        }
        return BytesOf(costs);
      },
      [&](size_t s, const std::string& bytes) {
        std::vector<Cost>& saved = savings.saved.emplace_back();
        for (const Cost& cost : ValuesOf<Cost>(bytes)) {
          saved.push_back({0, savings.first.energy_pj - cost.energy_pj,
                           savings.first.bits_per_activation - cost.bits_per_activation,
                           savings.first.bits_per_weight - cost.bits_per_weight});
        }
        if (work.progress) work.progress(s + 1, space.slots.size());
      },
      work.stop);
  return savings;
}

Cost ExpectedCost(const Savings& savings, const Assignment& assignment) {
  Cost cost = savings.first;
  cost.cycles = 0;
  for (size_t s = 0; s < assignment.size(); ++s) {
    const Cost& saved = savings.saved[s][static_cast<size_t>(assignment[s])];
    cost.energy_pj -= saved.energy_pj;
    cost.bits_per_activation -= saved.bits_per_activation;
    cost.bits_per_weight -= saved.bits_per_weight;
  }
  return cost;
}

std::vector<Assignment> Walk(const PrecisionSpace& space,
                             const std::vector<std::vector<double>>& errors, const Savings& savings,
                             Budget budget, const std::optional<double>& limit) {
  std::vector<Assignment> walk{Assignment(space.slots.size(), 0)};
  while (true) {
    const Assignment& now = walk.back();
    const Cost cost = ExpectedCost(savings, now);
    const bool activations_over = limit && cost.bits_per_activation > *limit;
    const bool weights_over = limit && cost.bits_per_weight > *limit;
    const auto may_move = [&](Operand operand) {
      if (budget == Budget::kEnergy || activations_over == weights_over) return true;
      return operand == Operand::kActivations ? activations_over : weights_over;
    };
    size_t best_slot = space.slots.size();
    int best_choice = 0;
    double best_price = 0, best_saving = 0;
    for (size_t s = 0; s < space.slots.size(); ++s) {
      if (!may_move(space.slots[s].operand)) continue;
      const auto from = static_cast<size_t>(now[s]);
      for (size_t c = 0; c < errors[s].size(); ++c) {
        const double saving =
            Spent(savings.saved[s][c], budget) - Spent(savings.saved[s][from], budget);
        if (saving <= 0) continue;
        const double price = std::max(errors[s][c] - errors[s][from], 0.0) / saving;
        const bool better = best_slot == space.slots.size() || price < best_price ||
                            (price == best_price && saving > best_saving);
        if (!better) continue;
        best_slot = s;
        best_choice = static_cast<int>(c);
        best_price = price;
        best_saving = saving;
      }
    }
    if (best_slot == space.slots.size()) return walk;
    Assignment next = now;
    next[best_slot] = best_choice;
    walk.push_back(std::move(next));
  }
}

}  // namespace nibble::evaluation
