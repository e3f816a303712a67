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
      usage_(size_t{config.ranks} * device.banks()),
      gates_(2 * timing_.groups() + 1),
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
    lists_[write].resize(usage_.size());
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
  while (q.waiting == size || (write && Waits(false, bank, row, column))) Step();
  const uint32_t free = q.first_free;
  const uint64_t t = std::max({arrival, next_accept_, q.free_at[free]});
  RunUntil(t);  // what it cannot influence any more
  const uint16_t slot = q.slots[free];
  q.first_free = free + 1 == size ? 0 : free + 1;
  next_accept_ = t + 1;

  const uint32_t rank = timing_.bank(bank).rank;
  Request& request = q.requests[slot];
  request.accepted = t;
  request.ready =
      rank_waiting_[rank] == 0 ? Wake(rank, t + kLatency) : std::max(t + kLatency, ready_[rank]);
  request.order = order_++;
  request.row = row;
  request.column = column;
  request.layer = layer;
  request.next = kNone;
  request.missed = false;
  ++rank_waiting_[rank];
  ++q.waiting;
  q.banks |= uint64_t{1} << bank;

  if (!write && Waits(true, bank, row, column)) draining_ = true;
  List& list = lists_[write][bank];
  const uint16_t predecessor = list.tail;
  (predecessor == kNone ? list.head : q.requests[predecessor].next) = slot;
  list.tail = slot;
  const bool hits = timing_.bank(bank).open_row == static_cast<int64_t>(row);
  const bool overtakes = hits && !list.hit && config_.scheduler == DramConfig::Scheduler::kFrFcfs;
  if (predecessor == kNone || overtakes) {
    list.next = slot;
    list.before = predecessor;
    list.hit = hits;
    Offer(bank, write);
    if (predecessor == kNone && config_.scheduler == DramConfig::Scheduler::kFrFcfs) {
      if (chosen_ && write == writing_ && Offered(bank).Before(choice_)) choice_ = Offered(bank);
    } else {
      chosen_ = false;
    }
  }
  if (chosen_ && Direction() != writing_) chosen_ = false;
  return t;
}

// Whether a request of that direction waits for the burst.
bool DramChannel::Waits(bool write, uint32_t bank, uint32_t row, uint32_t column) const {
  const std::vector<Request>& requests = queue_[write].requests;
  for (uint16_t i = lists_[write][bank].head; i != kNone; i = requests[i].next) {
    if (requests[i].row == row && requests[i].column == column) return true;
  }
  return false;
}

// Reads go first; see the head of dram_channel.h.
bool DramChannel::Direction() const {
  const uint32_t reads = queue_[0].waiting, writes = queue_[1].waiting;
  if (writes == 0) return false;
  if (draining_ || reads == 0 || writes >= config_.write_high) return true;
  return writing_ && writes > config_.write_low;
}

// The command that the bank's next request needs, and when the bank is ready for it.
void DramChannel::Offer(uint32_t b, bool write) {
  List& list = lists_[write][b];
  if (list.head == kNone) return;
  const Request& request = queue_[write].requests[list.next];
  const DramTiming::Bank& bank = timing_.bank(b);
  list.order = request.order;
  if (list.hit) {
    list.kind = Kind::kColumn;
    list.gate = timing_.groups() + bank.group;
    list.ready = std::max(request.ready, bank.column[write]);
  } else if (bank.open_row == DramTiming::kClosed) {
    list.kind = Kind::kActivate;
    list.gate = bank.group;
    list.ready = std::max(request.ready, bank.activate);
  } else {
    list.kind = Kind::kPrecharge;
    list.gate = 2 * timing_.groups();
    list.ready = std::max(request.ready, bank.precharge);
  }
}

// Ready first; then column commands; then the oldest request.
inline bool DramChannel::Choice::Before(const Choice& other) const {
  if (time != other.time) return time < other.time;
  if (column != other.column) return column;
  return order < other.order;
}

// The bank's command, at the time at which it could be given.
inline DramChannel::Choice DramChannel::Offered(uint32_t bank) const {
  const List& list = lists_[writing_][bank];
  return {std::max(list.ready, gates_[list.gate]), list.order, bank, list.kind == Kind::kColumn};
}

const DramChannel::Choice& DramChannel::Choose() {
  if (chosen_) return choice_;
  chosen_ = true;
  writing_ = Direction();
  draining_ = draining_ && writing_;
  timing_.SharedGates(writing_, command_bus_[0], command_bus_[1], gates_.data());
  gates_.back() = command_bus_[0];
  uint64_t banks = queue_[writing_].banks;
  if (config_.scheduler == DramConfig::Scheduler::kFcfs) banks = BankOfOldest();
  Choice best;
  for (; banks != 0; banks &= banks - 1) {
    const Choice offered = Offered(static_cast<uint32_t>(__builtin_ctzll(banks)));
    if (offered.Before(best)) best = offered;
  }
  choice_ = best;
  return choice_;
}

