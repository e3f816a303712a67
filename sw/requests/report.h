// What a run of requests found, for people and for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "models/memory/request_run.h"

namespace nibble::requests {

std::string Text(const memory::Dram& dram, uint64_t requests, uint32_t outstanding,
                 const memory::RequestRunResult& result);
// Schema nibble.memory/1: plain numbers with the unit in the key.
nlohmann::ordered_json Json(const memory::Dram& dram, uint64_t requests, uint32_t outstanding,
                            const memory::RequestRunResult& result);

}  // namespace nibble::requests
