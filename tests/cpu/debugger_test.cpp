// What a debugger can do to the core, and that time passes as ever meanwhile.
#include <catch2/catch.hpp>
#include <functional>

#include "tests/cpu/system.h"

namespace nibble::cpu {
namespace {

using Resume = riscv::Debugger::Resume;
using Reason = riscv::Debugger::Reason;

// Answers each stop with the next of its actions; goes on when there are none left.
class Script : public riscv::Debugger {
 public:
  using Action = std::function<Resume(riscv::Hart&, riscv::DebugMemory&)>;
  explicit Script(std::vector<Action> actions) : actions_(std::move(actions)) {}

  bool Begin() override { return true; }
  bool WantsStop() override { return false; }
  Resume Stopped(riscv::Hart& hart, riscv::DebugMemory& memory, Reason reason) override {
    reasons.push_back(reason);
    pcs.push_back(hart.state().pc);
    times.push_back(sc_core::sc_time_stamp().value());
    return next_ < actions_.size() ? actions_[next_++](hart, memory) : Resume::kContinue;
  }
  void Exited(uint32_t status) override { exited = status; }
  bool attached() const override { return true; }

  std::vector<Reason> reasons;
  std::vector<uint32_t> pcs;
  std::vector<uint64_t> times;
  std::optional<uint32_t> exited;

