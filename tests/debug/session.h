// A debugger's side of a session, beside the simulation that it debugs.
#pragma once

#include <functional>
#include <string>

#include "models/debug/gdb_server.h"
#include "tests/cpu/system.h"

namespace nibble::debug {

// Speaks the remote protocol. Throws std::runtime_error when the other side has left.
class Client {
 public:
  explicit Client(uint16_t port);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Sends a packet and gives the reply.
  std::string Ask(const std::string& payload) {
    Send(payload);
    return Receive();
  }
  void Send(const std::string& payload);
  // The next packet, acknowledged.
  std::string Receive();
  void SendRaw(const std::string& bytes);
  // The next byte, outside of packets.
  char ReceiveRaw();
  // Whether the other side has closed the connection; waits for it, or a byte.
  bool AtEnd();

 private:
  int socket_;
};

// Runs the system under a server, and `debugger`, told the port, beside it in a thread. Throws what
// `debugger` throws. Assertions belong behind it.
void Debug(cpu::System& system, const std::function<void(uint16_t port)>& debugger);

}  // namespace nibble::debug
