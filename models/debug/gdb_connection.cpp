#include "models/debug/gdb_connection.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <stdexcept>

#include "models/debug/gdb_text.h"

namespace nibble::debug {
namespace {

constexpr char kInterrupt = '\x03', kEscape = '}';

uint8_t Checksum(const std::string& framed) {
  return std::accumulate(framed.begin(), framed.end(), uint8_t{0}, [](uint8_t sum, char c) {
    return static_cast<uint8_t>(sum + static_cast<uint8_t>(c));
  });
}

std::string Escaped(const std::string& payload) {
  std::string out;
  for (const char c : payload) {
    if (c == '$' || c == '#' || c == '*' || c == kEscape) {
      out += kEscape;
      out += static_cast<char>(c ^ 0x20);
    } else {
      out += c;
    }
  }
  return out;
}

std::string Unescaped(const std::string& framed) {
  std::string out;
  for (size_t k = 0; k < framed.size(); ++k) {
    const bool escape = framed[k] == kEscape && k + 1 < framed.size();
    out += escape ? static_cast<char>(framed[++k] ^ 0x20) : framed[k];
  }
  return out;
}

}  // namespace

GdbConnection::GdbConnection(uint16_t port) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const int yes = 1;
  socklen_t length = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
      bind(listener_, any, length) != 0 || listen(listener_, 1) != 0 ||
      getsockname(listener_, any, &length) != 0) {
    const std::string why = std::strerror(errno);
    if (listener_ >= 0) close(listener_);
    throw std::runtime_error(fmt::format("cannot listen on 127.0.0.1:{}: {}", port, why));
  }
  port_ = ntohs(address.sin_port);
}

GdbConnection::~GdbConnection() {
  Drop();
  close(listener_);
}

bool GdbConnection::Accept(bool wait) {
  if (connected()) return true;
  pollfd ready{listener_, POLLIN, 0};
  if (poll(&ready, 1, wait ? -1 : 0) <= 0) return false;
  socket_ = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (!connected()) return false;
  const int yes = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  acknowledge_ = true;
  buffer_.clear();
  last_.clear();
  return true;
}

void GdbConnection::Drop() {
  if (connected()) close(socket_);
  socket_ = -1;
}

void GdbConnection::Close() {
  if (!connected()) return;
  shutdown(socket_, SHUT_WR);
  std::array<char, 256> ignored;
  pollfd ready{socket_, POLLIN, 0};
  while (poll(&ready, 1, 1000) == 1 && recv(socket_, ignored.data(), ignored.size(), 0) > 0) {
  }
  Drop();
}

bool GdbConnection::Fill(bool wait) {
  if (!connected()) return false;
  std::array<char, 4096> bytes;
  const ssize_t count = recv(socket_, bytes.data(), bytes.size(), wait ? 0 : MSG_DONTWAIT);
  if (count > 0) {
    buffer_.append(bytes.data(), static_cast<size_t>(count));
    return true;
  }
  const bool later = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  if (!later) Drop();
  return false;
}

std::optional<std::string> GdbConnection::Receive() {
  for (;;) {
    // Before a packet there can be acknowledgements, and a Ctrl-C that came too late.
    const size_t begin = buffer_.find_first_of("$-");
    if (begin == std::string::npos) {
      buffer_.clear();
      if (!Fill(true)) return std::nullopt;
      continue;
    }
    if (buffer_[begin] == '-') {
      buffer_.erase(0, begin + 1);
      SendRaw(last_);
      continue;
    }
    buffer_.erase(0, begin);
    const size_t end = buffer_.find('#');
    if (end == std::string::npos || end + 3 > buffer_.size()) {
      if (!Fill(true)) return std::nullopt;
      continue;
    }
    const std::string framed = buffer_.substr(1, end - 1);
    const std::optional<std::string> sum = FromHex(buffer_.substr(end + 1, 2));
    buffer_.erase(0, end + 3);
    const bool intact = sum && static_cast<uint8_t>((*sum)[0]) == Checksum(framed);
    if (acknowledge_) SendRaw(intact ? "+" : "-");
    if (intact) return Unescaped(framed);
  }
}

void GdbConnection::Send(const std::string& payload) {
  const std::string framed = Escaped(payload);
  last_ = fmt::format("${}#{:02x}", framed, Checksum(framed));
  SendRaw(last_);
}

void GdbConnection::SendRaw(const std::string& bytes) {
  size_t sent = 0;
  while (connected() && sent < bytes.size()) {
    const ssize_t count = send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count > 0) {
      sent += static_cast<size_t>(count);
    } else if (errno != EINTR) {
      Drop();
    }
  }
}

bool GdbConnection::Interrupted() {
  while (Fill(false)) {
  }
  const size_t at = buffer_.find(kInterrupt);
  if (at != std::string::npos) buffer_.erase(0, at + 1);
  return at != std::string::npos || !connected();
}

}  // namespace nibble::debug
