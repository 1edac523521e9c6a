#include <davit/mirror.h>
#include <davit/reference.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "base/try.h"
#include "crypto/base64.h"
#include "model/json_fields.h"

namespace davit {

std::string to_json_line(const PruneRecord& record) {
  // In this order, which is that of reading.
  const nlohmann::ordered_json line = {{"repository", record.repository},
                                       {"tag", record.tag},
                                       {"digest", record.digest.to_string()},
                                       {"mediaType", record.media_type},
                                       {"manifest", crypto::base64_encode(record.manifest)}};
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Result<PruneRecord> parse_prune_record(std::string_view line) {
  DAVIT_TRY(const nlohmann::json parsed, parse_json(line, {.bytes = 16u << 20}));
  if (!parsed.is_object()) return make_error(Errc::corrupt, "a record is an object");
  PruneRecord out;
  DAVIT_TRY(out.repository, model::text_field(parsed, "repository"));
  DAVIT_TRY(out.tag, model::text_field(parsed, "tag"));
  if (out.repository.empty() || !Reference::is_tag(out.tag))
    return make_error(Errc::corrupt, "a record names a repository and a tag");
  DAVIT_TRY(out.media_type, model::text_field(parsed, "mediaType"));
  DAVIT_TRY(const std::string digest, model::text_field(parsed, "digest"));
  DAVIT_TRY(out.digest, Digest::parse(digest));
  DAVIT_TRY(const std::string manifest, model::text_field(parsed, "manifest"));
  const auto bytes = crypto::base64_decode(manifest);
  if (!bytes) return make_error(Errc::corrupt, "the manifest of a record is base64");
  out.manifest = *bytes;
  if (Digest::of(out.manifest, out.digest.algorithm()) != out.digest)
    return make_error(Errc::corrupt, "the manifest of " + out.digest.to_string() + " has other bytes");
  return out;
}

}  // namespace davit
