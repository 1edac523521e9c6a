// An image opened for whoever wants to look at it.

#include <davit/client.h>

#include "base/context.h"
#include "base/error.h"
#include "base/try.h"
#include "client/client_impl.h"
#include "client/sources.h"
#include "content/described.h"

namespace davit {

Result<OpenedImage> Client::Impl::open(std::string_view source, const OpenOptions& how,
                                       const CallContext& context) {
  std::string written(source);
  DAVIT_TRY(const client::Source from, source_of(written, context));
  DAVIT_TRY(std::vector<client::Picked> found,
            client::open_source(from, written, {}, {.client = options, .as_listed = how.as_listed},
                                registries, context));
  client::Picked& picked = found.front();
  if (!how.platforms.empty())
    DAVIT_TRY_VOID(
        client::choose_platforms(picked, how.platforms, context,
                                 how.keep_index ? content::OnePlatform::index : content::OnePlatform::image));
  OpenedImage out{.source = std::move(picked.source),
                  .root = {},
                  .name = std::move(picked.label),
                  .reference = {},
                  .place = std::move(picked.place),
                  .names = std::move(picked.image.names),
                  .notes = std::move(picked.image.notes),
                  .listed = picked.image.listed};
  if (const auto* reference = std::get_if<Reference>(&from)) out.reference = *reference;
  if (const auto* root = std::get_if<Descriptor>(&picked.image.root)) {
    out.root = *root;
    return out;
  }
  const auto& raw = std::get<content::RawImage>(picked.image.root);
  DAVIT_TRY(content::DescribedImage image, content::described(raw, model::Format::docker, context));
  out.source = std::move(image.source);
  out.root = image.root;
  out.made = true;
  return out;
}

Result<OpenedImage> Client::open(std::string_view source, const OpenOptions& options) {
  return impl_->open(source, options, context_within(options.stop, options.timeout));
}

namespace {

/// A file is looked through whatever images it holds.
Result<OpenedBlob> blob_in_file(const std::vector<client::Picked>& images, const Digest& digest,
                                const CallContext& context) {
  for (const client::Picked& picked : images) {
    std::shared_ptr<ContentSource> source = picked.source;
    if (const auto* raw = std::get_if<content::RawImage>(&picked.image.root)) {
      DAVIT_TRY(content::DescribedImage image, content::described(*raw, model::Format::docker, context));
      source = std::move(image.source);
    }
    const auto size = source->blob_size(digest, context);
    if (size) return OpenedBlob{std::move(source), {.media_type = {}, .digest = digest, .size = *size}};
    if (size.error().code != Errc::not_found) return size.error();
  }
  return make_error(Errc::not_found, images.front().label + ": there is no blob " + digest.to_string())
      .on(Side::source);
}

}  // namespace

Result<OpenedBlob> Client::open_blob(std::string_view source, const Digest& digest,
                                     const OpenOptions& options) {
  const CallContext context = context_within(options.stop, options.timeout);
  std::string written(source);
  DAVIT_TRY(const client::Source from, impl_->source_of(written, context));
  if (const auto* reference = std::get_if<Reference>(&from)) {
    DAVIT_TRY(std::shared_ptr<ContentSource> repository,
              impl_->registries.repository(reference->host, reference->repository, Side::source));
    auto size = repository->blob_size(digest, context);
    if (!size) {
      Reference blob = *reference;  // whose tag does not matter
      blob.digest = digest;
      return client::with_reading(size.error().on(Side::source), written, blob);
    }
    return OpenedBlob{std::move(repository), {.media_type = {}, .digest = digest, .size = *size}};
  }
  const client::SourceSettings settings{.client = impl_->options, .all_images = true, .as_listed = true};
  DAVIT_TRY(const std::vector<client::Picked> images,
            client::open_source(from, written, {}, settings, impl_->registries, context));
  return blob_in_file(images, digest, context);
}

}  // namespace davit
