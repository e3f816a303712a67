#include "models/memory/dram_channel.h"

#include <stdexcept>
#include <string>

namespace nibble::memory {

namespace {

void RaiseTo(uint64_t& time, uint64_t at_least) { time = std::max(time, at_least); }

}  // namespace

DramChannel::DramChannel(const DramDevice& device, const DramConfig& config,
                         std::vector<DramCounters>& rows)
    : d_(device),
      config_(config),
      rows_(rows),
      timing_(device, config.ranks),
      banks_(size_t{config.ranks} * device.banks()),
      command_clocks_{device.column_clocks, device.act_clocks, device.pre_clocks},
      refresh_interval_(config.refresh == DramConfig::Refresh::kAllBank ? device.refi
                                                                        : device.refi_pb),
      next_refresh_(config.ranks),
      refresh_bank_(config.ranks),
      ready_(config.ranks),
      rank_waiting_(config.ranks),
      accounted_(config.ranks) {
  const uint32_t sizes[2] = {config.window, config.write_buffer};
  for (int write = 0; write < 2; ++write) {
    Queue& q = queue_[write];
    q.requests.resize(sizes[write]);
    q.free_at.resize(sizes[write]);
    for (uint32_t i = 0; i < sizes[write]; ++i) q.slots.push_back(static_cast<uint16_t>(i));
  }
  // The ranks take turns, so that they do not all refresh at once.
  for (uint32_t r = 0; r < config.ranks; ++r) {
    next_refresh_[r] = refresh_interval_ - r * refresh_interval_ / config.ranks;
  }
  refresh_due_ = *std::min_element(next_refresh_.begin(), next_refresh_.end());
}

void DramChannel::Begin(uint64_t start) {
  for (uint64_t& bus : command_bus_) bus = std::min(bus, start);
  next_accept_ = std::min(next_accept_, start);
  read_end_ = start;
  chosen_ = false;
}

uint64_t DramChannel::Accept(bool write, uint32_t bank, uint32_t row, uint32_t column,
                             uint64_t arrival, uint32_t layer) {
  Queue& q = queue_[write];
  const auto size = static_cast<uint32_t>(q.requests.size());
  while (q.waiting == size) Step();
  const uint32_t free = q.first_free;
  const uint64_t t = std::max({arrival, next_accept_, q.free_at[free]});
  RunUntil(t);  // what it cannot influence any more
  const uint16_t slot = q.slots[free];
  q.first_free = free + 1 == size ? 0 : free + 1;
  next_accept_ = t + 1;

  const uint32_t rank = timing_.bank(bank).rank;
  Request& request = q.requests[slot];
  request.accepted = t;
  request.ready = rank_waiting_[rank] == 0 ? Wake(rank, t + 1) : std::max(t + 1, ready_[rank]);
  request.order = order_++;
  request.row = row;
  request.column = column;
  request.layer = layer;
  request.next = kNone;
  request.missed = false;
  ++rank_waiting_[rank];
  ++q.waiting;
  q.banks |= uint64_t{1} << bank;

  BankQueue& k = banks_[bank];
  if (!write && k.list[1].head != kNone && !draining_) {
    for (uint16_t w = k.list[1].head; w != kNone; w = queue_[1].requests[w].next) {
      const Request& waiting = queue_[1].requests[w];
      if (waiting.row == row && waiting.column == column) draining_ = true;
    }
  }
  List& list = k.list[write];
  const uint16_t predecessor = list.tail;
  (predecessor == kNone ? list.head : q.requests[predecessor].next) = slot;
  list.tail = slot;
  const bool hits = timing_.bank(bank).open_row == static_cast<int64_t>(row) &&
                    config_.scheduler == DramConfig::Scheduler::kFrFcfs;
  if (predecessor == kNone || (hits && !list.hit)) {
    list.next = slot;
    list.before = predecessor;
    list.hit = timing_.bank(bank).open_row == static_cast<int64_t>(row);
    chosen_ = false;
  }
  if (q.waiting == 1 || (write && q.waiting >= config_.write_high)) chosen_ = false;
  if (draining_ && !writing_) chosen_ = false;
  return t;
}

void DramChannel::ChooseDirection() {
  const uint32_t reads = queue_[0].waiting, writes = queue_[1].waiting;
  if (writes == 0) {
    writing_ = draining_ = false;
  } else if (draining_ || reads == 0 || writes >= config_.write_high) {
    writing_ = true;
  } else if (writes <= config_.write_low) {
    writing_ = false;
  }
}

bool DramChannel::Choice::Before(const Choice& other) const {
  if (time != other.time) return time < other.time;
  const bool column = kind == Kind::kColumn, other_column = other.kind == Kind::kColumn;
  if (column != other_column) return column;
  return order < other.order;
}

// The command that bank `b` needs next in the present direction, and when it could be given.
DramChannel::Choice DramChannel::Offer(uint32_t b) const {
  const List& list = banks_[b].list[writing_];
  const Request& request = queue_[writing_].requests[list.next];
  const DramTiming::Bank& bank = timing_.bank(b);
  Choice choice;
  choice.bank = b;
  choice.order = request.order;
  uint64_t t;
  if (list.hit) {
    choice.kind = Kind::kColumn;
    t = timing_.ColumnTime(bank, writing_);
  } else if (bank.open_row == DramTiming::kClosed) {
    choice.kind = Kind::kActivate;
    t = timing_.ActivateTime(bank);
  } else {
    choice.kind = Kind::kPrecharge;
    t = bank.precharge;
  }
  choice.time = std::max({t, request.ready, command_bus_[choice.kind == Kind::kColumn]});
  return choice;
}

const DramChannel::Choice& DramChannel::Choose() {
  if (chosen_) return choice_;
  ChooseDirection();
  choice_ = Choice();
  uint64_t banks = queue_[writing_].banks;
  if (config_.scheduler == DramConfig::Scheduler::kFcfs) {
    uint64_t oldest = kNever, bank = 0;
    for (; banks != 0; banks &= banks - 1) {
      const auto b = static_cast<uint32_t>(__builtin_ctzll(banks));
      const uint64_t order = queue_[writing_].requests[banks_[b].list[writing_].next].order;
      if (order < oldest) {
        oldest = order;
        bank = uint64_t{1} << b;
      }
    }
    banks = bank;
  }
  for (; banks != 0; banks &= banks - 1) {
    const Choice offer = Offer(static_cast<uint32_t>(__builtin_ctzll(banks)));
    if (offer.Before(choice_)) choice_ = offer;
  }
  chosen_ = true;
  return choice_;
}

uint64_t DramChannel::NextTime() { return Choose().time; }

void DramChannel::RunUntil(uint64_t t) {
  while (Choose().time < t) Step();
}

void DramChannel::Step() {
  const Choice choice = Choose();
  chosen_ = false;
  const List& list = banks_[choice.bank].list[writing_];
  Request& request = queue_[writing_].requests[list.next];
  DramCounters& count = rows_[request.layer];
  if (choice.time >= refresh_due_) {
    // A refresh goes before commands that could be given later; then all is reckoned again.
    for (uint32_t r = 0; r < config_.ranks; ++r) {
      if (next_refresh_[r] <= choice.time) Refresh(r, count);
    }
    return;
  }
  const uint64_t t = choice.time;
  uint64_t& bus = command_bus_[choice.kind == Kind::kColumn];
  bus = t + command_clocks_[static_cast<int>(choice.kind)];
  if (d_.command_buses == 1) command_bus_[0] = command_bus_[1] = bus;
  switch (choice.kind) {
    case Kind::kColumn:
      GiveColumn(choice);
      break;
    case Kind::kActivate:
      timing_.Activate(choice.bank, request.row, t);
      request.missed = true;
      ++count.activates;
      banks_[choice.bank].last_row = request.row;
      for (const bool write : {false, true}) Find(choice.bank, write);
      break;
    case Kind::kPrecharge:
      timing_.Precharge(choice.bank, t);
      request.missed = true;
      ++count.precharges;
      if (banks_[choice.bank].conflicts < 3) ++banks_[choice.bank].conflicts;
      for (const bool write : {false, true}) Find(choice.bank, write);
      break;
  }
}

// The oldest request that hits the open row; with none, or in strict order, the oldest.
void DramChannel::Find(uint32_t bank, bool write) {
  List& list = banks_[bank].list[write];
  const std::vector<Request>& requests = queue_[write].requests;
  const int64_t open = timing_.bank(bank).open_row;
  list.next = list.head;
  list.before = kNone;
  list.hit = false;
  if (list.head == kNone || open == DramTiming::kClosed) return;
  if (config_.scheduler == DramConfig::Scheduler::kFcfs) {
    list.hit = static_cast<int64_t>(requests[list.head].row) == open;
    return;
  }
  uint16_t before = kNone;
  for (uint16_t i = list.head; i != kNone; before = i, i = requests[i].next) {
    if (static_cast<int64_t>(requests[i].row) != open) continue;
    list.next = i;
    list.before = before;
    list.hit = true;
    return;
  }
}

void DramChannel::GiveColumn(const Choice& choice) {
  const bool write = writing_;
  Queue& q = queue_[write];
  List& list = banks_[choice.bank].list[write];
  const uint16_t slot = list.next;
  Request& request = q.requests[slot];
  DramCounters& count = rows_[request.layer];
  const uint64_t end = timing_.Column(choice.bank, write, choice.time);
  RaiseTo(last_end_, end);
  if (write) {
    ++count.writes;
    count.write_bytes += d_.burst_bytes;
  } else {
    ++count.reads;
    count.read_bytes += d_.burst_bytes;
    RaiseTo(read_end_, end);
    if (served_ != nullptr) served_->push_back({request.accepted, end});
  }
  if (!request.missed) ++count.row_hits;

  // Leaves its list and its slot.
  (list.before == kNone ? list.head : q.requests[list.before].next) = request.next;
  if (list.tail == slot) list.tail = list.before;
  if (list.head == kNone) q.banks &= ~(uint64_t{1} << choice.bank);
  const auto size = static_cast<uint32_t>(q.requests.size());
  uint32_t ring = q.first_free + (size - q.waiting);
  if (ring >= size) ring -= size;
  q.free_at[ring] = choice.time + 1;
  q.slots[ring] = slot;
  --q.waiting;
  --rank_waiting_[timing_.bank(choice.bank).rank];
  Find(choice.bank, write);
  ApplyPagePolicy(choice.bank, choice.time, count);
}

bool DramChannel::RowWanted(uint32_t bank) const {
  return banks_[bank].list[0].hit || banks_[bank].list[1].hit;
}

// After a column command at `t`: an auto-precharge, where the policy asks for it.
void DramChannel::ApplyPagePolicy(uint32_t bank, uint64_t t, DramCounters& count) {
  if (config_.page == DramConfig::Page::kOpen || RowWanted(bank)) return;
  if (config_.page == DramConfig::Page::kAdaptive && banks_[bank].conflicts < 2) return;
  timing_.Precharge(bank, std::max(t, timing_.bank(bank).precharge));
  ++count.precharges;
  for (const bool write : {false, true}) Find(bank, write);
}

uint64_t DramChannel::ServeReads() {
  while (queue_[0].waiting > 0) Step();
  return read_end_;
}

uint64_t DramChannel::Drain() {
  while (queue_[0].waiting + queue_[1].waiting > 0) Step();
  return last_end_;
}

}  // namespace nibble::memory
