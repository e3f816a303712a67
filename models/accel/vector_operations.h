// Operations and passes of the vector unit, from the shape of a tile.
#pragma once

#include <cstdint>

#include "models/sim_core/command.h"

namespace nibble::accel {

struct VectorOperations {
  uint64_t fp32_muls = 0, fp32_adds = 0;
  uint64_t compares = 0;     // activation bounds, block maxima, saturation
  uint64_t divides = 0;      // reciprocals of block scales, the mean of a pool, square roots
  uint64_t encodes = 0;      // roundings to elements and scales; additions of exponents
  uint64_t table_reads = 0;  // of two neighbouring entries of a function's table
  uint64_t strip_write_bytes = 0, strip_read_bytes = 0;  // of the strip buffer

  VectorOperations& operator+=(const VectorOperations& o);
  bool operator==(const VectorOperations& o) const;
};
// Operations of one word under the state of its last kVectorConfig and kVectorGeometry.
VectorOperations OperationsOf(const sim::Command& command, const sim::Epilogue& state,
                              const sim::Geometry& windows = {});

// How often the unit's lanes are taken by one word: channels sit in adjacent lanes so that a
// block's maximum is found in one pass, and each pixel starts a new row of lanes. Functions of a
// row make three passes; a transposition goes through registers of lanes x lanes elements, which
// take a row and give a column a cycle.
uint64_t LanePasses(const sim::Command& command, uint32_t lanes, const sim::Geometry& windows = {});

// Cycles by which one word ends later because it writes strips: elements wait in the strip buffer,
// a delay line of a block of binary32 for each lane, until the scale of theirs is known. The word
// takes `lanes` channels over the pixels of all its rows, then the next ones, so that the line
// delays each element by as many passes as a strip has pixels, whatever strips come before or
// after.
uint64_t StripDelay(const sim::Epilogue& state, const sim::Geometry& windows);

}  // namespace nibble::accel
