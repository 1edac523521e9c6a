#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>

namespace davit::net {
namespace {

enum class Kind { ordinary, loopback, link_local, unusable };

using V6 = std::array<std::uint8_t, 16>;

Kind kind_of(std::uint32_t v4) {
  const std::uint32_t first = v4 >> 24;
  if (first == 127) return Kind::loopback;
  if (v4 >> 16 == 0xa9fe) return Kind::link_local;  // 169.254/16, home of most metadata services
  if (v4 == 0x646464c8 || v4 == 0xc00000c0)
    return Kind::link_local;                              // 100.100.100.200, 192.0.0.192: two more of them
  if (first == 0 || first >= 224) return Kind::unusable;  // unspecified, multicast, reserved, broadcast
  return Kind::ordinary;
}

std::uint32_t v4_at(const V6& bytes, std::size_t offset) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | bytes[offset + i];
  return value;
}

template <std::size_t N>
bool begins(const V6& bytes, const std::array<std::uint8_t, N>& prefix) {
  return std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

Kind kind_of(const V6& bytes) {
  constexpr std::array<std::uint8_t, 12> kNothing{};
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  constexpr std::array<std::uint8_t, 12> kNat64{0, 0x64, 0xff, 0x9b};
  constexpr std::array<std::uint8_t, 2> kSixToFour{0x20, 0x02};
  constexpr V6 kMetadata{0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54};
  constexpr V6 kCredentials{0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x23};
  if (begins(bytes, kNothing)) {
    if (v4_at(bytes, 12) == 1) return Kind::loopback;
    return kind_of(v4_at(bytes, 12));  // "::" itself, or the old IPv4-compatible form
  }
  if (begins(bytes, kMapped) || begins(bytes, kNat64)) return kind_of(v4_at(bytes, 12));
  if (begins(bytes, kSixToFour)) return kind_of(v4_at(bytes, 2));
  if (bytes == kMetadata || bytes == kCredentials) return Kind::link_local;
  if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) return Kind::link_local;
  if (bytes[0] == 0xff) return Kind::unusable;
  return Kind::ordinary;
}

std::optional<Kind> kind_of(const std::string& text) {
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return kind_of(ntohl(v4.s_addr));
  V6 v6{};
  if (::inet_pton(AF_INET6, text.c_str(), v6.data()) == 1) return kind_of(v6);
  return {};
}

std::optional<Kind> kind_of(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    return kind_of(ntohl(v4.sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    V6 bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return kind_of(bytes);
  }
  return {};
}

}  // namespace

bool is_refused(Peers peers, const sockaddr& address) {
  const auto kind = kind_of(address);
  if (!kind) return true;
  if (peers == Peers::any || *kind == Kind::ordinary) return false;
  return !(peers == Peers::remote_or_loopback && *kind == Kind::loopback);
}

bool is_loopback(const std::string& address) {
  return kind_of(address) == Kind::loopback;
}

bool is_link_local(const std::string& address) {
  return kind_of(address) == Kind::link_local;
}

}  // namespace davit::net
