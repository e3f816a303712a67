#include "sw/study/search.h"

#include <algorithm>
#include <limits>
#include <random>
#include <set>

#include "sw/study/objectives.h"
#include "sw/study/sample.h"

namespace nibble::study {

namespace {

// A point as its value on every axis of the plan; axes that its machine lacks are carried along, so
// that they have a value where a crossing changes the machine.
struct Genes {
  size_t block = 0;
  std::vector<uint32_t> digits;  // by axis of the plan
};

struct Individual {
  Genes genes;
  std::vector<double> costs;
  size_t rank = 0;      // of the front that it is in, from 0
  double crowding = 0;  // the larger, the lonelier
};

class Nsga2 {
 public:
  Nsga2(const Plan& plan, const Space& space, const SearchOptions& options, const CostsOf& costs_of)
      : plan_(plan), space_(space), options_(options), costs_of_(costs_of), random_(options.seed) {
    for (const Axis& axis : plan.axes) {
      // Numbers, sizes and their ranges stand in order.
      ordered_.push_back(std::all_of(axis.values.begin(), axis.values.end(),
                                     [](const auto& v) { return v[0] >= '0' && v[0] <= '9'; }));
    }
  }

  std::vector<uint64_t> Run() {
    // An eighth of the runs to look around and small generations thereafter did best on the space
    // of tests/study/search_test.cpp.
    const uint64_t size = std::clamp<uint64_t>(options_.runs / 32, 8, 200);
    const uint64_t first = std::min(options_.runs, std::max(size, options_.runs / 8));
    std::vector<Individual> population = Try(Sample(space_, first, options_.seed));
    Select(population, size);
    while (tried_.size() < options_.runs) {
      const std::vector<uint64_t> children =
          Children(population, std::min(size, options_.runs - tried_.size()));
      if (children.empty()) break;  // the space is used up
      for (Individual& child : Try(children)) population.push_back(std::move(child));
      Select(population, size);
    }
    return tried_;
  }

 private:
  uint32_t Draw(size_t below) { return static_cast<uint32_t>(random_() % below); }

  Genes GenesOf(uint64_t number) {
    const Space::Block& block = space_.BlockOf(number);
    Genes genes{static_cast<size_t>(&block - space_.blocks().data()), {}};
    for (const Axis& axis : plan_.axes) genes.digits.push_back(Draw(axis.values.size()));
    const std::vector<uint32_t> digits = space_.Digits(number);
    for (size_t i = 0; i < digits.size(); ++i) genes.digits[block.axes[i]] = digits[i];
    return genes;
  }

  uint64_t NumberOf(const Genes& genes) const {
    const Space::Block& block = space_.blocks()[genes.block];
    std::vector<uint32_t> digits;
    for (const size_t axis : block.axes) digits.push_back(genes.digits[axis]);
    return space_.Number(block, digits);
  }

  std::vector<Individual> Try(const std::vector<uint64_t>& numbers) {
    const auto costs = costs_of_(numbers);
    std::vector<Individual> individuals;
    for (size_t i = 0; i < numbers.size(); ++i) {
      tried_.push_back(numbers[i]);
      known_.insert(numbers[i]);
      if (costs[i]) individuals.push_back({GenesOf(numbers[i]), *costs[i], 0, 0});
    }
    return individuals;
  }

  // Of a front, given by indices.
  static void SetCrowding(std::vector<Individual>& all, std::vector<size_t> front) {
    for (const size_t i : front) all[i].crowding = 0;
    for (size_t o = 0; o < all[front[0]].costs.size(); ++o) {
      std::stable_sort(front.begin(), front.end(),
                       [&](size_t a, size_t b) { return all[a].costs[o] < all[b].costs[o]; });
      const double range = all[front.back()].costs[o] - all[front.front()].costs[o];
      all[front.front()].crowding = all[front.back()].crowding =
          std::numeric_limits<double>::infinity();
      for (size_t i = 1; i + 1 < front.size() && range > 0; ++i) {
        all[front[i]].crowding += (all[front[i + 1]].costs[o] - all[front[i - 1]].costs[o]) / range;
      }
    }
  }

