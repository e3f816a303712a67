// Packets of GDB's remote serial protocol over a TCP connection of the loopback interface.
//
// Source: "Debugging with GDB", appendix "GDB Remote Serial Protocol", section "Overview".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace nibble::debug {

// One debugger at a time. Errors of an established connection end it: as if the debugger had left.
class GdbConnection {
 public:
  // Listens from now on; port 0: any that is free. Throws std::runtime_error naming the port.
  explicit GdbConnection(uint16_t port);
  ~GdbConnection();
  GdbConnection(const GdbConnection&) = delete;
  GdbConnection& operator=(const GdbConnection&) = delete;

  uint16_t port() const { return port_; }
  bool connected() const { return socket_ >= 0; }

  // Takes the connection of a debugger, if none is there yet; waits for it when told so. False when
  // there is none, or a signal came while waiting.
  bool Accept(bool wait);
  // Ends the connection when everything sent has been read, and within a second.
  void Close();

  // The next packet, unescaped; waits. Nothing when the debugger has left, or a signal came.
  std::optional<std::string> Receive();
  void Send(const std::string& payload);
  // Whether the debugger has sent Ctrl-C, or has left; does not wait.
  bool Interrupted();
  // Neither side acknowledges packets from now on.
  void StopAcknowledging() { acknowledge_ = false; }

 private:
  // More bytes into buffer_; false when there are none (or, not waiting, none yet).
  bool Fill(bool wait);
  void SendRaw(const std::string& bytes);
  void Drop();

  int listener_ = -1, socket_ = -1;
  uint16_t port_ = 0;
  bool acknowledge_ = true;
  std::string buffer_;  // received, not yet looked at
  std::string last_;    // sent last, framed
};

}  // namespace nibble::debug
