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

sockaddr_in to_sockaddr(const Address& address) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(address.port);
  if (inet_pton(AF_INET, address.host.c_str(), &out.sin_addr) != 1) {
    throw std::runtime_error("not an IPv4 address: " + address.host);
  }
  if (!address.anywhere && (ntohl(out.sin_addr.s_addr) >> 24) != 127) {
    throw std::runtime_error("not on loopback: " + address.host);
  }
  return out;
}

}  // namespace

Address Address::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  Address out;
  if (colon == std::string_view::npos) throw std::runtime_error("no port in " + std::string(text));
  out.host = text.substr(0, colon);
  const auto digits = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
  if (error != std::errc{} || end != digits.data() + digits.size()) {
    throw std::runtime_error("bad port in " + std::string(text));
  }
  return out;
}

bool is_ipv4(const std::string& text) {
  in_addr address{};
  return inet_pton(AF_INET, text.c_str(), &address) == 1;
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
  const sockaddr_in where = to_sockaddr(address);
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0 ||
      ::listen(fd.get(), 256) != 0) {
    throw std::runtime_error("listen on " + address.to_string() + ": " + std::strerror(errno));
  }
  return fd;
}

Address local_address(const Fd& fd) {
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, &bound.sin_addr, text.data(), text.size());
  return {text.data(), ntohs(bound.sin_port)};
}

Fd connect_to(const Address& address) {
  const sockaddr_in where = to_sockaddr(address);
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) return {};
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
