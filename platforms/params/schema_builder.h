// Makes schema entries: one function for each kind of parameter.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "platforms/params/schema.h"
#include "platforms/params/value.h"

namespace nibble::platforms {

using Names = std::vector<std::string>;

// Builds entries; `At` of each is a lambda from DesignPoint& to the member that the parameter sets,
// or one that sets it: (DesignPoint&, value).
class Builder {
 public:
  template <class At>
  void Whole(const char* name, const char* unit, uint32_t lo, uint32_t hi, uint32_t def,
             const char* meaning, At at) {
    Add(name, "integer", unit, fmt::format("{}..{}", lo, hi), std::to_string(def), meaning,
        [lo, hi, at](const std::string& text, DesignPoint& d) {
          const uint32_t n = ParseWhole(text, lo, hi);
          Set(at, d, n);
          return std::to_string(n);
        });
  }

  // A whole number of a short list.
  template <class At>
  void OneOf(const char* name, const char* unit, std::vector<uint32_t> allowed, uint32_t def,
             const char* meaning, At at) {
    Names names;
    for (const uint32_t a : allowed) names.push_back(std::to_string(a));
    const std::string range = Join(names, " | ");
    Add(name, "integer", unit, range, std::to_string(def), meaning,
        [allowed = std::move(allowed), at](const std::string& text, DesignPoint& d) {
          const uint32_t n = ParseWhole(text, 0, UINT32_MAX);
          if (std::find(allowed.begin(), allowed.end(), n) == allowed.end()) {
            throw ValueError("out of range");
          }
          Set(at, d, n);
          return std::to_string(n);
        });
  }

  template <class At>
  void Size(const char* name, uint32_t lo, uint32_t hi, uint32_t def, const char* meaning, At at) {
    Add(name, "size", "B", FormatSize(lo) + ".." + FormatSize(hi), FormatSize(def), meaning,
        [lo, hi, at](const std::string& text, DesignPoint& d) {
          at(d) = ParseSize(text, lo, hi);
          return FormatSize(at(d));
        });
  }

  template <class Set>
  void Choice(const char* name, Names names, const char* def, const char* meaning, Set set) {
    const std::string range = Join(names, " | ");
    Add(name, "name", "", range, def, meaning,
        [names = std::move(names), set](const std::string& text, DesignPoint& d) {
          if (std::find(names.begin(), names.end(), text) == names.end()) {
            throw ValueError("unknown name");
          }
          set(d, text);
          return text;
        });
  }

  void Add(const char* name, const char* type, const char* unit, const std::string& range,
           const std::string& def, const char* meaning,
           std::function<std::string(const std::string&, DesignPoint&)> set) {
    entries_.push_back({{name, type, unit, range, def, meaning, def, true}, std::move(set)});
  }

  std::vector<SchemaEntry> Take() { return std::move(entries_); }

 private:
  template <class At>
  static void Set(const At& at, DesignPoint& d, uint32_t value) {
    if constexpr (std::is_invocable_v<At, DesignPoint&, uint32_t>) {
      at(d, value);
    } else {
      at(d) = value;
    }
  }

  std::vector<SchemaEntry> entries_;
};

// The parameters `datapath.*` and `accumulator.*` (datapath_schema.cpp).
void AddDatapath(Builder& builder);
// The parameters `nearmem.*` (nearmem_schema.cpp).
void AddNearmem(Builder& builder);
// The parameters `sram.*` (sram_schema.cpp).
void AddSrams(Builder& builder);

}  // namespace nibble::platforms
