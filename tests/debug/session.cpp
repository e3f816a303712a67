#include "tests/debug/session.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <thread>

namespace nibble::debug {

Client::Client(uint16_t port) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    close(socket_);
    throw std::runtime_error("cannot connect");
  }
  const int yes = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

Client::~Client() { close(socket_); }

void Client::SendRaw(const std::string& bytes) {
  if (send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(bytes.size())) {
    throw std::runtime_error("cannot send");
  }
}

char Client::ReceiveRaw() {
  char byte = 0;
  if (recv(socket_, &byte, 1, 0) != 1) throw std::runtime_error("the server has left");
  return byte;
}

bool Client::AtEnd() {
  char byte = 0;
  return recv(socket_, &byte, 1, 0) <= 0;
}

void Client::Send(const std::string& payload) {
  uint8_t sum = 0;
  for (const char c : payload) sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(c));
  char end[4];
  std::snprintf(end, sizeof(end), "#%02x", sum);
  SendRaw("$" + payload + end);
}

std::string Client::Receive() {
  std::string payload;
  while (ReceiveRaw() != '$') {
  }
  for (char c = ReceiveRaw(); c != '#'; c = ReceiveRaw()) payload += c;
  ReceiveRaw();
  ReceiveRaw();
  SendRaw("+");
  return payload;
}

void Debug(cpu::System& system, const std::function<void(uint16_t port)>& debugger) {
  std::optional<GdbServer> server(0);
  const uint16_t port = server->port();
  system.board.cpu.Attach(*server);
  std::exception_ptr error;
  std::thread thread([&] {
    try {
      debugger(port);
    } catch (...) {
      error = std::current_exception();
    }
    try {
      const Client release(port);  // a server that still waits for somebody
    } catch (const std::exception&) {
      // Nobody was waiting.
    }
  });
  system.Run();
  server.reset();  // which ends the connection
  thread.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace nibble::debug
