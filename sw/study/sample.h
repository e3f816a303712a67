// A few points of a space, spread evenly over it.
#pragma once

#include <cstdint>
#include <vector>

#include "sw/study/space.h"

namespace nibble::study {

// `count` different points that the constraints allow, or all where there are no more, ascending.
// A Halton sequence (J. H. Halton, Numer. Math. 2, 1960), one dimension for the choice of trace and
// machine and one an axis, turned by a random angle that `seed` gives for each dimension: every
// value of every axis gets its share, and pairs of axes, too. The first of N + M are not those of
// N. Throws platforms::ParameterError as Space::Allows.
std::vector<uint64_t> Sample(const Space& space, uint64_t count, uint64_t seed);

}  // namespace nibble::study