  // Ranks all, and keeps the `size` best, but all of the first front: with few runs none of it can
  // be spared.
  void Select(std::vector<Individual>& all, size_t size) {
    std::vector<size_t> rest(all.size());
    for (size_t i = 0; i < rest.size(); ++i) rest[i] = i;
    for (size_t rank = 0; !rest.empty(); ++rank) {
      std::vector<size_t> front, behind;
      for (const size_t i : rest) {
        const bool beaten = std::any_of(rest.begin(), rest.end(), [&](size_t j) {
          return Dominates(all[j].costs, all[i].costs);
        });
        (beaten ? behind : front).push_back(i);
      }
      for (const size_t i : front) all[i].rank = rank;
      SetCrowding(all, front);
      rest = std::move(behind);
    }
    std::stable_sort(all.begin(), all.end(), Better);
    front_ = static_cast<size_t>(
        std::count_if(all.begin(), all.end(), [](const Individual& i) { return i.rank == 0; }));
    if (all.size() > size) all.resize(std::max(size, front_));
  }

  static bool Better(const Individual& a, const Individual& b) {
    return a.rank != b.rank ? a.rank < b.rank : a.crowding > b.crowding;
  }

  const Individual& Tournament(const std::vector<Individual>& population) {
    const Individual& a = population[Draw(population.size())];
    const Individual& b = population[Draw(population.size())];
    return Better(b, a) ? b : a;
  }

  // One value of a gene for another.
  void Mutate(Genes& genes, size_t axis) {
    const auto values = static_cast<uint32_t>(plan_.axes[axis].values.size());
    uint32_t& digit = genes.digits[axis];
    if (values < 2) return;
    if (!ordered_[axis]) {
      digit = (digit + 1 + Draw(values - 1)) % values;
    } else if (digit == 0 || (digit + 1 < values && Draw(2) == 0)) {
      ++digit;
    } else {
      --digit;
    }
  }

  Genes Child(const std::vector<Individual>& population) {
    const size_t axes = plan_.axes.size();
    constexpr uint32_t kNeighbours = 3;  // of 10 children: one step beside a point of the front
    if (axes > 0 && Draw(10) < kNeighbours) {
      Genes neighbour = population[Draw(front_)].genes;
      Mutate(neighbour, Draw(axes));
      return neighbour;
    }
    Genes child = Tournament(population).genes;
    const Genes& other = Tournament(population).genes;
    constexpr uint32_t kCrossed = 2;  // of 3 others
    if (Draw(3) < kCrossed) {
      if (Draw(2) == 0) child.block = other.block;
      for (size_t axis = 0; axis < axes; ++axis) {
        if (Draw(2) == 0) child.digits[axis] = other.digits[axis];
      }
    }
    const size_t genes = axes + 1;  // the machine is one, too
    for (size_t gene = 0; gene < genes; ++gene) {
      if (Draw(genes) != 0) continue;
      if (gene < axes) {
        Mutate(child, gene);
      } else {
        child.block = Draw(space_.blocks().size());
      }
    }
    return child;
  }

  // `count` points that have not been tried, or what there still is of them.
  std::vector<uint64_t> Children(const std::vector<Individual>& population, size_t count) {
    constexpr int kTries = 200;  // for one child; then its parents' neighbourhood is used up
    std::vector<uint64_t> children;
    for (int tries = 0; !population.empty() && children.size() < count && tries < kTries; ++tries) {
      const uint64_t number = NumberOf(Child(population));
      if (known_.count(number) > 0 || !space_.Allows(number)) continue;
      known_.insert(number);
      children.push_back(number);
      tries = 0;
    }
    if (children.size() == count) return children;
    for (const uint64_t number : Sample(space_, tried_.size() + count, random_())) {
      if (children.size() < count && known_.insert(number).second) children.push_back(number);
    }
    return children;
  }

  const Plan& plan_;
  const Space& space_;
  const SearchOptions options_;
  const CostsOf& costs_of_;
  std::mt19937_64 random_;     // specified by the standard, unlike the distributions
  std::vector<bool> ordered_;  // by axis
  size_t front_ = 0;           // points of the first front, which the population begins with
  std::vector<uint64_t> tried_;
  std::set<uint64_t> known_;
};

}  // namespace

std::vector<uint64_t> Search(const Plan& plan, const Space& space, const SearchOptions& options,
                             const CostsOf& costs_of) {
  if (plan.traces.size() > 1) {
    throw platforms::ParameterError(plan.path +
                                    ": a search takes one trace, for designs compare on one "
                                    "network alone");
  }
  return Nsga2(plan, space, options, costs_of).Run();
}

}  // namespace nibble::study
