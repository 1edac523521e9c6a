#include "model/digest_tags.h"

namespace davit::model {
namespace {

constexpr std::size_t kLongestTag = 128;

}  // namespace

std::string_view tag_in(std::string_view name) {
  return name.substr(name.rfind(':') + 1);
}

std::optional<DigestTag> digest_tag(std::string_view tag) {
  const auto dash = tag.find('-');
  if (dash == std::string_view::npos) return {};
  const auto dot = tag.find('.');
  const std::string_view hex = tag.substr(dash + 1, dot == std::string_view::npos ? dot : dot - dash - 1);
  const auto subject = Digest::parse(std::string(tag.substr(0, dash)) + ":" + std::string(hex));
  if (!subject) return {};
  return DigestTag{.subject = *subject,
                   .ending = dot == std::string_view::npos ? std::string() : std::string(tag.substr(dot))};
}

bool names_referrers(std::string_view tag) {
  if (const auto own = digest_tag(tag)) return own->ending.empty();
  constexpr std::string_view kCut = "sha512-";
  return tag.size() == kLongestTag && tag.starts_with(kCut) &&
         tag.find_first_not_of("0123456789abcdef", kCut.size()) == std::string_view::npos;
}

std::string stem_of(const Digest& subject) {
  return std::string(subject.algorithm_name()) + "-" + subject.hex();
}

std::string referrers_tag(const Digest& subject) {
  return stem_of(subject).substr(0, kLongestTag);
}

}  // namespace davit::model
