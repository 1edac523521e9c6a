// What a registry has: repositories, and the tags of one.
#include <davit/client.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <variant>

#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "base/worker_pool.h"
#include "client/argument.h"
#include "client/client_impl.h"
#include "client/ecr_reference.h"
#include "client/registry_argument.h"
#include "client/sources.h"
#include "content/choose_image.h"
#include "model/tag_choice.h"
#include "registry/name_list.h"

namespace davit {
namespace {

constexpr std::size_t kPage = 1'000;
constexpr std::size_t kMostKept = 100'000;

/// A word without a slash that names a registry: "localhost", "localhost:5000", "registry.example.com",
/// "[::1]:5000".
bool is_registry(std::string_view word) {
  if (word.starts_with('[')) return true;
  const std::string_view name = word.substr(0, word.find(':'));
  const bool bare = name.size() == word.size();
  return (name == "localhost" || name.find('.') != std::string_view::npos) &&
         (bare || is_number(word.substr(name.size() + 1)));
}

/// Reads the manifest under a name for what it tells.
Result<> describe(ListedTag& row, ContentSource& source, const std::string& name,
                  const CallContext& context) {
  const auto manifest = source.manifest(name, context);
  if (!manifest) {
    // Gone since the list was made, or of a kind that is listed by its name alone.
    const Errc code = manifest.error().code;
    return code == Errc::not_found || code == Errc::unsupported ? Result<>() : Result<>(manifest.error());
  }
  row.digest = manifest->descriptor().digest;
  row.media_type = manifest->descriptor().media_type;
  row.artifact_type = manifest->artifact_type();
  if (!manifest->is_index()) {
    row.size = 0;
    for (const Descriptor& child : manifest->children()) *row.size += child.size;
  }
  for (const Descriptor& child : manifest->manifests()) {
    if (child.platform && child.platform->architecture != "unknown") row.platforms.push_back(*child.platform);
  }
  return {};
}

/// Takes pages of tags as they come, leaves out what is not meant, and hands the rest on: at once, or, where
/// the newest are wanted, those at the end.
class Sieve {
 public:
  Sieve(model::NameFilter filter, std::optional<std::size_t> latest, const TagPage& each_page)
      : filter_(std::move(filter)), latest_(latest), each_page_(each_page) {}

  /// `complete` adds what the rows lack, where that is wanted.
  template <class Complete>
  Result<> take(std::vector<ListedTag> page, const Complete& complete) {
    // A registry may say anything.
    std::erase_if(
        page, [&](const ListedTag& row) { return !Reference::is_tag(row.name) || !filter_.takes(row.name); });
    if (latest_) {
      std::ranges::move(page, std::back_inserter(kept_));
      if (kept_.size() > *latest_ + kMostKept) prune();
      return {};
    }
    if (page.empty()) return {};
    DAVIT_TRY_VOID(complete(page));
    handed_on_ = true;
    return each_page_(page);
  }

  template <class Complete>
  Result<> finish(const Complete& complete) {
    if (!latest_) return {};
    prune();
    if (kept_.empty()) return {};
    DAVIT_TRY_VOID(complete(kept_));
    return each_page_(kept_);
  }

  [[nodiscard]] bool handed_on() const { return handed_on_; }
  void forget() { kept_.clear(); }

 private:
  void prune() {
    std::ranges::sort(kept_, model::is_older, &ListedTag::name);
    const auto same = [](const ListedTag& a, const ListedTag& b) { return a.name == b.name; };
    kept_.erase(std::unique(kept_.begin(), kept_.end(), same), kept_.end());
    if (kept_.size() > *latest_)
      kept_.erase(kept_.begin(), kept_.end() - static_cast<std::ptrdiff_t>(*latest_));
  }

