#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <davit/digest.h>
#include <davit/platform.h>

namespace davit {

/// What a piece of content is, without the content (OCI image specification, "Content Descriptors"). Sizes in
/// bytes. Plain data. A descriptor read from a document is a claim until the bytes have been hashed.
struct Descriptor {
  std::string media_type;
  Digest digest;
  std::uint64_t size = 0;
  std::vector<std::string> urls;
  std::map<std::string, std::string> annotations;
  std::optional<Platform> platform;
  std::string artifact_type;

  friend bool operator==(const Descriptor&, const Descriptor&) = default;
};

}  // namespace davit
