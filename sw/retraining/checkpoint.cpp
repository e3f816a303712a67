#include "sw/retraining/checkpoint.h"

#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <type_traits>

#include "sw/trace/file.h"
#include "sw/trace/hash.h"
#include "sw/trace/whole_file.h"

namespace nibble::retraining {
namespace {

using trace::FileError;

constexpr char kFormat[] = "nibble.retrain.checkpoint/1\n";

// The state's parts in one order, for both directions.
template <typename Visit, typename TheState>
void ForEachPart(TheState& state, Visit visit) {
  visit(state.step);
  visit(state.seconds);
  visit(state.best_look);
  const auto arrays = [&](auto& parameters) {
    parameters.ForEach([&](auto& values) { visit(values); });
  };
  arrays(state.parameters);
  arrays(state.best);
  arrays(state.moments.first);
  arrays(state.moments.second);
  visit(state.looks);
}

struct Writer {
  std::string bytes;
  template <typename T>
  void operator()(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  template <typename T>
  void operator()(const std::vector<T>& values) {
    static_assert(std::is_trivially_copyable_v<T>);
    (*this)(static_cast<uint64_t>(values.size()));
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }
};

struct Reader {
  const std::string& bytes;
  size_t at;
  const std::string& path;

  void Take(void* to, size_t count) {
    if (count > bytes.size() - at) throw FileError(path + ": the checkpoint ends too early");
    if (count > 0) std::memcpy(to, bytes.data() + at, count);
    at += count;
  }
  template <typename T>
  void operator()(T& value) {
    Take(&value, sizeof value);
  }
  // Arrays of parameters have the network's sizes already.
  void operator()(std::vector<float>& values) {
    uint64_t count = 0;
    (*this)(count);
    if (count != values.size()) throw FileError(path + ": not of this network's parameters");
    Take(values.data(), values.size() * sizeof(float));
  }
  void operator()(std::vector<Look>& looks) {
    uint64_t count = 0;
    (*this)(count);
    if (count > (bytes.size() - at) / sizeof(Look)) {
      throw FileError(path + ": the checkpoint ends too early");
    }
    looks.resize(count);
    Take(looks.data(), looks.size() * sizeof(Look));
  }
};

std::string Text(const Identity& identity) {
  std::string text = kFormat;
  for (const auto& [name, value] : identity) text += fmt::format("{} {}\n", name, value);
  return text + "\n";
}

void CheckIdentity(const std::string& path, const std::string& found, const Identity& identity) {
  std::istringstream lines(found);
  std::string line;
  std::getline(lines, line);  // the format
  for (const auto& [name, value] : identity) {
    std::getline(lines, line);
    const std::string expected = fmt::format("{} {}", name, value);
    if (line != expected) {
      throw FileError(fmt::format(
          "{}: of another training: its \"{}\" is not \"{}\"; give another --checkpoint "
          "or remove the file",
          path, line, expected));
    }
  }
}

}  // namespace

void WriteCheckpoint(const std::string& path, const Identity& identity, const State& state) {
  Writer writer;
  ForEachPart(state, [&](const auto& part) { writer(part); });
  const std::string hash = trace::HashOf(writer.bytes);
  trace::WriteWhole(path, Text(identity) + hash + '\n' + writer.bytes);
}

std::optional<State> ReadCheckpoint(const std::string& path, const Identity& identity,
                                    const Parameters& shape) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::nullopt;
  std::ifstream in(path, std::ios::binary);
  std::stringstream content;
  content << in.rdbuf();
  const std::string bytes = content.str();
  const size_t end = bytes.find("\n\n");
  constexpr size_t kHash = 33;  // with the end of its line
  if (!in || bytes.rfind(kFormat, 0) != 0 || end == std::string::npos ||
      bytes.size() < end + 2 + kHash) {
    throw FileError(path + ": not a checkpoint of a retraining");
  }
  CheckIdentity(path, bytes.substr(0, end + 1), identity);
  const size_t begin = end + 2 + kHash;
  const std::string hash = trace::HashOf(std::string_view(bytes).substr(begin));
  if (bytes.compare(end + 2, kHash - 1, hash) != 0) {
    throw FileError(path + ": damaged: what it holds has another hash than it says");
  }
  State state;
  state.parameters = state.best = state.moments.first = state.moments.second = ZeroLike(shape);
  Reader reader{bytes, begin, path};
  ForEachPart(state, [&](auto& part) { reader(part); });
  return state;
}

}  // namespace nibble::retraining
