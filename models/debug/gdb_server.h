// GDB's remote protocol, served while the hart stands still; nothing happens behind its back.
//
// Source: "Debugging with GDB", appendix "GDB Remote Serial Protocol".
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "models/debug/gdb_connection.h"
#include "models/debug/gdb_text.h"
#include "models/riscv/debugger.h"

namespace nibble::debug {

// Registers, memory, breakpoints (without a trace in memory), watchpoints (reported when the access
// is done), step, continue, Ctrl-C, detach and attach again, kill, `monitor stats`.
//
// A step goes through interrupt handlers, and through wfi to its end: see riscv::Hart::BeginStep().
class GdbServer : public riscv::Debugger {
 public:
  // Listens on 127.0.0.1 from now on; 0: any port that is free. Throws std::runtime_error.
  explicit GdbServer(uint16_t port) : connection_(port) {}
  uint16_t port() const { return connection_.port(); }

  // riscv::Debugger. Begin() waits until a debugger has connected.
  bool Begin() override { return connection_.Accept(true); }
  bool WantsStop() override;
  Resume Stopped(riscv::Hart& hart, riscv::DebugMemory& memory, Reason reason) override;
  void Exited(uint32_t status) override;
  bool attached() const override { return connection_.connected(); }

 private:
  // While the hart stands still.
  struct Target {
    riscv::Hart& hart;
    riscv::DebugMemory& memory;
    Reason reason;
  };

  // Answers one command; tells how to go on when it asks for that.
  std::optional<Resume> Handle(Target& target, const std::string& packet);
  // "c", "s" and their kin, or none.
  std::optional<Resume> Continue(Target& target, Scanner command);
  // What each of the others replies; an empty reply says that the command is unknown.
  std::string Query(Target& target, Scanner command);
  std::string Monitor(Target& target, const std::string& command) const;
  std::string ReadRegisters(Target& target) const;
  std::string WriteRegisters(Target& target, Scanner command) const;
  std::string ReadRegister(Target& target, Scanner command) const;
  std::string WriteRegister(Target& target, Scanner command) const;
  std::string ReadMemory(Target& target, Scanner command) const;
  std::string WriteMemory(Target& target, Scanner command, bool binary) const;
  std::string ChangePoint(Target& target, Scanner command, bool insert);
  std::string StopReply(const Target& target) const;
  // The hart goes on as if there had been no debugger.
  Resume Leave(Target& target);

  GdbConnection connection_;
  bool running_ = false;  // the debugger has let the hart go on, and waits for its stop
  std::chrono::steady_clock::time_point polled_;
  std::set<uint32_t> breakpoints_[2];  // software, hardware: here they are the same
};

}  // namespace nibble::debug
