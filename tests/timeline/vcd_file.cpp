#include "tests/timeline/vcd_file.h"

#include <sstream>
#include <stdexcept>

namespace nibble::timeline_test {

namespace {

[[noreturn]] void Bad(const std::string& what) { throw std::runtime_error("VCD: " + what); }

std::vector<std::string> UntilEnd(std::istringstream& in) {
  std::vector<std::string> words;
  for (std::string word; in >> word;) {
    if (word == "$end") return words;
    words.push_back(word);
  }
  Bad("a section without $end");
}

}  // namespace

uint64_t Signal::TimeAt(uint64_t value) const {
  uint64_t time = 0;
  for (size_t i = 0; i + 1 < changes.size(); ++i) {
    if (changes[i].second == value) time += changes[i + 1].first - changes[i].first;
  }
  return time;
}

std::map<std::string, Signal> ReadVcd(const std::string& text) {
  std::istringstream in(text);
  std::map<std::string, Signal> signals;
  std::map<std::string, Signal*> by_identifier;
  std::vector<std::string> scopes;
  bool declared = false, timescale = false;
  uint64_t now = 0;
  const auto change = [&](const std::string& identifier, const std::string& digits) {
    if (!declared) Bad("a value before the declarations end");
    const auto at = by_identifier.find(identifier);
    if (at == by_identifier.end()) Bad("undeclared identifier " + identifier);
    if (static_cast<int>(digits.size()) > at->second->bits) Bad("a value wider than its signal");
    if (digits.empty() || digits.find_first_not_of("01") != std::string::npos) {
      Bad("value " + digits);
    }
    at->second->changes.emplace_back(now, std::stoull(digits, nullptr, 2));
  };
  for (std::string word; in >> word;) {
    if (word == "$comment" || word == "$date" || word == "$version") {
      UntilEnd(in);
    } else if (word == "$timescale") {
      const auto words = UntilEnd(in);
      timescale = words == std::vector<std::string>{"1", "ps"};
    } else if (word == "$scope") {
      const auto words = UntilEnd(in);
      if (words.size() != 2 || words[0] != "module") Bad("a scope of " + word);
      scopes.push_back(words[1]);
    } else if (word == "$upscope") {
      if (scopes.empty()) Bad("more scopes closed than opened");
      scopes.pop_back();
      UntilEnd(in);
    } else if (word == "$var") {
      const auto words = UntilEnd(in);
      if (words.size() != 4 || words[0] != "wire") Bad("a variable");
      std::string name;
      for (size_t i = 1; i < scopes.size(); ++i) name += scopes[i] + '.';
      name += words[3];
      if (signals.count(name) != 0) Bad("declared twice: " + name);
      if (by_identifier.count(words[2]) != 0) Bad("identifier of two signals: " + words[2]);
      Signal& signal = signals[name];
      signal.bits = std::stoi(words[1]);
      by_identifier[words[2]] = &signal;
    } else if (word == "$enddefinitions") {
      if (!scopes.empty()) Bad("open scopes");
      declared = true;
      UntilEnd(in);
    } else if (word == "$dumpvars" || word == "$end") {
      continue;
    } else if (word[0] == '#') {
      const uint64_t time = std::stoull(word.substr(1));
      if (time < now) Bad("time goes back");
      now = time;
    } else if (word[0] == 'b') {
      std::string identifier;
      if (!(in >> identifier)) Bad("a value without identifier");
      change(identifier, word.substr(1));
    } else if (word[0] == '0' || word[0] == '1') {
      change(word.substr(1), word.substr(0, 1));
    } else {
      Bad("unexpected " + word);
    }
  }
  if (!declared || !timescale) Bad("no $enddefinitions, or another time scale than 1 ps");
  for (const auto& [name, signal] : signals) {
    if (signal.changes.empty() || signal.changes.front().first != 0) Bad("no start value: " + name);
  }
  return signals;
}

}  // namespace nibble::timeline_test
