#include "sw/evaluation/tune.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <stdexcept>

#include "sw/evaluation/bytes.h"
#include "sw/evaluation/processes.h"
#include "sw/trace/whole_file.h"

namespace nibble::evaluation {

Emulator::Errors MeanErrors(Emulator& emulator, const Dataset& dataset,
                            const std::vector<std::vector<float>>& fp32,
                            const Assignment& assignment, bool with_changes,
                            const WorkOptions& work) {
  Emulator::Errors mean;
  if (with_changes) {
    const PrecisionSpace& space = emulator.space();
    for (size_t s = 0; s < space.slots.size(); ++s) {
      mean.changed.emplace_back(space.ChoicesOf(s).size());
    }
  }
  const auto count = static_cast<size_t>(dataset.count());
  ForEachInProcesses(
      work.jobs, count,
      [&](size_t i) {
        const Emulator::Errors errors =
            emulator.Run(dataset.Input(static_cast<int>(i)), fp32[i], assignment, with_changes);
        std::vector<double> all{errors.base};
        for (const auto& slot : errors.changed) all.insert(all.end(), slot.begin(), slot.end());
        return BytesOf(all);
      },
      [&](size_t i, const std::string& bytes) {
        const std::vector<double> all = ValuesOf<double>(bytes);
        auto next = all.begin();
        const auto weight = 1 / static_cast<double>(count);
        mean.base += *next++ * weight;
        for (auto& slot : mean.changed) {
          for (double& error : slot) error += *next++ * weight;
        }
        if (work.progress) work.progress(i + 1, count);
      },
      work.stop);
  return mean;
}

namespace {

class Tuner {
 public:
  Tuner(const trace::Network& net, const Dataset& measure, const Dataset& check,
        const PrecisionSpace& space, const Resolver& resolve, const TuneOptions& options)
      : net_(net),
        measure_(measure),
        check_(check),
        space_(space),
        resolve_(resolve),
        options_(options) {}

  std::vector<FrontPoint> Run() {
    Emulator emulator(net_, space_, resolve_);  // first: it refuses choices that are none
    Begin("cost of each choice");
    savings_ = MeasureSavings(net_, space_, resolve_, options_.work);
    Begin("FP32");
    measure_fp32_ = Fp32Outputs(net_, measure_, 0, options_.work);
    Begin("error of each choice");
    const Emulator::Errors alone = ErrorsOf(emulator, {}, true);
    const std::vector<Assignment> walk =
        Walk(space_, alone.changed, savings_, options_.budget, options_.limit);
    std::vector<Assignment> picked = Spread(walk);
    if (options_.limit) {
      const Assignment* start = FirstWithin(walk);
      if (start == nullptr) {
        throw std::invalid_argument("limit: even the cheapest choices cost more");
      }
      picked.push_back(Refine(emulator, *start));
    }
    return Measure(picked);
  }

 private:
  void Begin(const std::string& what) const {
    if (options_.phase) options_.phase(what);
  }

  Emulator::Errors ErrorsOf(Emulator& emulator, const Assignment& assignment,
                            bool with_changes) const {
    return MeanErrors(emulator, measure_, measure_fp32_, assignment, with_changes, options_.work);
  }

  platforms::DesignPoint DesignOf(const Assignment& assignment) const {
    return resolve_(SetsOf(net_, space_, assignment));
  }

  bool IsWithin(const Assignment& assignment) const {
    return Within(MeasureCost(net_, DesignOf(assignment)), options_.budget, *options_.limit);
  }

  // The first of a walk that keeps the limit on the machine, or null. Those that cannot by what
  // savings add up to are not tried.
  const Assignment* FirstWithin(const std::vector<Assignment>& walk) const {
    for (const Assignment& a : walk) {
      const bool perhaps =
          Within(ExpectedCost(savings_, a), options_.budget, *options_.limit * (1 + kSlack));
      if (perhaps && IsWithin(a)) return &a;
    }
    return nullptr;
  }

  // Points of a walk at even distances in cost, both ends among them.
  std::vector<Assignment> Spread(const std::vector<Assignment>& walk) const {
    const auto cost = [&](const Assignment& a) {
      return Spent(ExpectedCost(savings_, a), options_.budget);
    };
    std::vector<Assignment> points;
    const double most = cost(walk.front()), least = cost(walk.back());
    size_t at = 0;
    for (int p = 0; p < options_.points; ++p) {
      const double wanted =
          options_.points == 1 ? least : most + (least - most) * p / (options_.points - 1);
      while (at + 1 < walk.size() && cost(walk[at]) > wanted) ++at;
      if (points.empty() || points.back() != walk[at]) points.push_back(walk[at]);
    }
    return points;
  }

  // Step 3 at the limit.
  Assignment Refine(Emulator& emulator, Assignment best) const {
    Begin("refinement");
    double least = ErrorsOf(emulator, best, false).base;
    for (int round = 0; round < options_.rounds; ++round) {
      const Emulator::Errors errors = ErrorsOf(emulator, best, true);
      const Assignment next = Better(emulator, errors, best, least);
      if (next == best) break;
      best = next;
    }
    return best;
  }

