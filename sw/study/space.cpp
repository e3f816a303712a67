#include "sw/study/space.h"

#include <fmt/format.h>

#include <algorithm>

namespace nibble::study {

using platforms::ParameterError;

Space::Space(const Plan& plan) : plan_(plan) {
  for (const Machine& m : plan.machines) {
    auto& base = base_.emplace_back();
    for (const platforms::Parameter& p : platforms::Resolve(m.platform, m.preset, {}).parameters) {
      base.emplace_back(p.name, p.value);
    }
    std::sort(base.begin(), base.end());
  }
  constexpr uint64_t kMost = uint64_t{1} << 62;
  for (size_t trace = 0; trace < plan.traces.size(); ++trace) {
    for (size_t machine = 0; machine < plan.machines.size(); ++machine) {
      Block block{trace, machine, {}, {}, size_, 1};
      for (size_t a = 0; a < plan.axes.size(); ++a) {
        if (!HasParameter(plan.machines[machine].platform, plan.axes[a].key)) continue;
        block.axes.push_back(a);
        const uint64_t values = plan.axes[a].values.size();
        block.sizes.push_back(static_cast<uint32_t>(values));
        if (block.size > kMost / values) throw ParameterError(plan.path + ": too many points");
        block.size *= values;
      }
      if (size_ > kMost - block.size) throw ParameterError(plan.path + ": too many points");
      size_ += block.size;
      blocks_.push_back(std::move(block));
    }
  }
}

const Space::Block& Space::BlockOf(uint64_t number) const {
  const auto after =
      std::upper_bound(blocks_.begin(), blocks_.end(), number,
                       [](uint64_t n, const Block& block) { return n < block.first; });
  return *(after - 1);
}

std::vector<uint32_t> Space::Digits(uint64_t number) const {
  const Block& block = BlockOf(number);
  uint64_t rest = number - block.first;
  std::vector<uint32_t> digits(block.axes.size());
  for (size_t i = digits.size(); i-- > 0;) {
    digits[i] = static_cast<uint32_t>(rest % block.sizes[i]);
    rest /= block.sizes[i];
  }
  return digits;
}

uint64_t Space::Number(const Block& block, const std::vector<uint32_t>& digits) const {
  uint64_t number = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    number = number * block.sizes[i] + digits[i];
  }
  return block.first + number;
}

Point Space::At(uint64_t number) const {
  const Block& block = BlockOf(number);
  const std::vector<uint32_t> digits = Digits(number);
  Point point{block.trace, block.machine, {}};
  for (size_t i = 0; i < digits.size(); ++i) {
    const Axis& axis = plan_.axes[block.axes[i]];
    point.settings.emplace_back(axis.key, axis.values[digits[i]]);
  }
  return point;
}

bool Space::Allows(uint64_t number) const {
  if (plan_.constraints.empty()) return true;
  const Point point = At(number);
  const auto& base = base_[point.machine];
  const auto lookup = [&](const std::string& name) -> std::optional<std::string> {
    if (name == "platform") {
      return platforms::PlatformName(plan_.machines[point.machine].platform);
    }
    if (name == "trace") return plan_.traces[point.trace];
    for (const auto& [key, value] : point.settings) {
      if (key == name) return value;
    }
    const auto at = std::lower_bound(base.begin(), base.end(), std::pair(name, std::string()));
    if (at == base.end() || at->first != name) return std::nullopt;
    return at->second;
  };
  return std::all_of(plan_.constraints.begin(), plan_.constraints.end(),
                     [&](const Expression& e) { return e.Holds(lookup); });
}

std::vector<uint64_t> Space::Grid() const {
  if (size_ > kMaxGrid) {
    throw ParameterError(fmt::format(
        "{}: {} combinations are too many to try all of them, at most {}; take --sample N or "
        "--pareto",
        plan_.path, size_, kMaxGrid));
  }
  std::vector<uint64_t> points;
  for (uint64_t n = 0; n < size_; ++n) {
    if (Allows(n)) points.push_back(n);
  }
  return points;
}

}  // namespace nibble::study
