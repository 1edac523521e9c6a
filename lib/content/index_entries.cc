#include "content/index_entries.h"

#include <nlohmann/json.hpp>

#include "base/escape.h"
#include "model/json_rewrite.h"

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
  document["manifests"] = nlohmann::ordered_json::array();
  std::vector<std::string> kept;
  const Manifest* cut = nullptr;
  std::vector<std::string_view> from;
  for (const IndexEntry& entry : entries) {
    if (entry.index != cut) from = model::json_elements(entry.index->bytes(), "manifests");
    cut = entry.index;
    kept.emplace_back(from[entry.position]);
  }
  return Manifest::parse(
      model::with_elements(model::rewritten_json(frame.bytes(), document), "manifests", kept),
      frame.descriptor().media_type, frame.descriptor().digest.algorithm());
}

}  // namespace davit::content
