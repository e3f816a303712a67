// The registers' values, and what an access from outside may do. Plain C++.
#pragma once

#include <functional>
#include <unordered_map>

#include "models/control/register_map.h"
#include "models/sim_core/fault.h"

namespace nibble::control {

// Every access is 4 bytes at a multiple of 4. An access that breaks a rule changes nothing.
class RegisterFile {
 public:
  explicit RegisterFile(RegisterMap map);
  RegisterFile(const RegisterFile&) = delete;  // cells point into the map
  RegisterFile& operator=(const RegisterFile&) = delete;

  // From outside: kNone, or the rule that the access breaks.
  sim::FaultCode Read(uint64_t offset, uint32_t bytes, uint32_t* value);
  sim::FaultCode Write(uint64_t offset, uint32_t bytes, uint32_t value);

  // For a debugger: the value without what reading does; 0 where nothing can be read.
  uint32_t Peek(uint64_t offset);

  // Called when the register is read, for its value.
  void OnRead(uint32_t offset, std::function<uint32_t()> read);
  // Called before the register takes `value` (reserved bits removed; W1C: the bits to clear). It
  // refuses with a code other than kNone.
  void OnWrite(uint32_t offset, std::function<sim::FaultCode(uint32_t value)> write);
  // Called when the register has taken a value from outside.
  void AfterWrite(uint32_t offset, std::function<void()> written);

  // From inside: no rules, no calls. Throws std::out_of_range for an offset without a register.
  uint32_t value(uint32_t offset) const { return cells_.at(offset).value; }
  void Set(uint32_t offset, uint32_t value) { cells_.at(offset).value = value; }
  uint64_t pair(uint32_t low) const { return value(low) | uint64_t{value(low + 4)} << 32; }
  void SetPair(uint32_t low, uint64_t value);
  // The reset value of every register but those in `kept`.
  void Reset(const std::vector<uint32_t>& kept);
  // A counter of 64 bits: reading the low half at `low` holds the high one.
  void LatchPair(uint32_t low, std::function<uint64_t()> read);

  const RegisterMap& map() const { return map_; }

 private:
  struct Cell {
    const Register* info = nullptr;
    uint32_t value = 0;
    std::function<uint32_t()> read;
    std::function<sim::FaultCode(uint32_t)> write;
    std::function<void()> written;
  };
  // The cell for an access, or the rule that it breaks.
  Cell* Find(uint64_t offset, uint32_t bytes, sim::FaultCode* broken);

  RegisterMap map_;
  std::unordered_map<uint32_t, Cell> cells_;
};

}  // namespace nibble::control
