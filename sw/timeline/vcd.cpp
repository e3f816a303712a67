#include <fmt/format.h>

#include <map>
#include <vector>

#include "models/sim_core/command.h"
#include "sw/timeline/recording.h"

namespace nibble::timeline {

namespace {

// Short identifiers of printable characters, '!' to '~', as the format wants them.
std::string Identifier(size_t n) {
  std::string id;
  do {
    id += static_cast<char>('!' + n % 94);
    n /= 94;
  } while (n > 0);
  return id;
}

class Dump {
 public:
  // Variables of a scope are declared one after the other. Starts at 0.
  size_t Declare(const std::string& scope, const std::string& name, int bits) {
    if (scope != scope_) {
      if (!scope_.empty()) declarations_ += "$upscope $end\n";
      declarations_ += "$scope module " + scope + " $end\n";
      scope_ = scope;
    }
    const size_t n = bits_.size();
    declarations_ += fmt::format("$var wire {} {} {} $end\n", bits, Identifier(n), name);
    bits_.push_back(bits);
    last_.push_back(0);
    return n;
  }
  // At one time the last value set counts.
  void Set(uint64_t ps, size_t variable, uint64_t value) { changes_[ps][variable] = value; }

  std::string Text(const std::string& title) {
    std::string text = "$comment " + title +
                       " $end\n$timescale 1 ps $end\n$scope module nibble $end\n" + declarations_ +
                       "$upscope $end\n$upscope $end\n$enddefinitions $end\n" + "#0\n$dumpvars\n";
    for (size_t v = 0; v < bits_.size(); ++v) {
      const auto at_zero = changes_[0].find(v);
      if (at_zero != changes_[0].end()) last_[v] = at_zero->second;
      text += Value(v, last_[v]);
    }
    text += "$end\n";
    for (const auto& [ps, values] : changes_) {
      std::string lines;
      for (const auto& [v, value] : values) {
        if (value == last_[v]) continue;
        last_[v] = value;
        lines += Value(v, value);
      }
      if (!lines.empty()) text += fmt::format("#{}\n", ps) + lines;
    }
    return text + fmt::format("#{}\n", changes_.rbegin()->first + 1);
  }

 private:
  std::string Value(size_t v, uint64_t value) const {
    if (bits_[v] == 1) return fmt::format("{}{}\n", value & 1, Identifier(v));
    return fmt::format("b{:b} {}\n", value, Identifier(v));
  }

  std::string declarations_, scope_;
  std::vector<int> bits_;
  std::vector<uint64_t> last_;
  std::map<uint64_t, std::map<size_t, uint64_t>> changes_;
};

uint64_t OpcodeOf(const std::string& name) {
  for (int code = 1; code < 32; ++code) {
    const auto opcode = static_cast<sim::Opcode>(code);
    if (sim::OpcodeName(opcode) == name) return static_cast<uint64_t>(code);
  }
  return 0;
}

void AddEngine(Dump& dump, const Track& track) {
  const size_t busy = dump.Declare(track.name, "busy", 1);
  const size_t stall = dump.Declare(track.name, "stall", 1);
  const size_t opcode = dump.Declare(track.name, "opcode", 8);
  const size_t layer = dump.Declare(track.name, "layer", 16);
  // Ends first, so that a span that begins where another ended keeps the signal.
  for (const Span& span : track.spans) {
    dump.Set(span.end, span.wait ? stall : busy, 0);
    if (!span.wait) dump.Set(span.end, opcode, 0);
  }
  for (const Span& span : track.spans) {
    dump.Set(span.begin, span.wait ? stall : busy, 1);
    if (!span.wait) dump.Set(span.begin, opcode, OpcodeOf(span.label));
    if (span.layer >= 0) dump.Set(span.begin, layer, static_cast<uint64_t>(span.layer));
  }
}

void AddLevel(Dump& dump, const std::string& scope, const std::string& name, const Level& level) {
  const size_t variable = dump.Declare(scope, name, 16);
  for (const auto& [ps, value] : level.changes) dump.Set(ps, variable, value);
}

// Of the data bus, or of work in all banks.
void AddDram(Dump& dump, const std::string& scope, const Track& track) {
  const bool bus = track.name == "data bus";
  const size_t busy = dump.Declare(scope, bus ? "busy" : "all_banks", 1);
  const size_t write = bus ? dump.Declare(scope, "write", 1) : 0;
  for (const Span& span : track.spans) {
    dump.Set(span.end, busy, 0);
    if (bus) dump.Set(span.end, write, 0);
  }
  for (const Span& span : track.spans) {
    dump.Set(span.begin, busy, 1);
    if (bus) dump.Set(span.begin, write, span.label == "write" ? 1 : 0);
  }
}

}  // namespace

std::string ToVcd(const Recording& recording, const Labels& labels) {
  Dump dump;
  const size_t layers_done = dump.Declare("machine", "layers_done", 16);
  const size_t interrupt = dump.Declare("machine", "interrupt", 1);
  for (const Span& layer : recording.layers()) {
    if (layer.layer == 0) dump.Set(layer.begin, layers_done, 0);
    dump.Set(layer.end, layers_done, static_cast<uint64_t>(layer.layer) + 1);
  }
  for (const auto& [ps, level] : recording.interrupt().changes) dump.Set(ps, interrupt, level);
  for (const Track& track : recording.engines()) AddEngine(dump, track);
  for (const Level& level : recording.queues()) AddLevel(dump, "queues", level.name, level);
  for (const Level& level : recording.tokens()) AddLevel(dump, "tokens", level.name, level);
  std::string group;
  int channel = -1;
  for (const Track& track : recording.dram()) {
    if (track.group != group) ++channel;
    group = track.group;
    if (track.name != "data bus" && track.name != "all banks") continue;
    AddDram(dump, "dram_channel_" + std::to_string(channel), track);
  }
  return dump.Text(labels.title);
}

}  // namespace nibble::timeline
