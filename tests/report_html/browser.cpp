#include "tests/report_html/browser.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace nibble::report_html_test {

namespace fs = std::filesystem;

std::optional<std::string> Dom(const std::string& html, const std::string& fragment) {
  if (std::system("command -v chromium >/dev/null 2>&1") != 0) {
    WARN("no chromium: pages are not looked at (apt-get install chromium)");
    return std::nullopt;
  }
  static int number = 0;
  const fs::path folder = fs::temp_directory_path() / ("nibble_pages_" + std::to_string(getpid()) +
                                                       "_" + std::to_string(number++));
  fs::create_directories(folder);
  std::ofstream(folder / "page.html", std::ios::binary) << html;
  // No network, no profile of the user's. HOME: chromium insists on writing there.
  const std::string command =
      "cd '" + folder.string() + "' && HOME='" + folder.string() +
      "' timeout 100 chromium --headless=new --no-sandbox --disable-gpu --user-data-dir=profile "
      "--virtual-time-budget=5000 --dump-dom 'file://" +
      (folder / "page.html").string() + fragment + "' > dom.html 2> log.txt";
  const int code = std::system(command.c_str());
  std::ifstream file(folder / "dom.html", std::ios::binary);
  std::string dom{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::ifstream log(folder / "log.txt");
  INFO(std::string(std::istreambuf_iterator<char>(log), std::istreambuf_iterator<char>()));
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  REQUIRE(code == 0);
  return dom;
}

size_t Count(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

std::string Between(const std::string& text, const std::string& from, const std::string& to) {
  const size_t begin = text.find(from);
  if (begin == std::string::npos) return "";
  const size_t end = text.find(to, begin + from.size());
  return text.substr(begin, end == std::string::npos ? end : end - begin);
}

double Number(const std::string& text, const std::string& after) {
  const size_t at = text.find(after);
  INFO(after);
  REQUIRE(at != std::string::npos);
  return std::strtod(text.c_str() + at + after.size(), nullptr);
}

}  // namespace nibble::report_html_test