 private:
  std::vector<Action> actions_;
  size_t next_ = 0;
};

Resume Step(riscv::Hart&, riscv::DebugMemory&) { return Resume::kStep; }

TEST_CASE("a step over wfi ends behind it, when the interrupt has come and been handled") {
  const bool handled = GENERATE(true, false);  // or wfi ends without a trap
  as::Code code = Setup(kExternal);
  if (!handled) code.Word(as::Csrrci(as::zero, riscv::csr::kMstatus, 8));
  code.Append(Start(100000));
  const uint32_t wfi = kRamBase + code.size();
  code.Word(as::kWfi).Word(as::kNop).Append(Exit(3));
  System system(code, LogCycleHandler());
  Script script({[&](riscv::Hart& hart, riscv::DebugMemory&) {
                   hart.breakpoints().insert(wfi);
                   return Resume::kContinue;
                 },
                 Step, Step});
  system.board.cpu.Attach(script);
  system.Run();
  CHECK(script.reasons ==
        std::vector<Reason>{Reason::kAttached, Reason::kBreakpoint, Reason::kStep, Reason::kStep});
  CHECK(script.pcs == std::vector<uint32_t>{kRamBase, wfi, wfi + 4, wfi + 8});
  CHECK(script.times[2] - script.times[1] > 99'000'000);
  CHECK(script.times[3] - script.times[2] <= 4000);
  CHECK(system.device.log.size() == (handled ? 1 : 0));
  CHECK(script.exited == 3u);
}

TEST_CASE("stops change neither results nor time") {
  const auto run = [](Script* script) {
    as::Code code = Setup(kExternal).Append(Start(777)).Li(as::a1, 100);
    code.Word(as::Addi(as::a1, as::a1, -1)).Word(as::Bne(as::a1, as::zero, -4));
    code.Word(as::Sw(as::a1, kLog, as::s0)).Append(Start(100)).Word(as::kWfi).Append(Exit(0));
    System system(code, LogCycleHandler());
    if (script != nullptr) system.board.cpu.Attach(*script);
    system.Run();
    return std::pair(system.device.log, system.hart().state().cycles);
  };
  Script script(std::vector<Script::Action>(10000, Step));
  const auto expected = run(nullptr);
  CHECK(run(&script) == expected);
  CHECK(script.reasons.size() > 200);
  CHECK(expected.first.size() == 3);
}

TEST_CASE("a debugger reads and writes memory, code included, and the core's devices") {
  const as::Code code =
      as::Code({as::Addi(as::a1, as::a1, 1), as::Addi(as::a1, as::a1, 1)}).Append(Exit(0));
  System system(code);
  const uint32_t added = as::Addi(as::a1, as::a1, 100);
  Script script(
      {Step, [&](riscv::Hart&, riscv::DebugMemory& memory) {
         uint32_t word = 0;
         uint8_t bytes[8];
         CHECK(memory.DebugRead(kRamBase + 4, reinterpret_cast<uint8_t*>(&word), 4));
         CHECK(word == as::Addi(as::a1, as::a1, 1));
         CHECK(memory.DebugWrite(kRamBase + 4, reinterpret_cast<const uint8_t*>(&added), 4));
         CHECK(memory.DebugRead(riscv::LocalDevices::kMtimecmp, bytes, 8));
         CHECK(bytes[7] == 0xff);
         CHECK(!memory.DebugRead(0x60000000, bytes, 4));
         CHECK(!memory.DebugRead(kRamBase + (1 << 20) - 4, bytes, 8));
         CHECK(!memory.DebugWrite(0x60000000, bytes, 4));
         CHECK(memory.DebugStats().find("instructions 1\n") != std::string::npos);
         return Resume::kContinue;
       }});
  system.board.cpu.Attach(script);
  system.Run();
  CHECK(script.reasons.size() == 2);
  CHECK(system.x(as::a1) == 101);
}

TEST_CASE("watchpoints report the access when it is done, on devices, too") {
  System system(as::Code()
                    .Li(as::s0, kDevice)
                    .Word(as::Addi(as::a1, as::zero, 5))
                    .Word(as::Sw(as::a1, kLog, as::s0))
                    .Word(as::kNop)
                    .Append(Exit(0)));
  size_t logged = 0;
  Script script({[&](riscv::Hart& hart, riscv::DebugMemory&) {
                   hart.watchpoints().push_back({kDevice + kLog, 4, false, true});
                   return Resume::kContinue;
                 },
                 [&](riscv::Hart& hart, riscv::DebugMemory&) {
                   logged = system.device.log.size();
                   CHECK(hart.watch_hit()->second == kDevice + kLog);
                   return Resume::kContinue;
                 }});
  system.board.cpu.Attach(script);
  system.Run();
  CHECK(script.reasons == std::vector<Reason>{Reason::kAttached, Reason::kWatchpoint});
  CHECK(script.pcs.back() == kRamBase + 16);
  CHECK(logged == 1);
}

TEST_CASE("an ebreak that is compiled in stops, and the program goes on behind it") {
  const bool step = GENERATE(true, false);
  System system(as::Code({as::kEbreak, as::kNop}).Append(Exit(9)));
  Script script({[](riscv::Hart& hart, riscv::DebugMemory&) {
                   hart.StopAtEbreak(true);
                   return Resume::kContinue;
                 },
                 [&](riscv::Hart&, riscv::DebugMemory&) {
                   return step ? Resume::kStep : Resume::kContinue;
                 }});
  system.board.cpu.Attach(script);
  system.Run();
  CHECK(script.reasons[1] == Reason::kBreakpoint);
  CHECK(script.pcs[1] == kRamBase);
  CHECK(script.reasons.size() == (step ? 3 : 2));
  if (step) CHECK(script.pcs[2] == kRamBase + 4);
  CHECK(script.exited == 9u);
  CHECK(system.board.cpu.counters().exceptions == 0);
}

TEST_CASE("a sleep that nothing can end is told, and ends when the debugger moves the pc") {
  as::Code code{as::kWfi, as::kNop, as::kNop};
  const uint32_t behind = kRamBase + code.size();
  System system(code.Append(Exit(4)));
  Script script({Step, [&](riscv::Hart& hart, riscv::DebugMemory&) {
                   hart.state().pc = behind;
                   return Resume::kContinue;
                 }});
  system.board.cpu.Attach(script);
  system.Run();
  CHECK(script.reasons == std::vector<Reason>{Reason::kAttached, Reason::kAsleep});
  CHECK(script.exited == 4u);
}

TEST_CASE("a killed program ends without a status") {
  System system(as::Code({as::kWfi}).Append(Exit(0)));
  Script script({[](riscv::Hart&, riscv::DebugMemory&) { return Resume::kKill; }});
  system.board.cpu.Attach(script);
  system.Run();
  CHECK(system.board.cpu.killed());
  CHECK(!system.board.cpu.exit_status());
  CHECK(!script.exited);
}

}  // namespace
}  // namespace nibble::cpu
