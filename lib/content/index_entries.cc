#include "content/index_entries.h"

#include <nlohmann/json.hpp>

#include "base/escape.h"

namespace davit::content {

bool is_attestation(const Descriptor& entry) {
  if (entry.annotations.contains("vnd.docker.reference.type")) return true;
  return entry.platform && entry.platform->os == "unknown" && entry.platform->architecture == "unknown";
}

std::string attested_image(const Descriptor& entry) {
  const auto about = entry.annotations.find("vnd.docker.reference.digest");
  return about == entry.annotations.end() ? std::string() : about->second;
}

std::string name_platform(const Descriptor& entry) {
  if (is_attestation(entry)) return "an attestation";
  return entry.platform ? escaped(entry.platform->to_string(), 80) : entry.digest.short_form();
}

Result<Manifest> rewritten_index(const Manifest& frame, std::span<const IndexEntry> entries) {
  // The documents have passed Manifest::parse, so nothing in here can throw.
  auto document = nlohmann::ordered_json::parse(frame.bytes());
  nlohmann::ordered_json kept = nlohmann::ordered_json::array();
  const Manifest* parsed = nullptr;
  nlohmann::ordered_json from;
  for (const IndexEntry& entry : entries) {
    if (entry.index != parsed) from = nlohmann::ordered_json::parse(entry.index->bytes());
    parsed = entry.index;
    kept.push_back(from["manifests"][entry.position]);
  }
  document["manifests"] = std::move(kept);
  return Manifest::parse(document.dump(), frame.descriptor().media_type,
                         frame.descriptor().digest.algorithm());
}

}  // namespace davit::content
