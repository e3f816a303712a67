// Request files, good and bad.
#include "sw/requests/request_file.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

using namespace nibble;

namespace {

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) {
    char name[] = "/tmp/nibble-requests-XXXXXX";
    close(mkstemp(name));
    path = name;
    std::ofstream(path) << text;
  }
  ~TemporaryFile() { unlink(path.c_str()); }
  std::string path;
};

}  // namespace

TEST_CASE("a request file is read line by line") {
  const TemporaryFile file("# a comment\nR 0x0\n\nW 0x1fC0\r\nR 0X20  ");
  const auto requests = requests::ReadRequests(file.path, 0x2000);
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].address == 0);
  CHECK_FALSE(requests[0].write);
  CHECK(requests[1].address == 0x1fc0);
  CHECK(requests[1].write);
  CHECK(requests[2].address == 0x20);
}

TEST_CASE("a request file that is wrong says where and what was expected") {
  const auto refusal = [](const std::string& text) {
    const TemporaryFile file(text);
    try {
      requests::ReadRequests(file.path, 0x2000);
    } catch (const requests::FileError& e) {
      const std::string message = e.what();
      CHECK(message.find('\n') == std::string::npos);
      REQUIRE(message.substr(0, file.path.size() + 1) == file.path + ":");
      return message.substr(file.path.size() + 1);
    }
    return std::string("accepted");
  };
  for (const char* line : {"r 0x0", "R 0", "R 0x", "R0x0", "R  0x0", "X 0x0", "R 0x0g", "R 0x0 1",
                           "R -0x1", "R 0x-1", "R 0x10000000000000000", "0x0 READ 0", "R"}) {
    CAPTURE(line);
    CHECK_THAT(refusal(std::string("R 0x0\n") + line + "\n"),
               Catch::StartsWith("2: expected \"R 0xADDRESS\" or \"W 0xADDRESS\", found"));
  }
  CHECK_THAT(refusal("R 0x1fff\nW 0x2000\n"),
             Catch::StartsWith("2: address 0x2000 is beyond the memory, which has 0x2000 bytes"));
  CHECK_THAT(refusal(""), Catch::Contains("holds no request"));
  CHECK_THAT(refusal("# nothing\n"), Catch::Contains("holds no request"));
  CHECK_THROWS_WITH(requests::ReadRequests("/nowhere", 1),
                    Catch::Contains("/nowhere: cannot open"));
}
