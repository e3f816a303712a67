// Streams of requests that exercise one property of a memory each: the patterns of the reference
// runs (docs/memory.md), from the same generator.
#pragma once

#include <string>
#include <vector>

#include "models/memory/request_run.h"

namespace nibble::requests {

// Names: seq_read, seq_write, rand_read, row_conflict, mix_2r1w, rand_serial. `scale` divides the
// number of requests. Addresses are of one channel of `device`, one rank. Throws
// std::invalid_argument for another name.
//   seq_read, seq_write  16 MiB, burst after burst
//   mix_2r1w             the same, every third a write
//   rand_read            100,000 reads of any burst (splitmix64, seed 42)
//   rand_serial          5,000 reads of any burst (seed 43); meant for one outstanding request
//   row_conflict         20,000 reads of one bank, each of the next row; where the row is the most
//                        significant field
std::vector<memory::MemoryRequest> Pattern(const std::string& name,
                                           const memory::DramDevice& device, uint32_t scale = 1);
const std::vector<std::string>& PatternNames();

// The two mappings of the reference runs. M1: a row of a bank after the other. M2: bursts go round
// the bank groups first, or round the banks where there are no groups.
std::string NamedMapping(const std::string& name, const memory::DramDevice& device);

}  // namespace nibble::requests
