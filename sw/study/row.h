// What a study keeps of a point.
#pragma once

#include <cstdint>
#include <string>

namespace nibble::study {

enum class Status : uint8_t {
  kOk,
  kRefused,  // the platform has no such machine, or the network does not fit it: a result, too
  kFailed    // the run crashed or came upon an internal error: it is tried again by the next run
};
const char* StatusName(Status status);
Status ParseStatus(const std::string& name);  // throws std::invalid_argument

// The same bytes whoever computed it: no time, no host, no place in the plan.
struct Row {
  std::string key;  // 32 hex digits (point_run.h)
  std::string platform;
  Status status = Status::kOk;
  std::string error;       // one line; empty when ok
  std::string parameters;  // JSON object: resolved values by name; those given, when refused
  std::string totals;      // JSON object: `totals` of the report, and `quality`; empty unless ok
  std::string report;      // JSON, schema nibble.run/1 (docs/results.md); empty unless ok
};

// Kept apart from the row.
struct Timing {
  double wall_s = 0, cpu_s = 0;
  std::string host;
};

// For the pipe between worker and driver.
std::string Pack(const Row& row, const Timing& timing);
void Unpack(const std::string& bytes, Row& row, Timing& timing);  // throws std::invalid_argument

}  // namespace nibble::study
