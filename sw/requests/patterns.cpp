#include "sw/requests/patterns.h"

#include <algorithm>
#include <stdexcept>

#include "models/numerics/rounding.h"

namespace nibble::requests {

const std::vector<std::string>& PatternNames() {
  static const std::vector<std::string> names = {"seq_read",     "seq_write", "rand_read",
                                                 "row_conflict", "mix_2r1w",  "rand_serial"};
  return names;
}

std::vector<memory::MemoryRequest> Pattern(const std::string& name, const memory::DramDevice& d,
                                           uint32_t scale) {
  const std::vector<std::string>& names = PatternNames();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    throw std::invalid_argument("no pattern \"" + name + "\"");
  }
  std::vector<memory::MemoryRequest> requests;
  const uint64_t size = d.burst_bytes;
  const uint64_t row_stride = uint64_t{d.row_bytes} * d.banks();  // of one bank, M1 and M2
  if (name == "rand_read" || name == "rand_serial") {
    const bool serial = name == "rand_serial";
    const uint64_t seed = serial ? 43 : 42;
    const uint64_t bursts = row_stride * d.rows / size;
    const uint32_t count = (serial ? 5000 : 100000) / scale;
    for (uint32_t i = 0; i < count; ++i) {
      requests.push_back({numerics::SplitMix64(seed, i) % bursts * size, false});
    }
  } else if (name == "row_conflict") {
    for (uint32_t i = 0; i < 20000 / scale; ++i) {
      requests.push_back({i % d.rows * row_stride, false});
    }
  } else {
    const uint64_t count = (uint64_t{16} << 20) / size / scale;
    for (uint64_t i = 0; i < count; ++i) {
      const bool write = name == "seq_write" || (name == "mix_2r1w" && i % 3 == 2);
      requests.push_back({i * size, write});
    }
  }
  return requests;
}

std::string NamedMapping(const std::string& name, const memory::DramDevice& d) {
  if (name == "M1") return "row rank bank bankgroup column channel";
  if (name == "M2") {
    return d.bank_groups > 1 ? "row rank bank column bankgroup channel"
                             : "row rank column bank bankgroup channel";
  }
  return name;
}

}  // namespace nibble::requests
