#include "models/control/register_file.h"

#include <algorithm>

namespace nibble::control {

using sim::FaultCode;

RegisterFile::RegisterFile(RegisterMap map) : map_(std::move(map)) {
  for (const Register& info : map_) {
    Cell cell;
    cell.info = &info;
    cell.value = info.reset;
    cells_.emplace(info.offset, std::move(cell));
  }
}

RegisterFile::Cell* RegisterFile::Find(uint64_t offset, uint32_t bytes, FaultCode* broken) {
  *broken = FaultCode::kNone;
  if (bytes != 4 || offset % 4 != 0) {
    *broken = FaultCode::kAccessSize;
    return nullptr;
  }
  const auto cell =
      offset < kBlockBytes ? cells_.find(static_cast<uint32_t>(offset)) : cells_.end();
  if (cell == cells_.end()) {
    *broken = FaultCode::kUnmapped;
    return nullptr;
  }
  return &cell->second;
}

FaultCode RegisterFile::Read(uint64_t offset, uint32_t bytes, uint32_t* value) {
  FaultCode broken = FaultCode::kNone;
  Cell* cell = Find(offset, bytes, &broken);
  if (cell == nullptr) return broken;
  if (cell->info->access == Access::kWriteOnly) return FaultCode::kWriteOnly;
  if (cell->read) cell->value = cell->read();
  *value = cell->value & cell->info->mask();
  return FaultCode::kNone;
}

FaultCode RegisterFile::Write(uint64_t offset, uint32_t bytes, uint32_t value) {
  FaultCode broken = FaultCode::kNone;
  Cell* cell = Find(offset, bytes, &broken);
  if (cell == nullptr) return broken;
  if (cell->info->access == Access::kReadOnly) return FaultCode::kReadOnly;
  value &= cell->info->mask();
  if (cell->write) {
    broken = cell->write(value);
    if (broken != FaultCode::kNone) return broken;
  }
  switch (cell->info->access) {
    case Access::kReadWrite:
      cell->value = value;
      break;
    case Access::kWriteOneToClear:
      cell->value &= ~value;
      break;
    case Access::kWriteOnly:  // the call is all that it does
    case Access::kReadOnly:
      break;
  }
  if (cell->written) cell->written();
  return FaultCode::kNone;
}

uint32_t RegisterFile::Peek(uint64_t offset) {
  const auto high = cells_.find(static_cast<uint32_t>(offset) + 4);
  const uint32_t held = high == cells_.end() ? 0 : high->second.value;
  uint32_t value = 0;
  if (Read(offset, 4, &value) != FaultCode::kNone) value = 0;
  if (high != cells_.end()) high->second.value = held;  // see LatchPair
  return value;
}

void RegisterFile::OnRead(uint32_t offset, std::function<uint32_t()> read) {
  cells_.at(offset).read = std::move(read);
}

void RegisterFile::OnWrite(uint32_t offset, std::function<FaultCode(uint32_t)> write) {
  cells_.at(offset).write = std::move(write);
}

void RegisterFile::AfterWrite(uint32_t offset, std::function<void()> written) {
  cells_.at(offset).written = std::move(written);
}

void RegisterFile::SetPair(uint32_t low, uint64_t value) {
  Set(low, static_cast<uint32_t>(value));
  Set(low + 4, static_cast<uint32_t>(value >> 32));
}

void RegisterFile::Reset(const std::vector<uint32_t>& kept) {
  for (auto& [offset, cell] : cells_) {
    if (std::find(kept.begin(), kept.end(), offset) == kept.end()) cell.value = cell.info->reset;
  }
}

void RegisterFile::LatchPair(uint32_t low, std::function<uint64_t()> read) {
  OnRead(low, [this, low, read = std::move(read)] {
    const uint64_t now = read();
    Set(low + 4, static_cast<uint32_t>(now >> 32));
    return static_cast<uint32_t>(now);
  });
}

}  // namespace nibble::control