  // Walks anew with errors measured around `from`, and goes as many of the changes as lessen the
  // error, which becomes `least`: all, or a half, or a quarter, and so on.
  Assignment Better(Emulator& emulator, const Emulator::Errors& errors, const Assignment& from,
                    double& least) const {
    const std::vector<Assignment> walk =
        Walk(space_, errors.changed, savings_, options_.budget, options_.limit);
    const Assignment* to = FirstWithin(walk);
    if (to == nullptr) return from;
    const auto gain = [&](size_t s) {
      return errors.changed[s][static_cast<size_t>((*to)[s])] -
             errors.changed[s][static_cast<size_t>(from[s])];
    };
    std::vector<size_t> changes;  // slots, that of which most is expected first
    for (size_t s = 0; s < from.size(); ++s) {
      if ((*to)[s] != from[s]) changes.push_back(s);
    }
    std::stable_sort(changes.begin(), changes.end(),
                     [&](size_t a, size_t b) { return gain(a) < gain(b); });
    for (size_t part = changes.size(); part > 0; part /= 2) {
      Assignment next = Exchange(from, *to, changes, part, gain);
      if (next == from || !IsWithin(next)) continue;
      const double error = ErrorsOf(emulator, next, false).base;
      if (error >= least) continue;
      least = error;
      return next;
    }
    return from;
  }

  // The first `part` of the changes, and as many of the others as pay for them, those first that
  // add the least error for what they save.
  template <typename Gain>
  Assignment Exchange(const Assignment& from, const Assignment& to,
                      const std::vector<size_t>& changes, size_t part, Gain gain) const {
    Assignment next = from;
    for (size_t i = 0; i < part; ++i) next[changes[i]] = to[changes[i]];
    const auto price = [&](size_t s) {
      const double saving = Spent(savings_.saved[s][static_cast<size_t>(to[s])], options_.budget) -
                            Spent(savings_.saved[s][static_cast<size_t>(from[s])], options_.budget);
      return saving > 0 ? gain(s) / saving : std::numeric_limits<double>::infinity();
    };
    std::vector<size_t> others(changes.begin() + static_cast<std::ptrdiff_t>(part), changes.end());
    std::stable_sort(others.begin(), others.end(),
                     [&](size_t a, size_t b) { return price(a) < price(b); });
    for (const size_t s : others) {
      if (Within(ExpectedCost(savings_, next), options_.budget, *options_.limit)) break;
      next[s] = to[s];
    }
    return next;
  }

  std::vector<FrontPoint> Measure(const std::vector<Assignment>& picked) const {
    std::vector<FrontPoint> front;
    for (const Assignment& assignment : picked) {
      FrontPoint point;
      point.assignment = assignment;
      point.design = DesignOf(assignment);
      point.cost = MeasureCost(net_, point.design);
      // The refined point is the last, and may be one of the walk, too.
      const auto same = std::find_if(front.begin(), front.end(), [&](const FrontPoint& p) {
        return p.assignment == assignment;
      });
      if (same != front.end()) front.erase(same);
      front.push_back(std::move(point));
    }
    if (options_.limit) front.back().chosen = true;
    std::stable_sort(front.begin(), front.end(), [&](const FrontPoint& a, const FrontPoint& b) {
      return Spent(a.cost, options_.budget) > Spent(b.cost, options_.budget);
    });
    Begin("FP32");
    const auto check_fp32 = Fp32Outputs(net_, check_, 0, options_.work);
    for (size_t p = 0; p < front.size(); ++p) {
      Begin(fmt::format("point {} of {}", p + 1, front.size()));
      FrontPoint& point = front[p];
      Keep(p, point);
      point.measured = RunPoint(point, measure_, measure_fp32_, Path(p, "measured.results"));
      point.checked = RunPoint(point, check_, check_fp32, Path(p, "checked.results"));
    }
    if (!options_.limit) Choose(front);
    return front;
  }

  std::string Path(size_t point, const std::string& ending) const {
    if (options_.folder.empty()) return "";
    const auto name = fmt::format("{}.{}", point + 1, ending);
    return (std::filesystem::path(options_.folder) / name).string();
  }

  void Keep(size_t p, const FrontPoint& point) const {
    if (options_.folder.empty()) return;
    trace::MakeFolder(options_.folder);
    trace::WriteWhole(Path(p, "cfg"), platforms::ConfigText(point.design));
  }

  Summary RunPoint(const FrontPoint& point, const Dataset& dataset,
                   const std::vector<std::vector<float>>& fp32, const std::string& path) const {
    ResultsFile file;
    if (!path.empty()) {  // the identity reads all images
      file = ResultsFile(path, IdentityOf(options_.trace_hash, point.design, Engine::kMachine,
                                          dataset, Scope::kOutput));
    }
    return Summarise(
        Evaluate(net_, point.design, Engine::kMachine, dataset, &fp32, file, options_.work),
        dataset.labels());
  }

  void Choose(std::vector<FrontPoint>& front) const {
    FrontPoint* chosen = &front.front();
    if (options_.target_agreement) {
      for (FrontPoint& point : front) {
        if (point.measured.agreement.percent() >= 100 * *options_.target_agreement) {
          chosen = &point;  // cheaper than those before
        }
      }
    }
    chosen->chosen = true;
  }

  // Room for savings that do not quite add up.
  static constexpr double kSlack = 0.02;

  const trace::Network& net_;
  const Dataset& measure_;
  const Dataset& check_;
  const PrecisionSpace& space_;
  const Resolver& resolve_;
  const TuneOptions& options_;
  Savings savings_;
  std::vector<std::vector<float>> measure_fp32_;
};

}  // namespace

std::vector<FrontPoint> Tune(const trace::Network& net, const Dataset& measure,
                             const Dataset& check, const PrecisionSpace& space,
                             const Resolver& resolve, const TuneOptions& options) {
  return Tuner(net, measure, check, space, resolve, options).Run();
}

}  // namespace nibble::evaluation