// A bit for the bank whose request is the oldest; none when nothing waits.
uint64_t DramChannel::BankOfOldest() const {
  uint64_t oldest = kNever, bank = 0;
  for (uint64_t banks = queue_[writing_].banks; banks != 0; banks &= banks - 1) {
    const uint64_t order = lists_[writing_][static_cast<uint32_t>(__builtin_ctzll(banks))].order;
    if (order >= oldest) continue;
    oldest = order;
    bank = banks & -banks;
  }
  return bank;
}

uint64_t DramChannel::NextTime() { return Choose().time; }

void DramChannel::RunUntil(uint64_t t) {
  while (Choose().time < t) Step();
}

void DramChannel::Step() {
  const uint32_t bank = Choose().bank;
  const uint64_t t = choice_.time;
  chosen_ = false;
  const List& list = lists_[writing_][bank];
  Request& request = queue_[writing_].requests[list.next];
  DramCounters& count = rows_[request.layer];
  if (t >= refresh_due_) {
    // A refresh goes before commands that could be given later; then all is reckoned again.
    for (uint32_t r = 0; r < config_.ranks; ++r) {
      if (next_refresh_[r] <= t) Refresh(r, count);
    }
    return;
  }
  const Kind kind = list.kind;
  uint64_t& bus = command_bus_[kind == Kind::kColumn];
  bus = t + command_clocks_[static_cast<int>(kind)];
  if (d_.command_buses == 1) command_bus_[0] = command_bus_[1] = bus;
  if (kind == Kind::kColumn) {
    GiveColumn(bank, t);
    return;
  }
  request.missed = true;
  if (kind == Kind::kActivate) {
    timing_.Activate(bank, request.row, t);
    Record(Command::Kind::kActivate, bank, t);
    ++count.activates;
    LearnOpened(bank, request.row);
  } else {
    Record(Command::Kind::kPrecharge, bank, t);
    timing_.Precharge(bank, t);
    ++count.precharges;
    LearnClosed(bank);
  }
  Find(bank, false);
  Find(bank, true);
}

// The oldest request that hits the open row; with none, or in strict order, the oldest.
void DramChannel::Find(uint32_t bank, bool write) {
  List& list = lists_[write][bank];
  if (list.head == kNone) {
    list.hit = false;
    return;
  }
  const std::vector<Request>& requests = queue_[write].requests;
  const int64_t open = timing_.bank(bank).open_row;
  list.next = list.head;
  list.before = kNone;
  list.hit = static_cast<int64_t>(requests[list.head].row) == open;
  if (!list.hit && open != DramTiming::kClosed &&
      config_.scheduler == DramConfig::Scheduler::kFrFcfs) {
    uint16_t before = list.head;
    for (uint16_t i = requests[before].next; i != kNone; before = i, i = requests[i].next) {
      if (static_cast<int64_t>(requests[i].row) != open) continue;
      list.next = i;
      list.before = before;
      list.hit = true;
      break;
    }
  }
  Offer(bank, write);
}

void DramChannel::GiveColumn(uint32_t bank, uint64_t t) {
  const bool write = writing_;
  Queue& q = queue_[write];
  List& list = lists_[write][bank];
  const uint16_t slot = list.next;
  Request& request = q.requests[slot];
  DramCounters& count = rows_[request.layer];
  ++usage_[bank].columns;
  Record(write ? Command::Kind::kWrite : Command::Kind::kRead, bank, t);
  const uint64_t end = timing_.Column(bank, write, t);
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
  if (list.head == kNone) q.banks &= ~(uint64_t{1} << bank);
  const auto size = static_cast<uint32_t>(q.requests.size());
  uint32_t ring = q.first_free + (size - q.waiting);
  if (ring >= size) ring -= size;
  q.free_at[ring] = t + 1;
  q.slots[ring] = slot;
  --q.waiting;
  --rank_waiting_[timing_.bank(bank).rank];
  Find(bank, write);
  Offer(bank, !write);
  ApplyPagePolicy(bank, t, count);
}

bool DramChannel::RowWanted(uint32_t bank) const {
  return lists_[0][bank].hit || lists_[1][bank].hit;
}

// A row that is opened again at once should have stayed open; one that served a single command need
// not have.
void DramChannel::LearnOpened(uint32_t bank, uint32_t row) {
  Usage& u = usage_[bank];
  if (u.row == static_cast<int64_t>(row)) u.useless -= std::min(u.useless, 2u);
  u.row = row;
  u.columns = 0;
}

void DramChannel::LearnClosed(uint32_t bank) {
  Usage& u = usage_[bank];
  u.useless = u.columns <= 1 ? std::min(u.useless + 1, 3u) : u.useless - std::min(u.useless, 1u);
}

// After a column command at `t`: an auto-precharge, where the policy asks for it.
void DramChannel::ApplyPagePolicy(uint32_t bank, uint64_t t, DramCounters& count) {
  if (config_.page == DramConfig::Page::kOpen || RowWanted(bank)) return;
  if (config_.page == DramConfig::Page::kAdaptive && usage_[bank].useless < 2) return;
  const uint64_t close = std::max(t, timing_.bank(bank).precharge);
  Record(Command::Kind::kPrecharge, bank, close);
  timing_.Precharge(bank, close);
  ++count.precharges;
  LearnClosed(bank);
  Find(bank, false);
  Find(bank, true);
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
