#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sw/timeline/recording.h"

namespace nibble::timeline {

namespace {

constexpr uint64_t kWindow = 1'000'000;  // ps: counters are means over a microsecond
constexpr int kThreadOfLayers = 1;

// Microseconds with all digits of the ps.
std::string Us(uint64_t ps) { return fmt::format("{}.{:06}", ps / 1'000'000, ps % 1'000'000); }

std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<int>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

class Events {
 public:
  void Add(const std::string& event) { text_ += (text_.empty() ? "\n" : ",\n") + event; }
  void Name(const char* what, int process, int thread, const std::string& name) {
    Add(fmt::format(R"({{"ph":"M","name":"{}_name","pid":{},"tid":{},"args":{{"name":{}}}}})", what,
                    process, thread, Quoted(name)));
    Add(fmt::format(R"({{"ph":"M","name":"{0}_sort_index","pid":{1},"tid":{2},)"
                    R"("args":{{"sort_index":{3}}}}})",
                    what, process, thread, std::string(what) == "process" ? process : thread));
  }
  void Counter(int process, const std::string& name, const std::string& unit, uint64_t ps,
               double value) {
    Add(fmt::format(R"({{"ph":"C","name":{},"pid":{},"ts":{},"args":{{{}:{:.6g}}}}})", Quoted(name),
                    process, Us(ps), Quoted(unit), value));
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string LayerName(const Labels& labels, int layer) {
  const auto i = static_cast<size_t>(layer);
  return layer >= 0 && i < labels.layers.size() ? labels.layers[i] : "";
}

void AddSpan(Events& events, const Span& span, int process, int thread, const Labels& labels) {
  std::string args;
  if (span.layer >= 0) {
    args = fmt::format(R"("layer":{},"tile":{})", Quoted(LayerName(labels, span.layer)), span.tile);
  } else {
    args = fmt::format(R"("count":{})", span.count);
  }
  events.Add(fmt::format(
      R"({{"ph":"X","name":{},"cat":"{}","pid":{},"tid":{},"ts":{},"dur":{},"args":{{{}}}}})",
      Quoted(span.label), span.wait ? "wait" : "busy", process, thread, Us(span.begin),
      Us(span.end - span.begin), args));
}

// Mean of what flowed, by window; `scale` makes a rate of the amount of a window.
void AddFlow(Events& events, int process, const std::string& name, const std::string& unit,
             const std::vector<Flow>& flows, double scale) {
  std::map<uint64_t, double> windows;
  for (const Flow& flow : flows) {
    const double length = static_cast<double>(std::max<uint64_t>(1, flow.end - flow.begin));
    for (uint64_t w = flow.begin / kWindow; w * kWindow < std::max(flow.end, flow.begin + 1); ++w) {
      const uint64_t from = std::max(flow.begin, w * kWindow);
      const uint64_t to = std::min(std::max(flow.end, flow.begin + 1), (w + 1) * kWindow);
      windows[w] += flow.amount * static_cast<double>(to - from) / length;
    }
  }
  uint64_t next = 0;  // a window without flow ends a value
  for (const auto& [w, amount] : windows) {
    if (w > next) events.Counter(process, name, unit, next * kWindow, 0);
    events.Counter(process, name, unit, w * kWindow, amount * scale);
    next = w + 1;
  }
  events.Counter(process, name, unit, next * kWindow, 0);
}

// Also tells what the processes are: engines, then DRAM channels.
void AddTracks(Events& events, const std::vector<Track>& tracks, const Labels& labels,
               int& process) {
  std::string group;
  int thread = 0;
  for (const Track& track : tracks) {
    if (track.group != group) {
      group = track.group;
      events.Name("process", ++process, 0, group);
      thread = kThreadOfLayers;  // the others come behind it
    }
    ++thread;
    events.Name("thread", process, thread, track.name);
    for (const Span& span : track.spans) AddSpan(events, span, process, thread, labels);
  }
}

}  // namespace

std::string ToTraceEvents(const Recording& recording, const Labels& labels) {
  Events events;
  constexpr int kEngines = 1;  // the process
  events.Name("thread", kEngines, kThreadOfLayers, "layers");
  for (const Span& layer : recording.layers()) {
    const std::string name = LayerName(labels, layer.layer);
    events.Add(fmt::format(R"({{"ph":"X","name":{},"cat":"layer","pid":{},"tid":{},"ts":{},)"
                           R"("dur":{},"args":{{"layer":{}}}}})",
                           Quoted(name), kEngines, kThreadOfLayers, Us(layer.begin),
                           Us(layer.end - layer.begin), layer.layer));
    events.Add(fmt::format(R"({{"ph":"i","s":"g","name":{},"pid":{},"tid":{},"ts":{}}})",
                           Quoted("end of " + name), kEngines, kThreadOfLayers, Us(layer.end)));
  }
  int process = 0;
  AddTracks(events, recording.engines(), labels, process);
  AddTracks(events, recording.dram(), labels, process);
  events.Name("process", ++process, 0, "counters");
  // bytes a window / 1e-6 s, in GB/s
  AddFlow(events, process, "DRAM bandwidth", "GB/s", recording.dram_bytes(), 1e-3);
  const double cycles = static_cast<double>(kWindow) / static_cast<double>(labels.cycle_ps);
  for (const auto& [name, flows] : recording.srams()) {
    AddFlow(events, process, "SRAM " + name + " port use", "%", flows, 100 / cycles);
  }
  for (const auto& [ps, level] : recording.interrupt().changes) {
    events.Counter(process, "interrupt", "level", ps, static_cast<double>(level));
  }
  for (const Level& queue : recording.queues()) {
    for (const auto& [ps, words] : queue.changes) {
      events.Counter(process, "queue of " + queue.name, "words", ps, static_cast<double>(words));
    }
  }
  return fmt::format(
             "{{\"displayTimeUnit\":\"ns\",\"otherData\":{{\"title\":{}}},\"traceEvents\":[",
             Quoted(labels.title)) +
         events.text() + "\n]}\n";
}

}  // namespace nibble::timeline
