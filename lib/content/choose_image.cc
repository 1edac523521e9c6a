#include "content/choose_image.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <vector>

#include <davit/reference.h>

#include "base/error.h"
#include "base/escape.h"
#include "model/digest_tags.h"

namespace davit::content {
namespace {

std::string choices(std::span<const ImageListing> images) {
  constexpr std::size_t kShown = 20;
  std::string out;
  for (std::size_t i = 0; i < std::min(images.size(), kShown); ++i) {
    if (i != 0) out += ", ";
    out += "@" + std::to_string(i);
    for (const std::string& name : images[i].names) out += " " + escaped(name, 120);
    if (images[i].names.empty() && !images[i].root.empty()) out += " " + images[i].root.short_form();
  }
  if (images.size() > kShown) out += ", and " + std::to_string(images.size() - kShown) + " more";
  return out;
}

/// Whether all names of an image say that it belongs to another one, as those of signatures do. Referrers
/// have no name: an image brings them along.
bool belongs_to_another(const ImageListing& image) {
  if (image.names.empty()) return image.artifact;
  return std::ranges::all_of(image.names, [](const std::string& name) {
    return model::digest_tag(model::tag_in(name)).has_value();
  });
}

/// A name as a registry would read it, with "latest" where no tag was written.
std::optional<Reference> in_full(std::string_view name) {
  auto reference = Reference::parse(name);
  if (!reference) return std::nullopt;
  if (reference->tag.empty() && !reference->digest) reference->tag = "latest";
  return *std::move(reference);
}

std::optional<std::size_t> position(std::string_view wanted) {
  if (!wanted.starts_with('@')) return std::nullopt;
  std::size_t value = 0;
  const char* end = wanted.data() + wanted.size();
  const auto [stop, code] = std::from_chars(wanted.data() + 1, end, value);
  return code == std::errc() && stop == end ? std::optional(value) : std::nullopt;
}

}  // namespace

Result<std::size_t> choose_image(std::span<const ImageListing> images, std::string_view wanted) {
  const std::string shown = "\"" + escaped(wanted, 160) + "\"";
  if (images.empty()) return make_error(Errc::not_found, "there is no image inside");
  if (wanted.empty()) {
    if (images.size() == 1) return std::size_t{0};
    if (std::ranges::count_if(images, std::not_fn(belongs_to_another)) == 1)
      return static_cast<std::size_t>(std::ranges::find_if_not(images, belongs_to_another) - images.begin());
    return make_error(Errc::invalid_argument,
                      "there are " + std::to_string(images.size()) + " images inside: " + choices(images),
                      "name one of them");
  }
  if (const auto index = position(wanted)) {
    if (*index < images.size()) return *index;
    return make_error(Errc::not_found, "no image at " + shown + "; there are " + choices(images));
  }

  const auto full = in_full(wanted);
  const auto digest = Digest::parse(wanted.starts_with('@') ? wanted.substr(1) : wanted);
  const std::vector<std::function<bool(const ImageListing&)>> stages = {
      [&](const ImageListing& image) { return std::ranges::find(image.names, wanted) != image.names.end(); },
      [&](const ImageListing& image) {
        return full && std::ranges::any_of(image.names, [&](const std::string& name) {
                 return name.find_first_of("/:") != std::string::npos && in_full(name) == full;
               });
      },
      [&](const ImageListing& image) {
        return Reference::is_tag(wanted) && std::ranges::any_of(image.names, [&](const std::string& name) {
                 const auto reference =
                     name.find_first_of("/:") != std::string::npos ? in_full(name) : std::nullopt;
                 return reference && reference->tag == wanted;
               });
      },
      [&](const ImageListing& image) { return digest && image.root == *digest; },
  };
  for (const auto& matches : stages) {
    const auto count = std::ranges::count_if(images, matches);
    if (count > 1) {
      return make_error(Errc::invalid_argument, shown + " could be several of " + choices(images),
                        "choose by position or digest");
    }
    if (count == 1) return static_cast<std::size_t>(std::ranges::find_if(images, matches) - images.begin());
  }
  return make_error(Errc::not_found, "no image " + shown + "; there are " + choices(images));
}

}  // namespace davit::content
