// The remote protocol, packet by packet.
#include <catch2/catch.hpp>
#include <chrono>
#include <random>
#include <thread>
#include <utility>

#include "models/debug/target_description.h"
#include "models/riscv/csr.h"
#include "tests/debug/session.h"

namespace nibble::debug {
namespace {

namespace as = riscv::as;
using cpu::kRamBase;
using cpu::System;

// Packets and what they are answered with.
using Dialogue = std::vector<std::pair<std::string, std::string>>;

void Hold(System& system, const Dialogue& dialogue) {
  std::vector<std::string> replies;
  Debug(system, [&](uint16_t port) {
    Client client(port);
    for (const auto& exchange : dialogue) replies.push_back(client.Ask(exchange.first));
  });
  for (size_t k = 0; k < dialogue.size(); ++k) {
    CAPTURE(k, dialogue[k].first);
    CHECK(replies[k] == dialogue[k].second);
  }
}

as::Code Counting() {
  return as::Code({as::Addi(as::a0, as::zero, 1), as::Addi(as::a0, as::a0, 2),
                   as::Addi(as::a0, as::a0, 3), as::Addi(as::a0, as::a0, 4)})
      .Append(cpu::Exit(6));
}

TEST_CASE("registers are read and written one by one and together") {
  System system(Counting());
  std::string all = WordToHex(0);
  for (uint32_t r = 1; r < 32; ++r) all += WordToHex(0x01020300 + r);
  all += WordToHex(kRamBase + 8);
  Hold(system, {{"?", "S05"},
                {"p20", "00000080"},  // pc
                {"s", "S05"},
                {"pa", "01000000"},  // a0
                {"Pa=78563412", "OK"},
                {"pa", "78563412"},
                {"P0=01000000", "OK"},
                {"p0", "00000000"},
                {"G" + all, "OK"},
                {"g", all},
                {"p382", "00000000"},  // mepc
                {"P382=05030201", "OK"},
                {"p382", "04030201"},
                {"p1053", "E16"},  // no such CSR
                {"P1053=00000000", "E16"},
                {"P20=00000080", "OK"},
                {"c", "W06"}});
  CHECK(system.x(as::a0) == 10);
  CHECK(system.x(as::sp) == 0x01020302);
}

TEST_CASE("memory is read and written, in part where it ends") {
  System system(Counting());
  Hold(system, {{"M80001001,3:010203", "OK"},
                {"m80001000,5", "0001020300"},
                {std::string("X80001002,3:\x01}\x03\x04"), "OK"},  // }x stands for x ^ 0x20
                {"m80001000,6", "000101230400"},
                {"m800ffffe,10", "0000"},
                {"M800ffffe,4:00000000", "E0e"},
                {"m60000000,4", "E0e"},
                {"m40000004,4", "00000000"},  // a device's register
                {"m40000000,8", "E0e"},       // the first of two, that it does not show
                {"m2004002,4", "ffffffff"},   // mtimecmp
                {"M2004000,4:00000000", "E0e"},
                {"M80001000,2:0", "E16"},
                {"m80001000", "E16"},
                {"X80001000,0:", "OK"},  // GDB asks so whether X is known
                {"c", "W06"}});
}

TEST_CASE("breakpoints stop before, watchpoints behind, and both can be taken away") {
  System system(as::Code({as::Addi(as::a0, as::zero, 1), as::Auipc(as::a1, 1),
                          as::Sw(as::a0, 0, as::a1), as::Lw(as::a2, 0, as::a1), as::kNop, as::kNop})
                    .Append(cpu::Exit(6)));
  Hold(system, {{"Z0,80000004,4", "OK"},  // software, and
                {"Z1,80000004,4", "OK"},  // hardware, at the same place
                {"z0,80000004,4", "OK"},      {"c", "S05"},
                {"p20", "04000080"},          {"z1,80000004,4", "OK"},
                {"Z2,80001004,4", "OK"},  // write
                {"c", "T05watch:80001004;"},  {"p20", "0c000080"},
                {"Z3,80001006,1", "OK"},  // read
                {"c", "T05rwatch:80001004;"}, {"z2,80001004,4", "OK"},
                {"z3,80001006,1", "OK"},      {"Z4,80001004,4", "OK"},  // either
                {"P20=08000080", "OK"},       {"vCont;c", "T05awatch:80001004;"},
                {"z4,80001004,4", "OK"},      {"Z5,80001004,4", ""},
                {"Z0,8000", "E16"},           {"vCont;s:1;c", "S05"},
                {"p20", "10000080"},          {"s80000010", "S05"},
                {"p20", "14000080"},          {"C05", "W06"}});
}

TEST_CASE("the target's description names the registers that there are") {
  std::string xml;
  std::string supported, unknown;
  System system(Counting());
  Debug(system, [&](uint16_t port) {
    Client client(port);
    supported = client.Ask("qSupported:multiprocess+;xmlRegisters=riscv");
    std::string part;
    do {
      char packet[64];
      std::snprintf(packet, sizeof(packet), "qXfer:features:read:target.xml:%zx,65", xml.size());
      part = client.Ask(packet);
      for (size_t k = 1; k < part.size(); ++k) {
        xml += part[k] == '}' ? static_cast<char>(part[++k] ^ 0x20) : part[k];
      }
    } while (part[0] == 'm');
    unknown = client.Ask("vMustReplyEmpty");
    client.Send("k");
    client.AtEnd();
  });
  CHECK(supported.find("qXfer:features:read+") != std::string::npos);
  CHECK(unknown.empty());
  CHECK(xml == TargetDescription());
  CHECK(xml.find("<reg name=\"a0\" bitsize=\"32\" type=\"int\" regnum=\"10\"/>") !=
        std::string::npos);
  CHECK(xml.find("<reg name=\"mepc\" bitsize=\"32\" regnum=\"898\"/>") != std::string::npos);
  CHECK(system.board.cpu.killed());
}

TEST_CASE("Ctrl-C stops a program at work, and one asleep") {
  const bool asleep = GENERATE(true, false);
  // Asleep: until the timer, minutes of simulated time away.
  as::Code code = as::Code()
                      .Li(as::t0, cpu::kTimer)
                      .Word(as::Csrw(riscv::csr::kMie, as::t0))
                      .Li(as::t1, riscv::LocalDevices::kMtimecmp)
                      .Word(as::Addi(as::t0, as::zero, 1))
                      .Word(as::Sw(as::t0, 4, as::t1));
  code.Word(asleep ? as::kWfi : as::Jal(as::zero, 0)).Word(as::kNop);
  const uint32_t behind = kRamBase + code.size();
  System system(code.Append(cpu::Exit(0)));
  std::string stop, exit, stats;
  Debug(system, [&](uint16_t port) {
    Client client(port);
    client.Send("c");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    client.SendRaw("\x03");
    stop = client.Receive();
    stats = *FromHex(client.Ask("qRcmd," + ToHex("stats")));
    client.Ask("P20=" + WordToHex(behind));
    exit = client.Ask("c");
  });
  CHECK(stop == "S02");
  CHECK(exit == "W00");
  const bool slept = stats.find("\nsleep cycles 0\n") == std::string::npos;
  CHECK(slept == asleep);
}

TEST_CASE("a sleep that nothing can end is told") {
  System system(as::Code({as::kWfi}).Append(cpu::Exit(0)));
  std::string text, stop;
  Debug(system, [&](uint16_t port) {
    Client client(port);
    text = client.Ask("c");
    stop = client.Receive();
    client.Send("k");
  });
  REQUIRE(text.substr(0, 1) == "O");
  CHECK(FromHex(text.substr(1))->find("nothing is left to wake it") != std::string::npos);
  CHECK(stop == "S02");
}

TEST_CASE("a debugger may leave, come back, and break off, and the program goes on") {
  System system(as::Code({as::Jal(as::zero, 0), as::kEbreak}).Append(cpu::Exit(5)),
                as::Code({as::Addi(as::a7, as::zero, 1)}));
  std::string detach, again, stop;
  Debug(system, [&](uint16_t port) {
    {
      Client client(port);
      client.Ask("Z0,80000000,4");
      detach = client.Ask("D");
      client.AtEnd();
    }
    Client client(port);
    again = client.Ask("?");
    client.Ask("P346=" + WordToHex(cpu::kHandler));  // mtvec
    client.Ask("P20=" + WordToHex(kRamBase + 4));
    stop = client.Ask("c");
    client.Ask("P20=" + WordToHex(kRamBase + 8));
    client.Send("c");
  });  // without waiting for the answer
  CHECK(detach == "OK");
  CHECK(again == "S05");
  CHECK(stop == "S05");
  CHECK(system.x(as::a7) == 0);
  CHECK(system.board.cpu.exit_status() == 5u);
}

TEST_CASE("a damaged packet is asked for again, a damaged reply sent again") {
  System system(Counting());
  std::string first, second, third;
  char refused = 0, accepted = 0;
  Debug(system, [&](uint16_t port) {
    Client client(port);
    client.SendRaw("+\x03$?#00");
    refused = client.ReceiveRaw();
    client.Send("?");
    accepted = client.ReceiveRaw();
    first = client.Receive();
    client.SendRaw("-");
    second = client.Receive();
    client.Ask("QStartNoAckMode");
    client.Send("?");
    third = client.ReceiveRaw();  // no acknowledgement before it
    client.Send("k");
  });
  CHECK(refused == '-');
  CHECK(accepted == '+');
  CHECK(first == "S05");
  CHECK(second == "S05");
  CHECK(third == "$");
}

TEST_CASE("packets without sense do no harm") {
  const std::string letters = "?gGpPmMXZzHTqQv";
  const std::string tails = "0123456789abcdef,:;=}-+ Rcmd,Xfer:features:read:target.xml:";
  System system(Counting());
  std::string last;
  Debug(system, [&](uint16_t port) {
    Client client(port);
    std::mt19937 random(1);
    for (int k = 0; k < 5000; ++k) {
      std::string packet(1, letters[random() % letters.size()]);
      const uint32_t length = random() % 24;
      while (packet.size() < length) packet += tails[random() % tails.size()];
      client.Ask(packet);
    }
    last = client.Ask("?");
    client.Send("k");
  });
  CHECK(last == "S05");
}

}  // namespace
}  // namespace nibble::debug
