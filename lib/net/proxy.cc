#include "net/proxy.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/ascii.h"
#include "net/address.h"

namespace davit::net {
namespace {

struct Bits {
  std::array<std::uint8_t, 16> bytes{};
  std::size_t count = 0;  // of bits: 32 or 128
};

std::optional<Bits> address_bits(const std::string& text) {
  Bits bits;
  if (::inet_pton(AF_INET, text.c_str(), bits.bytes.data()) == 1) return bits.count = 32, bits;
  if (::inet_pton(AF_INET6, text.c_str(), bits.bytes.data()) == 1) return bits.count = 128, bits;
  return {};
}

/// "10.0.0.0/8" against an address.
bool in_block(const Bits& address, std::string_view block) {
  const std::size_t slash = block.find('/');
  const auto network = address_bits(std::string(block.substr(0, slash)));
  if (!network || network->count != address.count) return false;
  std::size_t length = network->count;
  if (slash != std::string_view::npos) {
    const std::string_view digits = block.substr(slash + 1);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size() || length > network->count)
      return false;
  }
  for (std::size_t bit = 0; bit < length; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80u >> bit % 8);
    if ((address.bytes[bit / 8] & mask) != (network->bytes[bit / 8] & mask)) return false;
  }
  return true;
}

/// One element of NO_PROXY.
bool excluded(const Url& url, std::string_view element) {
  if (element == "*") return true;
  std::string name = lower_case(element);
  if (name == url.host_port()) return true;
  const auto address = address_bits(url.host());
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  if (address) return in_block(*address, name);
  if (name.starts_with("*.")) name.erase(0, 1);
  const std::size_t colon = name.find(':');
  if (colon != std::string::npos) {
    if (name.substr(colon + 1) != std::to_string(url.port())) return false;
    name.resize(colon);
  }
  if (name.starts_with('.')) return url.host().ends_with(name) || url.host() == name.substr(1);
  return url.host() == name || url.host().ends_with("." + name);
}

}  // namespace

std::string proxy_for(const Url& url, const ProxyOptions& options) {
  const std::string& chosen = url.secure() ? options.https : options.http;
  const std::string& proxy = chosen.empty() ? options.all : chosen;
  if (proxy.empty()) return {};
  if (url.host() == "localhost" || is_loopback(url.host()) || is_link_local(url.host())) return {};
  constexpr std::string_view kSeparators = ", \t";
  for (std::string_view rest = options.none; !rest.empty();) {
    const std::size_t begin = rest.find_first_not_of(kSeparators);
    if (begin == std::string_view::npos) break;
    rest.remove_prefix(begin);
    const std::string_view element = rest.substr(0, rest.find_first_of(kSeparators));
    rest.remove_prefix(element.size());
    if (excluded(url, element)) return {};
  }
  return proxy;
}

}  // namespace davit::net
