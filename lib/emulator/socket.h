#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct ssl_st;
struct ssl_ctx_st;

namespace davit::emulator {

/// An address such as "127.0.0.1" or "::1", and a port.
struct Address {
  std::string host = "127.0.0.1";  ///< IPv6 without brackets
  std::uint16_t port = 0;
  bool anywhere = false;  ///< otherwise only loopback addresses are good

  /// "127.0.0.1:5000", "[::1]:5000"
  [[nodiscard]] std::string to_string() const;
  /// "a.b.c.d:port", "[::1]:port", or either without a port, which then is 5000. Whether the host is an
  /// address is not looked at. Throws std::runtime_error.
  static Address parse(std::string_view text);
};

/// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { close(); }

  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release();
  void close();

 private:
  int fd_ = -1;
};

/// Whether it is an IPv4 or IPv6 address.
bool is_address(const std::string& text);
/// Whether it is one that no other machine reaches.
bool is_loopback(const std::string& text);

/// Listens on an address; port 0 lets the system choose. Throws std::runtime_error.
Fd listen_on(const Address& address);
/// The address a socket is bound to.
Address local_address(const Fd& fd);
/// An empty Fd when nobody listens there.
Fd connect_to(const Address& address);

/// A certificate with its private key, as PEM.
struct TlsIdentity {
  std::string certificate_pem;
  std::string key_pem;
};

/// What a TLS server presents. Shared by all connections of a server; thread-safe.
class TlsServerContext {
 public:
  explicit TlsServerContext(const TlsIdentity& identity);
  ~TlsServerContext();
  TlsServerContext(const TlsServerContext&) = delete;
  TlsServerContext& operator=(const TlsServerContext&) = delete;
  [[nodiscard]] ssl_ctx_st* get() const { return context_; }

 private:
  ssl_ctx_st* context_;
};

/// A connected socket, plain or TLS. One thread at a time, except for interrupt().
/// REQUIRES: SIGPIPE is blocked or ignored in the threads that use it.
class Stream {
 public:
  explicit Stream(Fd fd);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// The server's side of a TLS handshake. False when it failed.
  bool accept_tls(const TlsServerContext& context);

  /// 0: the peer has closed or the line is broken.
  std::size_t read_some(char* into, std::size_t size);
  /// False: the line is broken.
  bool write_all(std::string_view bytes);
  /// Whether a read would find something within `milliseconds`.
  [[nodiscard]] bool readable(int milliseconds) const;

  /// Says that no more will come (close_notify and FIN), then reads until the peer closes too, so that it
  /// gets to see everything that was sent before.
  void finish();
  /// Closes with FIN at once, without a close_notify: a truncation as a middlebox makes it.
  void cut();
  /// Closes with RST.
  void reset();
  /// From another thread: makes blocked reads and writes return.
  void interrupt();

 private:
  Fd fd_;
  ssl_st* ssl_ = nullptr;
};

}  // namespace davit::emulator
