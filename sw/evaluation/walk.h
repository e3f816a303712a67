// Assignments of precision in the order in which a budget is saved.
#pragma once

#include <optional>
#include <vector>

#include "sw/evaluation/evaluate.h"
#include "sw/evaluation/precision.h"
#include "sw/trace/network.h"

namespace nibble::evaluation {

enum class Budget {
  kBits,    // average bits of a stored activation, and of a weight; a limit holds for each
  kEnergy,  // of an inference; a limit is in pJ
};

bool Within(const Cost& cost, Budget budget, double limit);
// What a limit-free comparison of costs goes by: the two averages' sum, or pJ.
double Spent(const Cost& cost, Budget budget);

// What a slot's choice saves of the design where every slot has its first choice: measured one at a
// time on the machine's timing. Taken together, savings add up nearly: a layer whose operands
// change may be tiled in another way.
struct Savings {
  Cost first;                            // every slot at its first choice
  std::vector<std::vector<Cost>> saved;  // [slot][choice]; cycles are left at 0. Minus infinity
                                         // of a choice that the machine refuses there
};
// Throws lowering::LoweringError where the machine refuses the first choices.
Savings MeasureSavings(const trace::Network& net, const PrecisionSpace& space,
                       const Resolver& resolve, const WorkOptions& work);

// What an assignment costs if savings add up; without cycles.
Cost ExpectedCost(const Savings& savings, const Assignment& assignment);

// Assignments from all first choices on, each one move further: that which adds the least error for
// what it saves. `errors` [slot][choice]. While one operand's bits are above `limit` and the
// other's are not, only the former's slots move.
std::vector<Assignment> Walk(const PrecisionSpace& space,
                             const std::vector<std::vector<double>>& errors, const Savings& savings,
                             Budget budget, const std::optional<double>& limit);

}  // namespace nibble::evaluation
