#include "content/read_config.h"

#include "base/error.h"
#include "base/try.h"
#include "io/read_all.h"
#include "io/verified.h"
#include "model/image_config.h"
#include "model/media_type.h"

namespace davit::content {

Result<std::string> read_config(ContentSource& source, const Descriptor& config, const CallContext& context) {
  constexpr std::size_t kMost = 8u << 20;
  if (config.size > kMost)
    return make_error(Errc::corrupt, "config " + config.digest.short_form() + " has more than 8 MiB");
  DAVIT_TRY(auto opened, source.open(config, 0, context));
  const auto checked = io::verified(std::move(opened), config);
  return io::read_all(*checked, kMost);
}

Result<std::optional<Platform>> configured_platform(ContentSource& source, const Manifest& image,
                                                    const CallContext& context) {
  const std::optional<Descriptor>& config = image.config();
  if (!config || !model::is_image_config(model::essence(config->media_type)))
    return std::optional<Platform>();
  DAVIT_TRY(const std::string bytes, read_config(source, *config, context));
  DAVIT_TRY(const model::ImageConfig parsed, model::ImageConfig::parse(bytes));
  return std::optional(parsed.platform);
}

}  // namespace davit::content
