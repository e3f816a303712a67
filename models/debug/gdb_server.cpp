#include "models/debug/gdb_server.h"

#include <fmt/format.h>

namespace nibble::debug {
namespace {

constexpr auto kPollInterval = std::chrono::milliseconds(1);

}  // namespace

bool GdbServer::WantsStop() {
  const auto now = std::chrono::steady_clock::now();
  if (now - polled_ < kPollInterval) return false;
  polled_ = now;
  return connection_.connected() ? connection_.Interrupted() : connection_.Accept(false);
}

riscv::Debugger::Resume GdbServer::Stopped(riscv::Hart& hart, riscv::DebugMemory& memory,
                                           Reason reason) {
  // A debugger that comes while the hart runs has asked for no stop, so it hears of none.
  Target target{hart, memory, running_ ? reason : Reason::kAttached};
  hart.StopAtEbreak(true);
  if (running_ && reason == Reason::kAsleep) {
    connection_.Send("O" + ToHex("the core sleeps in wfi, and nothing is left to wake it\n"));
  }
  if (running_) connection_.Send(StopReply(target));
  running_ = false;
  while (const std::optional<std::string> packet = connection_.Receive()) {
    const std::optional<Resume> resume = Handle(target, *packet);
    if (resume == Resume::kKill) connection_.Close();
    if (resume) {
      running_ = *resume != Resume::kKill;
      return *resume;
    }
  }
  return Leave(target);
}

riscv::Debugger::Resume GdbServer::Leave(Target& target) {
  for (std::set<uint32_t>& kind : breakpoints_) kind.clear();
  target.hart.breakpoints().clear();
  target.hart.watchpoints().clear();
  target.hart.StopAtEbreak(false);
  running_ = false;
  return Resume::kContinue;
}

void GdbServer::Exited(uint32_t status) {
  if (!connection_.connected()) return;
  if (running_) connection_.Send(fmt::format("W{:02x}", status));
  connection_.Close();
}

std::optional<riscv::Debugger::Resume> GdbServer::Handle(Target& target,
                                                         const std::string& packet) {
  Scanner command(packet);
  if (const std::optional<Resume> resume = Continue(target, command)) return resume;
  std::string reply;
  if (command.Skip("k")) return Resume::kKill;
  if (command.Skip("vKill")) {
    connection_.Send("OK");
    return Resume::kKill;
  }
  if (command.Skip("D")) {
    connection_.Send("OK");
    connection_.Close();
    return std::nullopt;
  }
  if (packet == "QStartNoAckMode") {
    connection_.Send("OK");
    connection_.StopAcknowledging();
    return std::nullopt;
  }
  if (command.Skip("q")) {
    reply = Query(target, command);
  } else if (packet == "vCont?") {
    reply = "vCont;c;C;s;S";
  } else if (packet == "?") {
    reply = StopReply(target);
  } else if (packet == "g") {
    reply = ReadRegisters(target);
  } else if (command.Skip("G")) {
    reply = WriteRegisters(target, command);
  } else if (command.Skip("p")) {
    reply = ReadRegister(target, command);
  } else if (command.Skip("P")) {
    reply = WriteRegister(target, command);
  } else if (command.Skip("m")) {
    reply = ReadMemory(target, command);
  } else if (command.Skip("M")) {
    reply = WriteMemory(target, command, false);
  } else if (command.Skip("X")) {
    reply = WriteMemory(target, command, true);
  } else if (command.Skip("Z")) {
    reply = ChangePoint(target, command, true);
  } else if (command.Skip("z")) {
    reply = ChangePoint(target, command, false);
  } else if (command.Skip("H") || command.Skip("T")) {  // there is one thread
    reply = "OK";
  }
  connection_.Send(reply);
  return std::nullopt;
}

std::optional<riscv::Debugger::Resume> GdbServer::Continue(Target& target, Scanner command) {
  const bool several = command.Skip("vCont;");  // the first action is that of the only thread
  bool step = false, signal = false;            // a signal means nothing to the hart
  if (command.Skip("s")) {
    step = true;
  } else if (command.Skip("S")) {
    step = signal = true;
  } else if (command.Skip("C")) {
    signal = true;
  } else if (!command.Skip("c")) {
    return std::nullopt;
  }
  if (!several) {
    if (signal) {
      command.Number();
      command.Skip(";");
    }
    if (const std::optional<uint32_t> pc = command.Number()) target.hart.state().pc = *pc & ~1u;
  }
  return step ? Resume::kStep : Resume::kContinue;
}

std::string GdbServer::StopReply(const Target& target) const {
  constexpr int kSigInt = 2, kSigTrap = 5;
  switch (target.reason) {
    case Reason::kInterrupt:
    case Reason::kAsleep:
      return fmt::format("S{:02x}", kSigInt);
    case Reason::kWatchpoint: {
      const auto& [watch, address] = *target.hart.watch_hit();
      const char* const kind = watch.read ? watch.write ? "awatch" : "rwatch" : "watch";
      return fmt::format("T{:02x}{}:{:x};", kSigTrap, kind, address);
    }
    default:
      return fmt::format("S{:02x}", kSigTrap);
  }
}

}  // namespace nibble::debug
