#include "sw/compiler/element_order.h"

#include <utility>

namespace nibble::compiler {

ElementOrder::ElementOrder(const Loops& loops) {
  for (const Loop& l : loops) {
    if (l.turns == 1) continue;
    if (!loops_.empty() && loops_.back().stride == l.turns * l.stride) {
      loops_.back() = {loops_.back().turns * l.turns, l.stride};
    } else {
      loops_.push_back(l);
    }
  }
}

ElementOrder ElementOrder::Identity(const trace::Shape& map) {
  return ElementOrder({{map.elements(), 1}});
}

ElementOrder ElementOrder::ChannelsLast(const trace::Shape& map) {
  return ElementOrder({{map.pixels(), 1}, {map.channels, map.pixels()}});
}

ElementOrder ElementOrder::Shuffled(const trace::Shape& map, int groups) {
  const int64_t pixels = map.pixels(), size = map.channels / groups;
  return ElementOrder({{size, pixels}, {groups, size * pixels}, {pixels, 1}});
}

std::optional<std::vector<ElementOrder::Loops>> ElementOrder::Axes(const Dims& dims) const {
  std::vector<Loops> axes;
  Loops left(loops_.rbegin(), loops_.rend());  // the outermost last
  for (int64_t d : dims) {
    axes.emplace_back();
    while (d > 1) {
      if (left.empty()) return std::nullopt;
      Loop& outer = left.back();
      if (outer.turns <= d) {  // the whole loop
        if (d % outer.turns != 0) return std::nullopt;
        d /= outer.turns;
        axes.back().push_back(outer);
        left.pop_back();
      } else {  // its outer part
        if (outer.turns % d != 0) return std::nullopt;
        outer.turns /= d;
        axes.back().push_back({d, outer.turns * outer.stride});
        d = 1;
      }
    }
  }
  return axes;
}

bool ElementOrder::Transpose(const Dims& dims, const std::vector<int64_t>& permutation) {
  const auto axes = Axes(dims);
  if (!axes) return false;
  Loops loops;
  for (const int64_t axis : permutation) {
    const Loops& of = (*axes)[static_cast<size_t>(axis)];
    loops.insert(loops.end(), of.begin(), of.end());
  }
  *this = ElementOrder(loops);
  return true;
}

int ElementOrder::ShuffleGroups(const trace::Shape& map) const {
  if (loops_.empty() || loops_[0].turns >= map.channels) return 0;
  if (map.channels % loops_[0].turns != 0) return 0;
  const auto groups = static_cast<int>(map.channels / loops_[0].turns);
  return *this == Shuffled(map, groups) ? groups : 0;
}

std::vector<int64_t> ElementOrder::Places() const {
  std::vector<int64_t> places = {0};
  for (const Loop& l : loops_) {
    std::vector<int64_t> inner;
    for (const int64_t place : places) {
      for (int64_t i = 0; i < l.turns; ++i) inner.push_back(place + i * l.stride);
    }
    places = std::move(inner);
  }
  return places;
}

}  // namespace nibble::compiler
