#include "models/memory/request_run.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <stdexcept>
#include <string>

namespace nibble::memory {

namespace {

constexpr uint64_t kLongest = 1 << 20;  // of the histogram

// The reads under way, to keep their number within a limit.
class Outstanding {
 public:
  Outstanding(Dram& dram, const std::vector<DramChannel::Served>& served)
      : dram_(dram), served_(served) {}

  // The clock, at least `now`, from which fewer than `limit` reads are under way.
  uint64_t WaitBelow(uint32_t limit, uint64_t now) {
    Collect();
    Leave(now);
    while (Count() >= limit) {
      Advance();
      now = std::max(now, done_.top());
      Leave(now);
    }
    return now;
  }

 private:
  void Collect() {
    for (; seen_ < served_.size(); ++seen_) done_.push(served_[seen_].done);
  }
  void Leave(uint64_t now) {
    while (!done_.empty() && done_.top() <= now) done_.pop();
  }
  uint64_t Count() const {
    uint64_t count = done_.size();
    for (uint32_t c = 0; c < dram_.channels(); ++c) count += dram_.channel(c).reads_waiting();
    return count;
  }
  // Goes on until it is known which read is done next: no command still to come ends earlier.
  void Advance() {
    const DramDevice& d = dram_.device();
    while (true) {
      DramChannel* next = nullptr;
      uint64_t time = UINT64_MAX;
      for (uint32_t c = 0; c < dram_.channels(); ++c) {
        DramChannel& channel = dram_.channel(c);
        if (channel.reads_waiting() == 0 || channel.NextTime() >= time) continue;
        next = &channel;
        time = channel.NextTime();
      }
      if (next == nullptr || (!done_.empty() && time + d.cl + d.burst >= done_.top())) return;
      next->Step();
      Collect();
    }
  }

  Dram& dram_;
  const std::vector<DramChannel::Served>& served_;
  size_t seen_ = 0;
  std::priority_queue<uint64_t, std::vector<uint64_t>, std::greater<>> done_;
};

}  // namespace

void LatencyHistogram::Add(uint64_t clocks) {
  const uint64_t at = std::min(clocks, kLongest);
  if (at >= of_.size()) of_.resize(at + 1);
  ++of_[at];
  ++count_;
  sum_ += clocks;
  max_ = std::max(max_, clocks);
}

double LatencyHistogram::mean() const {
  return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_);
}

uint64_t LatencyHistogram::Percentile(double p) const {
  const double share = p * static_cast<double>(count_);
  uint64_t below = 0;
  for (uint64_t latency = 0; latency < of_.size(); ++latency) {
    below += of_[latency];
    if (below > 0 && static_cast<double>(below) >= share) return std::min(latency, max_);
  }
  return max_;
}

RequestRunResult RunRequests(Dram& dram, const std::vector<MemoryRequest>& requests,
                             uint32_t outstanding) {
  RequestRunResult result;
  std::vector<DramChannel::Served> served;
  served.reserve(4096);
  for (uint32_t c = 0; c < dram.channels(); ++c) dram.channel(c).RecordReads(&served);
  Outstanding under_way(dram, served);
  const DramMapping& mapping = dram.mapping();
  const uint32_t banks = dram.device().banks();
  const auto count = [&result](const std::vector<DramChannel::Served>& reads) {
    for (const DramChannel::Served& s : reads) {
      result.latency.Add(s.done - s.accepted);
      result.cycles = std::max(result.cycles, s.done);
    }
  };

  uint64_t now = 0;
  for (size_t i = 0; i < requests.size(); ++i) {
    const MemoryRequest& r = requests[i];
    if (r.address >= mapping.capacity()) {
      throw std::out_of_range("request " + std::to_string(i + 1) + ": address " +
                              std::to_string(r.address) + " is beyond the capacity of " +
                              std::to_string(mapping.capacity()) + " bytes");
    }
    if (outstanding > 0) now = under_way.WaitBelow(outstanding, now);
    const DramLocation at = mapping.Locate(r.address);
    now = dram.channel(at.channel)
              .Accept(r.write, at.rank * banks + at.bank, at.row, at.column, now, 0);
    if (outstanding == 0 && served.size() >= 2048) {
      count(served);
      served.clear();
    }
  }
  result.accepted = now;
  result.cycles = std::max(result.cycles, requests.empty() ? 0 : now + 1);
  for (uint32_t c = 0; c < dram.channels(); ++c) dram.channel(c).ServeReads();
  count(served);
  result.drained = std::max(result.cycles, dram.Drain());
  for (uint32_t c = 0; c < dram.channels(); ++c) dram.channel(c).RecordReads(nullptr);
  dram.AccountTime(result.cycles * dram.device().tck_ps, 0);
  result.counters = dram.rows()[0];
  return result;
}

}  // namespace nibble::memory
