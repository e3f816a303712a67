#include "sw/study/study.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "sw/trace/whole_file.h"

namespace nibble::study {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

constexpr char kSchema[] = "nibble.study/1";
constexpr char kHead[] = "/study.json";
constexpr char kPlan[] = "/plan.cfg";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string Absolute(const std::string& path) {
  return fs::absolute(path).lexically_normal().string();
}

}  // namespace

Shard ParseShard(const std::string& text) {
  const char* const end = text.data() + text.size();
  Shard shard;
  const auto index = std::from_chars(text.data(), end, shard.index);
  if (index.ec == std::errc() && index.ptr != end && *index.ptr == '/') {
    const auto count = std::from_chars(index.ptr + 1, end, shard.count);
    if (count.ec == std::errc() && count.ptr == end && shard.index < shard.count) return shard;
  }
  throw StudyError("shard \"" + text + "\": expected I/N, from 0/N to N-1/N");
}

Study::Study(const std::string& folder, const std::string& plan_path,
             const std::function<std::string(const std::string&)>& find_trace, std::string version)
    : folder_(folder.empty() ? "" : Absolute(folder)),
      version_(std::move(version)),
      directory_(fs::current_path().string()),
      plan_(std::make_unique<Plan>(ReadPlan(plan_path))),
      space_(std::make_unique<Space>(*plan_)) {
  for (const std::string& trace : plan_->traces) {
    trace_paths_.push_back(Absolute(find_trace(trace)));
  }
  plan_text_ = ReadFile(plan_path);
  std::error_code ignored;
  if (fs::exists(folder_) && !fs::exists(folder_ + kHead) && !fs::is_empty(folder_, ignored)) {
    throw StudyError(folder + " holds other things than a study; give a new or empty folder");
  }
}

Study::Study(const std::string& folder) : folder_(Absolute(folder)) {
  const std::string path = folder_ + kHead;
  if (!fs::exists(path)) {
    throw StudyError(folder +
                     " is no study: it has no study.json (sim sweep PLAN --out FOLDER makes one)");
  }
  try {
    const Json json = Json::parse(ReadFile(path));
    if (json.at("schema") != kSchema)
      throw StudyError("another schema than " + std::string(kSchema));
    version_ = json.at("version");
    directory_ = json.at("directory");
    is_search_ = json.at("selection") == "search";
    for (const Json& trace : json.at("traces")) trace_paths_.push_back(trace);
    for (const Json& point : json.at("points")) {
      points_.push_back({point.at(0).get<uint64_t>(), point.at(1).get<std::string>()});
    }
    fs::current_path(directory_);
  } catch (const std::exception& error) {
    throw StudyError(
        fmt::format("{}: {}; give sim sweep PLAN --out FOLDER again, finished rows are kept", path,
                    error.what()));
  }
  plan_text_ = ReadFile(folder_ + kPlan);
  plan_ = std::make_unique<Plan>(ReadPlan(folder_ + kPlan));
  space_ = std::make_unique<Space>(*plan_);
  const bool fits = plan_->traces.size() == trace_paths_.size() &&
                    std::all_of(points_.begin(), points_.end(),
                                [&](const StudyPoint& p) { return p.number < space_->size(); });
  if (!fits) {
    throw StudyError(folder_ + kPlan +
                     " has been changed by hand; give it to sim sweep PLAN --out FOLDER instead");
  }
}

std::unique_ptr<Meter> Study::MakeMeter() const {
  std::vector<Network> networks;
  for (const std::string& path : trace_paths_) {
    networks.push_back(ReadNetwork(path, plan_->timing_only));
  }
  return std::make_unique<Meter>(std::move(networks), plan_->input, plan_->timing_only, version_);
}

void Study::Save(std::vector<StudyPoint> points, bool is_search) {
  points_ = std::move(points);
  is_search_ = is_search;
  trace::MakeFolder(folder_ + "/shards");
  Json list = Json::array();
  for (const StudyPoint& p : points_) list.push_back({p.number, p.key});
  const Json json = {{"schema", kSchema},       {"version", version_},
                     {"directory", directory_}, {"selection", is_search_ ? "search" : "list"},
                     {"traces", trace_paths_},  {"points", list}};
  trace::WriteWhole(folder_ + kPlan, plan_text_);
  trace::WriteWhole(folder_ + kHead, json.dump() + '\n');
}

std::string Study::LedgerPath() const { return folder_ + "/ledger.db"; }

std::string Study::LedgerPath(const Shard& shard) const {
  if (shard.count == 1) return LedgerPath();
  return fmt::format("{}/shards/{}-of-{}.db", folder_, shard.index, shard.count);
}

std::vector<std::string> Study::ShardFiles() const {
  std::vector<std::string> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_ + "/shards", ignored)) {
    if (entry.path().extension() == ".db") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace nibble::study
