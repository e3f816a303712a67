#include "models/memory/sram_ports.h"

namespace nibble::memory {

uint64_t SramPort::Span::Taken(uint64_t now) const {
  if (now >= end) return cycles;
  return now <= begin ? 0 : cycles * (now - begin) / (end - begin);
}

void SramPort::Use(User user, uint64_t begin, uint64_t end, uint64_t cycles) {
  Account& account = accounts_[user];
  account.past += account.spans[0].cycles;
  account.spans[0] = account.spans[1];
  account.spans[1] = {begin, end, cycles};
}

uint64_t SramPort::TakenBefore(User user, uint64_t now) const {
  uint64_t taken = 0;
  for (int other = 0; other < user; ++other) {
    const Account& account = accounts_[other];
    taken += account.past + account.spans[0].Taken(now) + account.spans[1].Taken(now);
  }
  return taken;
}

}  // namespace nibble::memory
