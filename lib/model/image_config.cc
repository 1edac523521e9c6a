#include "model/image_config.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "base/try.h"
#include "model/json_fields.h"

namespace davit::model {

Result<ImageConfig> ImageConfig::parse(std::string_view bytes) {
  DAVIT_TRY(const nlohmann::json document, parse_json(bytes));
  return from(document);
}

Result<ImageConfig> ImageConfig::from(const nlohmann::json& document) {
  if (!document.is_object())
    return make_error(Errc::corrupt, "an image configuration that is not a JSON object");
  DAVIT_TRY_VOID(refuse_case_variants(document, {"os", "architecture", "variant", "rootfs"}));
  ImageConfig config;
  DAVIT_TRY(config.platform, platform_fields(document));
  const auto rootfs = document.find("rootfs");
  if (rootfs == document.end() || rootfs->is_null()) return config;
  if (!rootfs->is_object()) return make_error(Errc::corrupt, "rootfs that is not an object");
  DAVIT_TRY_VOID(refuse_case_variants(*rootfs, {"diff_ids"}));
  DAVIT_TRY(const auto texts, text_list_field(*rootfs, "diff_ids"));
  for (const std::string& text : texts) {
    DAVIT_TRY(config.diff_ids.emplace_back(), Digest::parse(text));
  }
  return config;
}

}  // namespace davit::model
