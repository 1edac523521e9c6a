#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/url.h"

using davit::net::Url;

/// Two lines: a URL, and a reference met in an answer from there.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = input.find('\n');
  const auto url = Url::parse(input.substr(0, end));
  if (!url) return 0;
  // What is sent means the same host again, and nothing else can come out of it.
  const auto again = Url::parse(url->text());
  if (!again || again->text() != url->text() || !again->same_origin(*url)) std::abort();
  if (url->redacted().find('\n') != std::string::npos) std::abort();
  if (end == std::string_view::npos) return 0;
  const auto target = url->resolve(input.substr(end + 1));
  if (target && target->scheme() != "http" && target->scheme() != "https") std::abort();
  if (target && !Url::parse(target->text())) std::abort();
  return 0;
}
