#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <davit/digest.h>

namespace davit::model {

/// A tag that says by its name which image it belongs to: "sha256-HEX.sig" as cosign writes it, "sha256-HEX"
/// for the list of referrers of a registry without an API for them.
struct DigestTag {
  Digest subject;
  std::string ending;  ///< ".sig"; empty for a list of referrers
};

/// The tag in a name of an image as archives and layouts have it: "app:1.4", or "1.4" alone.
std::string_view tag_in(std::string_view name);

/// Nothing for any other tag.
std::optional<DigestTag> digest_tag(std::string_view tag);

/// Whether a tag is the name of a list of referrers, as referrers_tag() gives it.
bool names_referrers(std::string_view tag);

/// "sha256-HEX", what the digest tags of an image begin with.
std::string stem_of(const Digest& subject);

/// The tag of the list of what refers to an image, where a registry has no other list: the stem, cut as the
/// distribution specification cuts it.
std::string referrers_tag(const Digest& subject);

}  // namespace davit::model
