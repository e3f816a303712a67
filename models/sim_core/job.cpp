#include "models/sim_core/job.h"

namespace nibble::sim {

void Job::Begin(uint64_t cycle) {
  running_ = true;
  stopped_ = all_issued_ = false;
  fault_ = {};
  detail_.clear();
  tokens_.Clear();
  idle_since_ = cycle;
}

void Job::Stop(const Fault& fault, const std::string& detail) {
  if (!running_ || stopped_) return;
  stopped_ = true;
  fault_ = fault;
  detail_ = detail;
  tokens_.WakeAll();
}

void Job::EndOfWords() {
  all_issued_ = true;
  EndIfIdle();
}

void Job::Retire() {
  --pending_;
  EndIfIdle();
}

void Job::EndIfIdle() {
  if (!running_ || !all_issued_ || pending_ > 0) return;
  running_ = false;
  if (ended_) ended_();
}

}  // namespace nibble::sim
