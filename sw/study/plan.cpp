#include "sw/study/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "platforms/params/layer_overrides.h"
#include "platforms/params/preset.h"
#include "platforms/params/value.h"
#include "sw/study/value_list.h"

namespace nibble::study {

using platforms::ParameterError;
using platforms::Platform;
using platforms::Setting;

namespace {

constexpr char kWhere[] = "where ";

const std::set<std::string>& ParametersOf(Platform platform) {
  static const auto* const names = [] {
    auto* all = new std::map<Platform, std::set<std::string>>;
    for (const Platform p : {Platform::kAccel, Platform::kNearmem}) {
      for (const platforms::Parameter& parameter : platforms::ListParameters(p)) {
        (*all)[p].insert(parameter.name);
      }
    }
    return all;
  }();
  return names->at(platform);
}

[[noreturn]] void Refuse(const Setting& s, const std::string& why) {
  throw ParameterError(fmt::format("{}{} = \"{}\": {}", s.where, s.key, s.value, why));
}

bool OnOff(const Setting& s) {
  if (s.value == "on") return true;
  if (s.value == "off") return false;
  Refuse(s, "expected on | off");
}

uint32_t Whole(const Setting& s, uint32_t lo, uint32_t hi) {
  try {
    return platforms::ParseWhole(s.value, lo, hi);
  } catch (const platforms::ValueError& error) {
    Refuse(s, fmt::format("{}; expected {}..{}", error.what(), lo, hi));
  }
}

std::vector<std::string> List(const Setting& s) {
  try {
    return ParseValueList(s.value);
  } catch (const ListError& error) {
    Refuse(s, error.what());
  }
}

class Reader {
 public:
  explicit Reader(const std::string& path) { plan_.path = path; }

  Plan Read() {
    platforms::KeysOnce once;
    platforms::ForEachConfigLine(plan_.path, [&](const platforms::ConfigLine& line) {
      if (line.text.rfind(kWhere, 0) == 0) {
        constraints_.push_back(line);
        return;
      }
      const Setting s = platforms::ParseConfigLine(line);
      once.Add(s);
      if (s.key.find('.') == std::string::npos) {
        ReadOwnKey(s);
      } else {
        settings_.push_back(s);
      }
    });
    Finish();
    return std::move(plan_);
  }

 private:
  // Keys of the study; those of the machines have a dot.
  void ReadOwnKey(const Setting& s) {
    given_[s.key] = s;
    if (s.key == "trace") {
      plan_.traces = List(s);
    } else if (s.key == "platform") {
      for (const std::string& name : List(s)) {
        try {
          plan_.machines.push_back({platforms::ParsePlatform(name), ""});
        } catch (const ParameterError& error) {
          throw ParameterError(s.where + error.what());
        }
      }
    } else if (s.key == "preset") {
      for (const std::string& name : List(s)) {
        const std::optional<Platform> platform = platforms::PlatformOfPreset(name);
        if (!platform) Refuse(s, "\"" + name + "\" has no line platform = NAME");
        plan_.machines.push_back({*platform, name});
      }
    } else if (s.key == "timing_only") {
      plan_.timing_only = OnOff(s);
    } else if (s.key == "images") {
      plan_.input.images = s.value;
    } else if (s.key == "labels") {
      plan_.input.labels = s.value;
    } else if (s.key == "count") {
      plan_.input.count = static_cast<int>(Whole(s, 1, 10000000));
    } else if (s.key == "seed") {
      plan_.input.seed = Whole(s, 0, UINT32_MAX);
    } else {
      const std::vector<std::string> known = {"trace",  "platform", "preset", "timing_only",
                                              "images", "labels",   "count",  "seed"};
      const std::string nearest = platforms::Nearest(s.key, known);
      Refuse(s, nearest.empty() ? "unknown; a plan has " + platforms::Join(known, ", ") +
                                      ", lines where CONDITION, and parameters of the platforms"
                                : "unknown; did you mean " + nearest + "?");
    }
  }

  void Conflict(const char* key, const char* with, const char* why) const {
    if (given_.count(key) > 0 && given_.count(with) > 0) Refuse(given_.at(key), why);
  }

  void Finish() {
    if (plan_.traces.empty()) throw ParameterError(plan_.path + ": no line trace = FILE, ...");
    if (plan_.machines.empty()) {
      throw ParameterError(plan_.path +
                           ": neither a line platform = NAME, ... nor one preset = NAME, ...");
    }
    Conflict("platform", "preset", "a preset names its platform; give one of the two");
    Conflict("seed", "images", "of the generated input, and images are given");
    for (const char* key : {"images", "labels", "count", "seed"}) {
      if (plan_.timing_only && given_.count(key) > 0) {
        Refuse(given_.at(key), "timing_only = on runs no image");
      }
      const bool needs_images = key != std::string("seed") && key != std::string("images");
      if (needs_images && given_.count(key) > 0 && given_.count("images") == 0) {
        Refuse(given_.at(key), "of images, and there is no line images = FILE");
      }
    }
    for (const Setting& s : settings_) AddAxis(s);
    AddConstraints();
  }

  void AddAxis(const Setting& s) {
    const bool of_layers = s.key.rfind(platforms::kLayersPrefix, 0) == 0;
    bool known = of_layers;
    for (const Machine& m : plan_.machines) known |= HasParameter(m.platform, s.key);
    if (!known) RefuseKey(s);
    Axis axis{s.key, List(s)};
    if (of_layers) {
      for (const std::string& value : axis.values) {
        Setting one = s;
        one.value = value;
        static_cast<void>(platforms::ParseLayerOverride(one));  // refuses in its own words
      }
    }
    plan_.axes.push_back(std::move(axis));
  }

  // No platform of the plan has it.
  [[noreturn]] void RefuseKey(const Setting& s) const {
    std::vector<std::string> names;
    for (const Platform p : {Platform::kAccel, Platform::kNearmem}) {
      if (HasParameter(p, s.key)) {
        Refuse(s, fmt::format("parameter of platform {}, which the plan does not have",
                              platforms::PlatformName(p)));
      }
    }
    for (const Machine& m : plan_.machines) {
      for (const std::string& name : ParametersOf(m.platform)) names.push_back(name);
    }
    const std::string nearest = platforms::Nearest(s.key, names);
    Refuse(s, nearest.empty() ? "unknown parameter (sim params lists them)"
                              : "unknown parameter; did you mean " + nearest + "?");
  }

  void AddConstraints() {
    std::vector<std::string> names = {"platform", "trace"};
    for (const Machine& m : plan_.machines) {
      const std::set<std::string>& all = ParametersOf(m.platform);
      names.insert(names.end(), all.begin(), all.end());
    }
    for (const Axis& axis : plan_.axes) names.push_back(axis.key);
    for (const platforms::ConfigLine& line : constraints_) {
      plan_.constraints.emplace_back(line.text.substr(sizeof kWhere - 1), line.where, names);
    }
  }

  Plan plan_;
  std::vector<Setting> settings_;
  std::vector<platforms::ConfigLine> constraints_;
  std::map<std::string, Setting> given_;
};

}  // namespace

bool HasParameter(Platform platform, const std::string& key) {
  return key.rfind(platforms::kLayersPrefix, 0) == 0 || ParametersOf(platform).count(key) > 0;
}

Plan ReadPlan(const std::string& path) { return Reader(path).Read(); }

}  // namespace nibble::study
