#include "mirror/survey.h"

#include "base/error.h"
#include "base/try.h"
#include "model/media_type.h"
#include "registry/name_list.h"

namespace davit::mirror {
namespace {

constexpr std::size_t kPage = 1'000;
constexpr std::size_t kMostTags = 200'000;
constexpr std::size_t kMostImages = 400'000;

Error too_many(registry::Repository& repository, std::string_view what) {
  return make_error(Errc::unsupported,
                    repository.purpose("list", std::string(what)).text + ": too many for one run",
                    "mirror this repository in parts, with exact tags");
}

/// Everything, from the registry's own interface.
Result<Survey> ask_interface(registry::Repository& repository, const CallContext& context) {
  Survey out{.listed = true, .complete = true};
  const auto take = [&](std::span<const registry::ListedImage> page) -> Result<> {
    for (const registry::ListedImage& image : page) {
      out.images.insert(image.digest);
      if (model::is_index(model::essence(image.media_type))) out.indexes.insert(image.digest);
      if (image.subject) out.referrers[*image.subject].push_back({image.digest, image.artifact_type});
      for (const std::string& tag : image.tags) out.tags[tag] = {image.digest, image.pushed};
    }
    return out.images.size() > kMostImages ? Result<>(too_many(repository, "images")) : Result<>();
  };
  DAVIT_TRY_VOID(repository.describe_images(take, context));
  return out;
}

Result<Survey> list_tags(registry::Repository& repository, const CallContext& context) {
  Survey out{.listed = true};
  const auto take = [&](const std::vector<std::string>& page) -> Result<bool> {
    for (const std::string& tag : page) out.tags.try_emplace(tag);
    if (out.tags.size() > kMostTags) return too_many(repository, "tags");
    return true;
  };
  DAVIT_TRY_VOID(repository.read_tags(kPage, take, context));
  return out;
}

}  // namespace

Result<Survey> survey(registry::Repository& repository, Look look, const CallContext& context) {
  const Survey nothing{.listed = true, .missing = true};
  auto told = ask_interface(repository, context);
  if (!told && told.error().code == Errc::not_found) return nothing;
  if (told || !registry::was_not_asked(told.error())) return told;
  if (look == Look::if_cheap) return Survey();
  auto listed = list_tags(repository, context);
  if (!listed && listed.error().code == Errc::not_found) return nothing;
  return listed;
}

Result<std::optional<Found>> find(const std::string& name, const Survey& survey,
                                  registry::Repository& repository, const CallContext& context) {
  const auto told = [&](const Digest& digest) {
    return std::optional(Found{.digest = digest, .index = survey.indexes.contains(digest)});
  };
  const auto digest = Digest::parse(name);
  const auto row = survey.tags.find(name);
  if (row != survey.tags.end() && row->second.digest) return told(*row->second.digest);
  if (digest && survey.complete && survey.images.contains(*digest)) return told(*digest);
  if (digest ? survey.complete || survey.missing : survey.listed && row == survey.tags.end())
    return std::optional<Found>();
  const auto answer = repository.resolve(name, context);
  if (answer)
    return std::optional(
        Found{.digest = answer->digest, .index = model::is_index(model::essence(answer->media_type))});
  if (answer.error().code == Errc::not_found) return std::optional<Found>();
  return answer.error();
}

}  // namespace davit::mirror
