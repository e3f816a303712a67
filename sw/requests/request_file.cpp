#include "sw/requests/request_file.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <string_view>

namespace nibble::requests {

std::vector<memory::MemoryRequest> ReadRequests(const std::string& path, uint64_t capacity) {
  std::ifstream file(path);
  if (!file) throw FileError(path + ": cannot open; expected a request file");
  std::vector<memory::MemoryRequest> requests;
  std::string line;
  for (uint64_t number = 1; std::getline(file, line); ++number) {
    std::string_view text = line;
    while (!text.empty() && (text.back() == '\r' || text.back() == ' ' || text.back() == '\t')) {
      text.remove_suffix(1);
    }
    if (text.empty() || text.front() == '#') continue;
    const auto refuse = [&](const std::string& what) {
      throw FileError(fmt::format("{}:{}: {}", path, number, what));
    };
    uint64_t address = 0;
    const char* end = text.data() + text.size();
    const bool form = text.size() > 4 && (text[0] == 'R' || text[0] == 'W') && text[1] == ' ' &&
                      text[2] == '0' && (text[3] == 'x' || text[3] == 'X');
    const auto parsed = form ? std::from_chars(text.data() + 4, end, address, 16)
                             : std::from_chars_result{text.data(), std::errc::invalid_argument};
    if (parsed.ec != std::errc() || parsed.ptr != end) {
      refuse(fmt::format("expected \"R 0xADDRESS\" or \"W 0xADDRESS\", found \"{}\"",
                         text.substr(0, 40)));
    }
    if (address >= capacity) {
      refuse(fmt::format("address {:#x} is beyond the memory, which has {:#x} bytes", address,
                         capacity));
    }
    requests.push_back({address, text[0] == 'W'});
  }
  if (file.bad()) throw FileError(path + ": cannot be read");
  if (requests.empty()) throw FileError(path + ": holds no request");
  return requests;
}

}  // namespace nibble::requests
