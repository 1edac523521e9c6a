#include "index_words.h"

#include <algorithm>

#include "annotations.h"
#include "usage.h"

namespace davit::tool {
namespace {

constexpr std::string_view kPlatform = "platform=";
constexpr std::string_view kAnnotation = "annotation=";

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

}  // namespace davit::tool