  const model::NameFilter filter_;
  const std::optional<std::size_t> latest_;
  const TagPage& each_page_;
  std::vector<ListedTag> kept_;
  bool handed_on_ = false;
};

/// Without settings that speak of versions, which repositories and names in files have none of.
Result<model::NameFilter> plain_filter(const TagChoice& choice, std::string_view among) {
  if (!choice.semver.empty() || choice.latest)
    return make_error(Errc::invalid_argument, "--semver and --latest choose among the tags of a repository",
                      "--include and --exclude choose among " + std::string(among));
  return model::NameFilter::make(choice);
}

/// The words for an archive or a layout. Nothing for those that mean a registry, or nothing at all.
std::optional<client::FileLocation> as_file(std::string_view text) {
  if (client::is_ecr_reference(text)) return std::nullopt;
  const auto source = client::parse_source(text);
  const auto* file = source ? std::get_if<client::FileLocation>(&*source) : nullptr;
  return file != nullptr ? std::optional(*file) : std::nullopt;
}

Result<> list_names(const client::FileLocation& file, std::string_view written, const ClientOptions& client,
                    const ListOptions& options, const TagPage& each_page, const CallContext& context) {
  if (!file.name.empty() || file.position)
    return client::bad_argument(written, "one image, and its file was to be listed", "leave out its name");
  DAVIT_TRY(const model::NameFilter filter, plain_filter(options.choice, "names in a file"));
  DAVIT_TRY(const client::FileListing listing, client::list_file(file, client, context));
  std::vector<ListedTag> rows;
  for (std::size_t i = 0; i < listing.images.size(); ++i) {
    const content::ImageListing& image = listing.images[i];
    std::vector<std::string> names = image.names;
    if (names.empty()) names = {image.root.empty() ? "@" + std::to_string(i) : image.root.to_string()};
    for (std::string& name : names) {
      if (!filter.takes(name)) continue;
      ListedTag row{.name = std::move(name)};
      if (!image.root.empty()) row.digest = image.root;
      if (options.details && row.digest)
        DAVIT_TRY_VOID(describe(row, *listing.source, image.root.to_string(), context));
      rows.push_back(std::move(row));
    }
  }
  return rows.empty() ? Result<>() : each_page(rows);
}

}  // namespace

Result<ListPlace> Client::place(std::string_view text, std::stop_token stop) {
  const CallContext context{.stop = std::move(stop)};
  using Kind = ListPlace::Kind;
  if (client::is_ecr_reference(text)) {
    const bool registry = text == "ecr:" || text.ends_with('/');
    DAVIT_TRY(const std::string written,
              impl_->registries.expanded(std::string(text) + (registry ? "any" : ""), Side::source, context));
    DAVIT_TRY(const Reference reference, Reference::parse(written));
    if (registry) return ListPlace{.kind = Kind::registry, .name = reference.host};
    const bool image = !reference.tag.empty() || reference.digest;
    return ListPlace{.kind = image ? Kind::image : Kind::repository,
                     .name = image ? reference.to_string() : reference.name()};
  }
  constexpr std::string_view kScheme = "docker://";
  const bool scheme = text.starts_with(kScheme);
  const std::string_view bare = scheme ? text.substr(kScheme.size()) : text;
  const std::string_view word = bare.ends_with('/') ? bare.substr(0, bare.size() - 1) : bare;
  const bool is_word = !word.empty() && word.find_first_of("/@") == std::string_view::npos;
  const bool file =
      !scheme && (client::names_path(text) || (bare == word && client::is_there(std::string(text))));
  if (is_word && !file &&
      (bare != word || is_registry(word) || impl_->options.registries.contains(std::string(word)))) {
    DAVIT_TRY(std::string host, Reference::parse_registry(word));
    return ListPlace{.kind = Kind::registry, .name = std::move(host)};
  }
  DAVIT_TRY(const client::Source source, client::parse_source(text));
  const auto* reference = std::get_if<Reference>(&source);
  if (reference != nullptr && reference->tag.empty() && !reference->digest)
    return ListPlace{.kind = Kind::repository, .name = reference->name()};
  if (const auto* location = std::get_if<client::FileLocation>(&source);
      location != nullptr && location->name.empty() && !location->position && location->path != "-") {
    // What cannot be read is said by whoever opens it.
    if (const auto listing = client::list_file(*location, impl_->options, context)) {
      const bool several = listing->images.size() > 1 && !content::choose_image(listing->images, "");
      return ListPlace{.kind = several ? Kind::file : Kind::image,
                       .name = std::string(listing->scheme) + location->path};
    }
  }
  return ListPlace{.kind = Kind::image, .name = std::string(text)};
}

Result<> Client::list_tags(std::string_view repository, const ListOptions& options,
                           const TagPage& each_page) {
  const CallContext context = context_within(options.stop, options.timeout);
  if (const auto file = as_file(repository))
    return list_names(*file, repository, impl_->options, options, each_page, context);
  DAVIT_TRY(model::NameFilter filter, model::NameFilter::make(options.choice));
  DAVIT_TRY(const Reference named,
            client::registry_argument(repository, impl_->registries, Side::source, context));
  if (!named.tag.empty() || named.digest)
    return make_error(Errc::invalid_argument, named.to_string() + " is one image, and no repository",
                      "write " + named.name());
  DAVIT_TRY(const std::shared_ptr<registry::Repository> from,
            impl_->registries.repository(named.host, named.repository, Side::source));
  Sieve sieve(std::move(filter), options.choice.latest, each_page);
  const auto nothing = [](std::vector<ListedTag>&) { return Result<>(); };
  if (options.details) {
    const TagPage take = [&](std::span<const ListedTag> page) {
      return sieve.take({page.begin(), page.end()}, nothing);
    };
    auto described = from->describe_tags(take, context);
    if (described) return sieve.finish(nothing);
    if (sieve.handed_on() || !registry::was_not_asked(described.error())) return described;
    sieve.forget();
  }
  WorkerPool side_by_side(impl_->options.jobs);
  const auto complete = [&](std::vector<ListedTag>& rows) -> Result<> {
    if (!options.details) return {};
    std::vector<Result<>> done(rows.size());
    for_each_index(side_by_side, rows.size(),
                   [&](std::size_t i) { done[i] = describe(rows[i], *from, rows[i].name, context); });
    for (const Result<>& each : done) DAVIT_TRY_VOID(each);
    return {};
  };
  const registry::NamePage take = [&](std::vector<std::string> names) -> Result<bool> {
    std::vector<ListedTag> rows;
    rows.reserve(names.size());
    for (std::string& name : names) rows.push_back({.name = std::move(name)});
    DAVIT_TRY_VOID(sieve.take(std::move(rows), complete));
    return true;
  };
  DAVIT_TRY_VOID(from->read_tags(kPage, take, context));
  return sieve.finish(complete);
}

Result<> Client::list_repositories(std::string_view registry, const ListOptions& options,
                                   const RepositoryPage& each_page) {
  const CallContext context = context_within(options.stop, options.timeout);
  DAVIT_TRY(const model::NameFilter filter, plain_filter(options.choice, "repositories"));
  DAVIT_TRY(const std::string host, Reference::parse_registry(registry));
  DAVIT_TRY(registry::Registry * from, impl_->registries.registry(host, Side::source));
  bool handed_on = false;
  const auto hand_on = [&](std::vector<ListedRepository> rows) -> Result<> {
    std::erase_if(rows, [&](const ListedRepository& row) {
      return !Reference::is_repository(row.name) || !filter.takes(row.name);
    });
    if (rows.empty()) return {};
    handed_on = true;
    return each_page(rows);
  };
  if (registry::Native* native = from->native(); native != nullptr) {
    // With credentials that were given for the registry, behind the other interface we would be somebody
    // else.
    auth::Authorizer* authorizer = from->wire().authorizer();
    DAVIT_TRY(const bool chosen,
              authorizer == nullptr ? Result<bool>(false) : authorizer->has_chosen_login("", context));
    if (!chosen) {
      const RepositoryPage take = [&](std::span<const ListedRepository> page) {
        return hand_on({page.begin(), page.end()});
      };
      auto listed = native->repositories(take, context);
      if (listed || handed_on || !registry::was_not_asked(listed.error())) return listed;
    }
  }
  return registry::read_catalog(
      *from,
      [&](std::vector<std::string> names) -> Result<bool> {
        std::vector<ListedRepository> rows;
        rows.reserve(names.size());
        for (std::string& name : names) rows.push_back({.name = std::move(name)});
        DAVIT_TRY_VOID(hand_on(std::move(rows)));
        return true;
      },
      context);
}

}  // namespace davit
