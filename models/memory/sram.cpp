#include "models/memory/sram.h"

#include <algorithm>
#include <array>
#include <utility>

namespace nibble::memory {

namespace {

uint64_t DivideUp(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

uint32_t BankOf(const SramConfig& config, uint64_t word) {
  return static_cast<uint32_t>((config.swizzle ? word ^ word / config.banks : word) % config.banks);
}

}  // namespace

BankConflict ConflictOf(const SramConfig& config, uint64_t pitch, uint64_t run_bytes,
                        uint32_t parallel, uint32_t count) {
  if (count == 0 || run_bytes == 0) return {};
  BankConflict conflict{0, 0};
  std::vector<uint64_t> in_bank(config.banks);
  for (uint32_t first = 0; first < count; first += parallel) {
    std::fill(in_bank.begin(), in_bank.end(), 0);
    uint64_t words = 0, fresh = 0;  // `fresh`: the first word that no item before has
    for (uint32_t item = first; item < std::min(first + parallel, count); ++item) {
      const uint64_t begin = item * pitch;
      const uint64_t end = (begin + run_bytes - 1) / config.width + 1;
      for (uint64_t word = std::max(fresh, begin / config.width); word < end; ++word, ++words) {
        ++in_bank[BankOf(config, word)];
      }
      fresh = std::max(fresh, end);
    }
    conflict.cycles += *std::max_element(in_bank.begin(), in_bank.end());
    conflict.without += DivideUp(words, config.banks);
  }
  return conflict;
}

Sram::Sram(std::string name, const SramConfig& config, size_t layers, bool holds_data,
           uint64_t number, uint64_t run)
    : name_(std::move(name)), config_(config), bytes_(holds_data ? config.size : 0), rows_(layers) {
  if (config.error_rate > 0) faults_.emplace(config, number, run);
}

// A word is protected as a whole, however few of its bytes are accessed.
uint64_t Sram::CheckBits(uint64_t bytes, uint64_t scale_bytes) const {
  if (config_.ecc == Ecc::kNone) return 0;
  const uint64_t covered = config_.ecc == Ecc::kAll ? bytes : scale_bytes;
  return DivideUp(covered, kEccWordBytes) * kEccCheckBits;
}

uint64_t Sram::Read(size_t layer, uint64_t bytes, uint64_t scale_bytes,
                    const BankConflict& conflict) {
  const uint64_t accesses = DivideUp(bytes, config_.width);
  SramCounters& row = rows_[layer];
  row.read_bytes += bytes;
  row.reads += accesses;
  row.check_read_bits += CheckBits(bytes, scale_bytes);
  const uint64_t cycles = DivideUp(accesses, config_.banks);
  const uint64_t extra = DivideUp(cycles * (conflict.cycles - conflict.without), conflict.without);
  row.bank_conflict_cycles += extra;
  return cycles + extra;
}

uint64_t Sram::Write(size_t layer, uint64_t bytes, uint64_t scale_bytes) {
  const uint64_t accesses = DivideUp(bytes, config_.width);
  SramCounters& row = rows_[layer];
  row.write_bytes += bytes;
  row.writes += accesses;
  row.check_write_bits += CheckBits(bytes, scale_bytes);
  return DivideUp(accesses, config_.banks);
}

void Sram::Use(SramPort::User user, uint64_t begin, uint64_t end, uint64_t reads, uint64_t writes) {
  if (recorder_ != nullptr && reads + writes > 0) {
    recorder_->SramUsed(name_, reads + writes, begin * cycle_ps_, end * cycle_ps_);
  }
  if (config_.ports == 1) {
    if (reads + writes > 0) read_port_.Use(user, begin, end, reads + writes);
    return;
  }
  if (reads > 0) read_port_.Use(user, begin, end, reads);
  if (writes > 0) write_port_.Use(user, begin, end, writes);
}

Sram::Share Sram::Taken(SramPort::User user, uint64_t now) const {
  return {read_port_.TakenBefore(user, now), write_port_.TakenBefore(user, now)};
}

uint64_t Sram::Behind(SramPort::User user, uint64_t begin, uint64_t now, const Share& need,
                      const Share& taken) const {
  const Share after = Taken(user, now);
  const uint64_t elapsed = now - begin;
  const auto behind = [elapsed](uint64_t wanted, uint64_t others) {
    return wanted > 0 && wanted + others > elapsed ? wanted + others - elapsed : 0;
  };
  if (config_.ports == 1) return behind(need.read + need.write, after.read - taken.read);
  return std::max(behind(need.read, after.read - taken.read),
                  behind(need.write, after.write - taken.write));
}

void Sram::CountStall(size_t layer, SramPort::User user, uint64_t cycles) {
  (user == SramPort::kVector ? rows_[layer].stall_vector_cycles
                             : rows_[layer].stall_tensor_cycles) += cycles;
}

void Sram::Wrote(size_t layer, uint64_t writer, SramContent content, uint32_t address,
                 uint32_t rows, uint32_t row_bytes, uint32_t pitch) {
  if (!faults_) return;
  const bool is_protected =
      config_.ecc == Ecc::kAll || (config_.ecc == Ecc::kScales && content == SramContent::kScales);
  FaultCounters counted;
  faults_->Write(writer, is_protected, address, rows, row_bytes, pitch,
                 bytes_.empty() ? nullptr : bytes_.data(), counted);
  SramCounters& row = rows_[layer];
  row.fault_bits += counted.bits;
  row.corrected_words += counted.corrected_words;
  row.detected_words += counted.detected_words;
  row.silent_words += counted.silent_words;
}

void Sram::RegisterCounters(sim::CounterRegistry& registry) const {
  using C = SramCounters;
  const std::string component = "sram." + name_;
  registry.Register<C>(
      component, rows_,
      {{"read_bytes", "bytes", "bytes asked for by reads", &C::read_bytes},
       {"write_bytes", "bytes", "bytes handed over by writes", &C::write_bytes},
       {"reads", "accesses", "reads of one bank at full port width", &C::reads, true},
       {"writes", "accesses", "writes of one bank at full port width", &C::writes, true},
       {"bank_conflict_cycles", "cycles",
        "port cycles beyond those of full bandwidth, for words of "
        "one step in one bank",
        &C::bank_conflict_cycles},
       {"stall_vector_cycles", "cycles",
        "cycles that the vector engine waited for a port that "
        "another engine had",
        &C::stall_vector_cycles},
       {"stall_tensor_cycles", "cycles", "the same of the tensor engine",
        &C::stall_tensor_cycles}});
  if (config_.ecc != Ecc::kNone) {
    registry.Register<C>(
        component, rows_,
        {{"check_read_bits", "bits", "check bits read", &C::check_read_bits, true},
         {"check_write_bits", "bits", "check bits written", &C::check_write_bits, true}});
  }
  if (!faults_) return;
  registry.Register<C>(
      component, rows_,
      {{"fault_bits", "bits", "bits written that do not hold, check bits included", &C::fault_bits},
       {"corrected_words", "words", "words with wrong bits that error correction made right",
        &C::corrected_words},
       {"detected_words", "words", "words that error correction knows to be wrong, and leaves",
        &C::detected_words},
       {"silent_words", "words", "words that are wrong and nobody knows", &C::silent_words}});
}

}  // namespace nibble::memory
