#include "tests/cli/sim.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace nibble::cli_test {

namespace fs = std::filesystem;

namespace {

// Output goes beside the folder, so that a test can count the files that sim leaves in it.
std::string Beside(const Folder& folder, const char* what) { return folder.path().string() + what; }

}  // namespace

Folder::Folder() {
  std::string name = (fs::temp_directory_path() / "nibble-cli-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  fs::remove(path_.string() + ".out", ignored);
  fs::remove(path_.string() + ".err", ignored);
}

size_t Folder::files() const {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
}

Result Sim(const Folder& folder, const std::string& arguments, const std::string& before) {
  const std::string out = Beside(folder, ".out"), err = Beside(folder, ".err");
  const std::string command = "cd '" + folder.path().string() + "' && " + before +
                              " '" NIBBLE_SIM "' " + arguments + " >'" + out + "' 2>'" + err +
                              "' </dev/null";
  const int status = std::system(command.c_str());
  Result result;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = ReadFile(out);
  result.err = ReadFile(err);
  return result;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  if (!file) throw std::runtime_error("cannot write " + path);
}

std::string SmallTrace() {
  static const Folder folder;
  static const std::string trace = [] {
    const Result made =
        Sim(folder, "compile --builtin mobilenet_v2 --resolution 32 --count 1 -o small.trc");
    if (made.exit_code != 0) throw std::runtime_error(made.err);
    return folder / "small.trc";
  }();
  return trace;
}

nlohmann::json RunJson(const std::string& arguments) {
  const Folder folder;
  const Result r = Sim(folder, "--trace " + SmallTrace() + " --json - " + arguments);
  INFO("stderr: " << r.err);
  REQUIRE(r.exit_code == 0);
  return nlohmann::json::parse(r.out);
}

bool IsOneLine(const std::string& err) {
  return err.rfind("sim: ", 0) == 0 && std::count(err.begin(), err.end(), '\n') == 1 &&
         err.back() == '\n';
}

}  // namespace nibble::cli_test
