#include "emulator/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace davit::emulator {
namespace {

constexpr std::uint16_t kUsualPort = 5000;

/// An address of either family, as the system takes it.
struct SocketAddress {
  sockaddr_storage bytes{};
  socklen_t size = sizeof(sockaddr_storage);

  [[nodiscard]] int family() const { return bytes.ss_family; }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&bytes); }
};

bool parse_host(const std::string& host, std::uint16_t port, SocketAddress& into) {
  auto& v4 = reinterpret_cast<sockaddr_in&>(into.bytes);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(into.bytes);
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    into.size = sizeof v4;
    return true;
  }
  if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) != 1) return false;
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  into.size = sizeof v6;
  return true;
}

SocketAddress to_sockaddr(const Address& address) {
  SocketAddress out;
  if (!parse_host(address.host, address.port, out))
    throw std::runtime_error("not an address: " + address.host);
  if (!address.anywhere && !is_loopback(address.host)) {
    throw std::runtime_error("not on loopback: " + address.host);
  }
  return out;
}

}  // namespace

std::string Address::to_string() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Address Address::parse(std::string_view text) {
  const auto bracket = text.starts_with('[') ? text.find(']') : std::string_view::npos;
  const auto end_of_host = bracket == std::string_view::npos ? text.rfind(':') : bracket + 1;
  Address out;
  out.host = bracket == std::string_view::npos ? text.substr(0, end_of_host) : text.substr(1, bracket - 1);
  out.port = kUsualPort;
  if (end_of_host >= text.size()) return out;
  const auto digits = text.substr(end_of_host + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
  if (text[end_of_host] != ':' || error != std::errc{} || end != digits.data() + digits.size()) {
    throw std::runtime_error("bad port in " + std::string(text));
  }
  return out;
}

bool is_address(const std::string& text) {
  SocketAddress unused;
  return parse_host(text, 0, unused);
}

bool is_loopback(const std::string& text) {
  SocketAddress address;
  if (!parse_host(text, 0, address)) return false;
  if (address.family() == AF_INET) return text.starts_with("127.");
  return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(address.bytes).sin6_addr) != 0;
}

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = other.release();
  }
  return *this;
}

int Fd::release() {
  return std::exchange(fd_, -1);
}

void Fd::close() {
  if (fd_ >= 0) ::close(release());
}

Fd listen_on(const Address& address) {
  const SocketAddress where = to_sockaddr(address);
  Fd fd(::socket(where.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!fd || ::bind(fd.get(), where.get(), where.size) != 0 || ::listen(fd.get(), 256) != 0) {
    throw std::runtime_error("listen on " + address.to_string() + ": " + std::strerror(errno));
  }
  return fd;
}

Address local_address(const Fd& fd) {
  SocketAddress bound;
  ::getsockname(fd.get(), bound.get(), &bound.size);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (bound.family() == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(bound.bytes);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    return {text.data(), ntohs(v6.sin6_port)};
  }
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(bound.bytes);
  ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  return {text.data(), ntohs(v4.sin_port)};
}

Fd connect_to(const Address& address) {
  const SocketAddress where = to_sockaddr(address);
  Fd fd(::socket(where.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), where.get(), where.size) != 0) return {};
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

TlsServerContext::TlsServerContext(const TlsIdentity& identity) : context_(SSL_CTX_new(TLS_server_method())) {
  BIO* certificate_text =
      BIO_new_mem_buf(identity.certificate_pem.data(), static_cast<int>(identity.certificate_pem.size()));
  BIO* key_text = BIO_new_mem_buf(identity.key_pem.data(), static_cast<int>(identity.key_pem.size()));
  X509* certificate = PEM_read_bio_X509(certificate_text, nullptr, nullptr, nullptr);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(key_text, nullptr, nullptr, nullptr);
  const bool good = certificate != nullptr && key != nullptr &&
                    SSL_CTX_use_certificate(context_, certificate) == 1 &&
                    SSL_CTX_use_PrivateKey(context_, key) == 1;
  X509_free(certificate);
  EVP_PKEY_free(key);
  BIO_free(certificate_text);
  BIO_free(key_text);
  if (!good) {
    SSL_CTX_free(context_);
    throw std::runtime_error("unusable TLS identity");
  }
}

TlsServerContext::~TlsServerContext() {
  SSL_CTX_free(context_);
}

Stream::Stream(Fd fd) : fd_(std::move(fd)) {
  const int on = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Stream::~Stream() {
  SSL_free(ssl_);
}

bool Stream::accept_tls(const TlsServerContext& context) {
  ssl_ = SSL_new(context.get());
  return SSL_set_fd(ssl_, fd_.get()) == 1 && SSL_accept(ssl_) == 1;
}

std::size_t Stream::read_some(char* into, std::size_t size) {
  if (ssl_ != nullptr) {
    const int got = SSL_read(ssl_, into, static_cast<int>(size));
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  ssize_t got = 0;
  do got = ::recv(fd_.get(), into, size, 0);
  while (got < 0 && errno == EINTR);
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

bool Stream::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t sent = 0;
    if (ssl_ != nullptr) {
      sent = SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
    } else {
      sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
    }
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Stream::readable(int milliseconds) const {
  if (ssl_ != nullptr && SSL_pending(ssl_) > 0) return true;
  pollfd one{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&one, 1, milliseconds) > 0;
}

void Stream::finish() {
  if (ssl_ != nullptr) SSL_shutdown(ssl_);
  ::shutdown(fd_.get(), SHUT_WR);
  std::array<char, 65536> rest{};
  while (::recv(fd_.get(), rest.data(), rest.size(), 0) > 0) {
  }
}

void Stream::cut() {
  ::shutdown(fd_.get(), SHUT_RDWR);
}

void Stream::reset() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  // The descriptor itself stays ours until destruction (another thread may interrupt it); connecting it to
  // nothing sends the RST at once.
  sockaddr nowhere{};
  nowhere.sa_family = AF_UNSPEC;
  static_cast<void>(::connect(fd_.get(), &nowhere, sizeof nowhere));
}

void Stream::interrupt() {
  ::shutdown(fd_.get(), SHUT_RDWR);
}

}  // namespace davit::emulator
