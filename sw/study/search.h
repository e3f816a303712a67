// Search of a space for the points that no other beats, where it is too large to try them all.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "sw/study/plan.h"
#include "sw/study/space.h"

namespace nibble::study {

// What points cost (objectives.h), by number of the space; nothing for a point without figures.
using CostsOf =
    std::function<std::vector<std::optional<std::vector<double>>>(const std::vector<uint64_t>&)>;

struct SearchOptions {
  uint64_t runs = 500;  // different points, at most
  uint64_t seed = 0;
};

// NSGA-II (K. Deb, A. Pratap, S. Agarwal, T. Meyarivan, IEEE Trans. Evol. Comput. 6, 2002) over the
// typed parameters: an axis of numbers is walked along, one of names is redrawn. It begins with a
// low-discrepancy sample, keeps the whole front, tries neighbours of its points, too, and never
// asks for a point twice or for one that the constraints forbid. Returns the points that it tried,
// in the order in which it did; the same for the same seed and costs, so that a search whose
// finished points are kept goes on where it was stopped. Throws platforms::ParameterError where the
// plan has more than one trace: designs would not compare.
std::vector<uint64_t> Search(const Plan& plan, const Space& space, const SearchOptions& options,
                             const CostsOf& costs_of);

}  // namespace nibble::study
