#include "index_words.h"

#include <algorithm>

#include <unistd.h>

#include "annotations.h"
#include "ui/terminal_text.h"
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

/// Something that looks like a setting, "KEY=" behind a comma, and is none. Errors: invalid_argument.
Result<> refuse_unknown_key(const std::string& text) {
  for (auto comma = text.find(','); comma != std::string::npos; comma = text.find(',', comma + 1)) {
    const auto equals = text.find('=', comma);
    const std::string key = text.substr(comma + 1, equals == std::string::npos ? 0 : equals - comma - 1);
    const bool word = !key.empty() && std::ranges::all_of(key, [](char c) { return c >= 'a' && c <= 'z'; });
    if (!word) continue;
    const std::string right = key.front() == 'a' ? "annotation=KEY=VALUE" : "platform=OS/ARCH[/VARIANT]";
    return usage("\"" + printable(key, 40) + "=\" is nothing that can be said about an image in an index",
                 "write SRC," + right + "; platform= and annotation= are what there is");
  }
  return {};
}

}  // namespace

Result<IndexPart> parse_part(const std::string& text) {
  IndexPart part;
  std::size_t end = std::min(next_setting(text, 0), text.size());
  part.source = text.substr(0, end);
  if (part.source.empty()) return usage("an image without a name in the list of sources");
  if (::access(part.source.c_str(), F_OK) != 0) {
    if (auto known = refuse_unknown_key(part.source); !known) return known.error();
  }
  while (end < text.size()) {
    const std::size_t begin = end + 1;
    end = std::min(next_setting(text, begin), text.size());
    const std::string setting = text.substr(begin, end - begin);
    if (setting.starts_with(kPlatform)) {
      if (auto known = refuse_unknown_key(setting); !known) return known.error();
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
