// What the debugger asks of a hart that stands still: registers, memory, points to stop at.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "models/debug/gdb_server.h"
#include "models/debug/target_description.h"

namespace nibble::debug {
namespace {

using riscv::Watchpoint;

// Bytes of a packet, and of memory that one reply can carry.
constexpr uint32_t kPacketBytes = 0x4000, kMostMemory = kPacketBytes / 2 - 16;

const char* const kOk = "OK";
// The protocol gives these numbers no meaning; here they are errno's EINVAL and EFAULT.
const char* const kInvalid = "E16";
const char* const kNoAccess = "E0e";

// As much as can be read from the first byte on: devices may know words only, or have gaps.
std::string ReadBytes(riscv::DebugMemory& memory, uint32_t address, uint32_t bytes) {
  std::vector<uint8_t> data(bytes);
  uint32_t done = bytes;
  if (!memory.DebugRead(address, data.data(), bytes)) {
    done = 0;
    while (done < bytes) {
      const uint32_t at = address + done;
      const uint32_t piece = std::min(bytes - done, 4 - at % 4);
      if (!memory.DebugRead(at, data.data() + done, piece)) break;
      done += piece;
    }
  }
  return {data.begin(), data.begin() + done};
}

}  // namespace

std::string GdbServer::Query(Target& target, Scanner command) {
  if (command.Skip("Supported")) {
    return fmt::format("PacketSize={:x};qXfer:features:read+;QStartNoAckMode+;vContSupported+",
                       kPacketBytes);
  }
  if (command.Skip("Xfer:features:read:target.xml:")) {
    const std::optional<uint32_t> offset = command.Number();
    const std::optional<uint32_t> bytes =
        command.Skip(",") ? command.Number() : std::optional<uint32_t>();
    const std::string xml = TargetDescription();
    if (!offset || !bytes || *offset > xml.size()) return kInvalid;
    const std::string part = xml.substr(*offset, std::min(*bytes, kMostMemory));
    return (*offset + part.size() < xml.size() ? "m" : "l") + part;
  }
  if (command.Skip("Rcmd,")) {
    const std::optional<std::string> text = FromHex(command.rest());
    return text ? ToHex(Monitor(target, *text)) : kInvalid;
  }
  if (command.Skip("Attached")) return "1";  // so that GDB detaches when it ends
  if (command.Skip("fThreadInfo")) return "m1";
  if (command.Skip("sThreadInfo")) return "l";
  if (command.rest() == "C") return "QC1";
  return "";
}

std::string GdbServer::Monitor(Target& target, const std::string& command) const {
  if (command == "stats") return target.memory.DebugStats();
  return "monitor stats: time, cycles and counters of the core\n";
}

std::string GdbServer::ReadRegisters(Target& target) const {
  std::string reply;
  for (uint32_t r = 0; r < kPcNumber; ++r) reply += WordToHex(target.hart.state().x[r]);
  return reply + WordToHex(target.hart.state().pc);
}

std::string GdbServer::WriteRegisters(Target& target, Scanner command) const {
  std::vector<uint32_t> values;
  for (size_t at = 0; at + 8 <= command.rest().size(); at += 8) {
    const std::optional<uint32_t> value = WordFromHex(command.rest().substr(at, 8));
    if (!value) return kInvalid;
    values.push_back(*value);
  }
  if (values.size() != kPcNumber + 1) return kInvalid;
  for (uint32_t r = 1; r < kPcNumber; ++r) target.hart.state().x[r] = values[r];
  target.hart.state().pc = values[kPcNumber] & ~1u;
  return kOk;
}

std::string GdbServer::ReadRegister(Target& target, Scanner command) const {
  const std::optional<uint32_t> number = command.Number();
  if (!number) return kInvalid;
  if (*number < kPcNumber) return WordToHex(target.hart.state().x[*number]);
  if (*number == kPcNumber) return WordToHex(target.hart.state().pc);
  const std::optional<uint32_t> value = target.hart.ReadCsr(*number - kFirstCsrNumber);
  return value ? WordToHex(*value) : kInvalid;
}

std::string GdbServer::WriteRegister(Target& target, Scanner command) const {
  const std::optional<uint32_t> number = command.Number();
  const std::optional<uint32_t> value =
      command.Skip("=") ? WordFromHex(command.rest()) : std::optional<uint32_t>();
  if (!number || !value) return kInvalid;
  if (*number < kPcNumber) {
    if (*number != 0) target.hart.state().x[*number] = *value;
    return kOk;
  }
  if (*number == kPcNumber) {
    target.hart.state().pc = *value & ~1u;
    return kOk;
  }
  return target.hart.WriteCsr(*number - kFirstCsrNumber, *value) ? kOk : kInvalid;
}

std::string GdbServer::ReadMemory(Target& target, Scanner command) const {
  const std::optional<uint32_t> address = command.Number();
  const std::optional<uint32_t> bytes =
      command.Skip(",") ? command.Number() : std::optional<uint32_t>();
  if (!address || !bytes) return kInvalid;
  const std::string data = ReadBytes(target.memory, *address, std::min(*bytes, kMostMemory));
  return data.empty() && *bytes > 0 ? kNoAccess : ToHex(data);
}

std::string GdbServer::WriteMemory(Target& target, Scanner command, bool binary) const {
  const std::optional<uint32_t> address = command.Number();
  const std::optional<uint32_t> bytes =
      command.Skip(",") ? command.Number() : std::optional<uint32_t>();
  if (!address || !bytes || !command.Skip(":")) return kInvalid;
  const std::optional<std::string> data =
      binary ? std::string(command.rest()) : FromHex(command.rest());
  if (!data || data->size() != *bytes) return kInvalid;
  if (data->empty()) return kOk;
  const auto* const from = reinterpret_cast<const uint8_t*>(data->data());
  return target.memory.DebugWrite(*address, from, *bytes) ? kOk : kNoAccess;
}

std::string GdbServer::ChangePoint(Target& target, Scanner command, bool insert) {
  const std::optional<uint32_t> type = command.Number();
  const std::optional<uint32_t> address =
      command.Skip(",") ? command.Number() : std::optional<uint32_t>();
  const std::optional<uint32_t> bytes =
      command.Skip(",") ? command.Number() : std::optional<uint32_t>();
  if (!type || !address || !bytes) return kInvalid;
  if (*type <= 1) {
    if (insert) {
      breakpoints_[*type].insert(*address);
    } else {
      breakpoints_[*type].erase(*address);
    }
    std::set<uint32_t>& all = target.hart.breakpoints();
    all = breakpoints_[0];
    all.insert(breakpoints_[1].begin(), breakpoints_[1].end());
    return kOk;
  }
  if (*type > 4) return "";
  const Watchpoint watch{*address, *bytes, *type != 2, *type != 3};
  std::vector<Watchpoint>& all = target.hart.watchpoints();
  const auto found = std::find(all.begin(), all.end(), watch);
  if (insert && found == all.end()) all.push_back(watch);
  if (!insert && found != all.end()) all.erase(found);
  return kOk;
}

}  // namespace nibble::debug
