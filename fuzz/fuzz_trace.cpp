// The trace loader on damaged files: what it accepts can be printed and written, and is the same
// network when it is read again.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "sw/trace/container.h"
#include "sw/trace/file.h"
#include "sw/trace/print.h"

namespace trace = nibble::trace;

namespace {

// The header and the hash anew, of which any mutation would be the end: only its size of the table
// is believed.
std::vector<uint8_t> Mend(const uint8_t* data, size_t size) {
  constexpr size_t kTableBytes = 24;  // offset of the field
  const uint8_t* const body = data + trace::kHeaderBytes;
  const uint8_t* const end = data + size;
  const uint64_t said = data[kTableBytes] | uint64_t{data[kTableBytes + 1]} << 8;
  const size_t body_bytes = size - trace::kHeaderBytes;
  const size_t table_bytes = std::min<uint64_t>(said, body_bytes);
  const size_t tensors = std::min<uint64_t>(trace::AlignUp(table_bytes), body_bytes);
  return trace::Seal(body, table_bytes, {body + tensors, end});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < trace::kHeaderBytes) return 0;
  trace::Network net;
  try {
    net = trace::Parse(Mend(data, size));
  } catch (const trace::FileError&) {
    return 0;
  }
  trace::Print(net);
  const std::vector<uint8_t> written = trace::Serialize(net);
  if (trace::Serialize(trace::Parse(written)) != written) std::abort();
  return 0;
}
