#include "index_words.h"

#include <algorithm>

namespace davit::tool {
namespace {

constexpr std::string_view kPlatform = "platform=";
constexpr std::string_view kAnnotation = "annotation=";

Error usage(std::string message, std::string hint = {}) {
  return Error{.code = Errc::invalid_argument, .message = std::move(message), .hint = std::move(hint)};
}

/// Where the next ",platform=" or ",annotation=" begins.
std::size_t next_setting(const std::string& text, std::size_t from) {
  return std::min(text.find("," + std::string(kPlatform), from),
                  text.find("," + std::string(kAnnotation), from));
}

}  // namespace

Result<IndexPart> parse_part(const std::string& text) {
  IndexPart part;
  std::size_t end = std::min(next_setting(text, 0), text.size());
  part.source = text.substr(0, end);
  if (part.source.empty()) return usage("an image without a name in the list of sources");
  while (end < text.size()) {
    const std::size_t begin = end + 1;
    end = std::min(next_setting(text, begin), text.size());
    const std::string setting = text.substr(begin, end - begin);
    if (setting.starts_with(kPlatform)) {
      auto platform = Platform::parse(setting.substr(kPlatform.size()));
      if (!platform) return platform.error();
      part.platform = *std::move(platform);
      continue;
    }
    auto annotation = parse_annotations({setting.substr(kAnnotation.size())}, "annotation=");
    if (!annotation) return annotation.error();
    part.annotations.merge(*annotation);
  }
  return part;
}

Result<std::vector<IndexPart>> parse_parts(const std::vector<std::string>& texts) {
  std::vector<IndexPart> out;
  for (const std::string& text : texts) {
    auto part = parse_part(text);
    if (!part) return part.error();
    out.push_back(*std::move(part));
  }
  return out;
}

Result<std::map<std::string, std::string>> parse_annotations(const std::vector<std::string>& texts,
                                                             const std::string& what) {
  std::map<std::string, std::string> out;
  for (const std::string& text : texts) {
    const auto equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
      return usage(what + " wants KEY=VALUE", "as in org.opencontainers.image.version=1.4");
    out[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return out;
}

}  // namespace davit::tool
