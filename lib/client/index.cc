// Indexes: what they are made of is gathered from anywhere, and then they travel like any image.

#include <algorithm>

#include <unistd.h>

#include <davit/client.h>

#include "base/clock.h"
#include "base/context.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "base/worker_pool.h"
#include "client/client_impl.h"
#include "client/sources.h"
#include "compose/index.h"
#include "content/described.h"
#include "content/index_entries.h"
#include "content/read_config.h"
#include "model/image_config.h"
#include "model/json_rewrite.h"

namespace davit {
namespace {

using client::Picked;
using client::SinkUse;
using client::Verb;
using compose::Candidate;

constexpr std::size_t kMostEntries = 10'000;
constexpr std::size_t kMostIndexes = 100;
constexpr std::size_t kDepth = 8;

/// An index that is going to be, and everything below it.
struct Assembled {
  OpenedImage image;
  IndexWork work;
  std::string_view doing = {};  ///< Errand::doing
};

bool replace(std::string& text, std::string_view what, std::string_view with) {
  bool found = false;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
    found = true;
  }
  return found;
}

/// One part for each platform where the source is a template.
Result<std::vector<IndexPart>> without_templates(std::span<const IndexPart> parts,
                                                 std::span<const Platform> platforms) {
  std::vector<IndexPart> out;
  for (const IndexPart& part : parts) {
    std::string probe = part.source;
    bool templated = false;
    for (const char* name : {"{os}", "{arch}", "{variant}", "{platform}"})
      templated = replace(probe, name, "") || templated;
    if (!templated) {
      out.push_back(part);
      continue;
    }
    if (platforms.empty())
      return client::bad_argument(part.source, "a template, and no platform to fill it with",
                                  "--platform linux/amd64,linux/arm64 says which");
    for (const Platform& platform : platforms) {
      IndexPart filled = part;
      std::string dashed = platform.to_string();
      std::ranges::replace(dashed, '/', '-');
      replace(filled.source, "{os}", platform.os);
      replace(filled.source, "{arch}", platform.architecture);
      replace(filled.source, "{variant}", platform.variant);
      replace(filled.source, "{platform}", dashed);
      out.push_back(std::move(filled));
    }
  }
  return out;
}

/// What one argument brings.
struct Brought {
  std::shared_ptr<ContentSource> source;  ///< co-owned by the joined one
  std::optional<Reference> place;
  std::vector<Candidate> candidates;
  std::vector<std::string> notes;
  bool made = false;
};

/// Lists what an index has, and what indexes within it have.
class Flattening {
 public:
  Flattening(Brought& into, std::string from, const CallContext& context)
      : into_(into), from_(std::move(from)), context_(context) {}

  Result<> list(const Manifest& index, std::size_t depth = 1) {
    DAVIT_TRY_VOID(check(context_));
    if (depth > kDepth)
      return make_error(Errc::corrupt, from_ + ": indexes nested deeper than " + std::to_string(kDepth));
    if (!seen_.insert(index.descriptor().digest).second) return {};
    if (seen_.size() > kMostIndexes)
      return make_error(Errc::corrupt,
                        from_ + ": more than " + std::to_string(kMostIndexes) + " indexes in one");
    const std::vector<std::string_view> texts = model::json_elements(index.bytes(), "manifests");
    for (std::size_t i = 0; i < index.manifests().size(); ++i) {
      const Descriptor& child = index.manifests()[i];
      if (into_.candidates.size() >= kMostEntries)
        return make_error(Errc::corrupt, from_ + ": more than " + std::to_string(kMostEntries) + " entries");
      const std::string type = model::essence(child.media_type);
      if (model::is_index(type) && !child.platform) {
        if (seen_.contains(child.digest)) continue;
        DAVIT_TRY(const Manifest nested, into_.source->manifest(child.digest.to_string(), context_));
        DAVIT_TRY_VOID(list(nested, depth + 1));
        continue;
      }
      Candidate candidate{
          .entry = child, .from = from_ + " " + content::name_platform(child), .text = std::string(texts[i])};
      if (!child.platform && !content::is_attestation(child) && model::is_manifest(type)) {
        DAVIT_TRY(const Manifest image, into_.source->manifest(child.digest.to_string(), context_));
        DAVIT_TRY(const auto platform, content::configured_platform(*into_.source, image, context_));
        DAVIT_TRY_VOID(compose::describe(candidate, {}, platform));
      }
      into_.candidates.push_back(std::move(candidate));
    }
    return {};
  }

 private:
  Brought& into_;
  const std::string from_;
  const CallContext& context_;
  std::set<Digest> seen_;
};

Result<> list_candidates(const Descriptor& root, const IndexPart& part, const std::string& label,
                         Brought& into, const CallContext& context) {
  DAVIT_TRY(const Manifest top, into.source->manifest(root.digest.to_string(), context));
  if (top.is_index()) {
    DAVIT_TRY_VOID(Flattening(into, label, context).list(top));
  } else {
    Descriptor entry = root;
    entry.annotations.clear();
    entry.artifact_type = top.artifact_type();
    entry.platform = part.platform;
    if (!entry.platform) {
      auto platform = content::configured_platform(*into.source, top, context);
      if (!platform) return platform.error().with_context(label);
      entry.platform = *platform;
    }
    into.candidates.push_back(
        {.entry = std::move(entry), .from = label, .written = part.source, .made = into.made});
  }
  const AnnotationChanges annotations(part.annotations.begin(), part.annotations.end());
  std::size_t images = 0;
  for (Candidate& candidate : into.candidates) {
    if (content::is_attestation(candidate.entry)) continue;
    ++images;
    DAVIT_TRY_VOID(compose::describe(candidate, annotations, part.platform));
  }
  if (part.platform && images != 1)
    return client::bad_argument(part.source,
                                "platform= is for one image, and this has " + std::to_string(images));
  return {};
}

Result<Brought> bring(Client::Impl& impl, const IndexPart& part, const CopyOptions& options,
                      model::Format format, const CallContext& context) {
  std::string written = part.source;
  DAVIT_TRY(const client::Source from, impl.source_of(written, context));
  DAVIT_TRY(std::vector<Picked> found,
            client::open_source(from, written, options, {.client = impl.options}, impl.registries, context));
  Picked& picked = found.front();
  Brought out{.source = picked.source, .place = {}, .candidates = {}, .notes = {}};
  for (const std::string& note : picked.image.notes) out.notes.push_back(picked.label + ": " + note);
  if (const auto* reference = std::get_if<Reference>(&from)) out.place = *reference;
  if (const auto* root = std::get_if<Descriptor>(&picked.image.root)) {
    DAVIT_TRY_VOID(list_candidates(*root, part, picked.label, out, context));
    return out;
  }
  const auto& raw = std::get<content::RawImage>(picked.image.root);
  DAVIT_TRY(content::DescribedImage image, content::described(raw, format, context));
  out.source = std::move(image.source);
  out.made = true;
  DAVIT_TRY_VOID(list_candidates(image.root, part, picked.label, out, context));
  return out;
}

/// All parts side by side: what takes long is asking their registries.
Result<std::vector<Brought>> bring_all(Client::Impl& impl, std::span<const IndexPart> parts,
                                       const CopyOptions& options, model::Format format,
                                       transfer::Board& board, const CallContext& context) {
  std::vector<std::optional<Result<Brought>>> answers(parts.size());
  {
    WorkerPool pool(std::min(impl.options.jobs, std::max<std::size_t>(parts.size(), 1)));
    for_each_index(pool, parts.size(),
                   [&](std::size_t i) { answers[i] = bring(impl, parts[i], options, format, context); });
  }
  std::vector<Brought> out;
  for (std::optional<Result<Brought>>& answer : answers) {
    if (!*answer) return answer->error().on(Side::source);
    for (const std::string& note : (*answer)->notes) board.note(note);
    out.push_back(*std::move(*answer));
  }
  return out;
}

void take_over(std::vector<Brought>& brought, IndexWork& work) {
  for (Brought& each : brought) {
    std::vector<Descriptor> roots;
    for (const Candidate& candidate : each.candidates) {
      roots.push_back(candidate.entry);
      if (each.place) work.places.emplace(candidate.entry.digest, *each.place);
      if (each.made) work.made.insert(candidate.entry.digest);
    }
    work.joined->add(std::move(each.source), roots, std::move(each.place));
  }
}

model::Format format_of(const CopyOptions& options) {
  return options.format == ManifestFormat::docker ? model::Format::docker : model::Format::oci;
}

/// What was asked for and has no meaning here.
Result<> refuse_options(const CopyOptions& options) {
  if (options.recompress || options.referrers || options.digest_tags || options.all_tags)
    return make_error(Errc::invalid_argument,
                      "an index is made of images as they are, without what refers to them",
                      "davit copy has --recompress, --referrers, --digest-tags and --all-tags");
  return {};
}

/// What comes from an index keeps its annotations; none are added where their format has none.
Result<> refuse_annotations(std::span<const IndexPart> parts, model::Format format, std::string_view cure) {
  if (format != model::Format::docker) return {};
  for (const IndexPart& part : parts) {
    if (part.annotations.empty()) continue;
    return make_error(
        Errc::invalid_argument,
        escaped(part.source, 300) + " is given an annotation, and Docker's manifest lists have none",
        std::string(cure));
  }
  return {};
}

Result<Assembled> assemble(Client::Impl& impl, std::span<const IndexPart> parts, const IndexOptions& options,
                           transfer::Board& board, const CallContext& context) {
  DAVIT_TRY_VOID(refuse_options(options.copy));
  if (parts.empty()) return make_error(Errc::invalid_argument, "an index of nothing", "name its images");
  DAVIT_TRY(const auto filled, without_templates(parts, options.platforms));
  const model::Format format = format_of(options.copy);
  DAVIT_TRY_VOID(refuse_annotations(parts, format, "leave out --docker, or annotation= behind it"));
  DAVIT_TRY(std::vector<Brought> brought, bring_all(impl, filled, options.copy, format, board, context));
  std::vector<Candidate> candidates;
  for (const Brought& each : brought)
    candidates.insert(candidates.end(), each.candidates.begin(), each.candidates.end());
  Assembled out;
  DAVIT_TRY(const auto chosen, compose::choose_entries(candidates, options.platforms));
  DAVIT_TRY(Manifest index, compose::new_index(format, chosen, options.annotations));
  out.work.entries = index.manifests();
  const bool mixed = std::ranges::any_of(out.work.entries, [](const Descriptor& entry) {
    return model::essence(entry.media_type) == model::kOciManifest;
  });
  if (format == model::Format::docker && mixed)
    board.note(
        "Docker's list is going to hold OCI images: today's Docker and containerd take both, older clients "
        "only what is Docker's throughout; davit copy --docker converts an image");
  out.work.joined = std::make_shared<content::JoinedSource>();
  take_over(brought, out.work);
  out.image.root = index.descriptor();
  out.image.name = "the index";
  out.work.joined->add(std::move(index));
  out.image.source = out.work.joined;
  return out;
}

Errand errand_for(const Assembled& assembled, std::span<const std::string> destinations,
                  const CopyOptions& options, SinkUse use, const CallContext& context) {
  return {.verb = Verb::index,
          .source = assembled.image.name,
          .destinations = destinations,
          .options = options,
          .use = use,
          .image = &assembled.image,
          .index = &assembled.work,
          .doing = assembled.doing,
          .context = context};
}

// Edits.

std::vector<std::string> names_of(const OpenedImage& image, std::string_view index,
                                  std::string_view destination) {
  if (!destination.empty()) return {std::string(destination)};
  return {image.reference ? image.reference->name() + ":" + image.reference->tag : std::string(index)};
}

/// An index that is edited, and where it is read from.
struct Edited {
  const Manifest& index;
  ContentSource& source;
  const CopyOptions& options;

  [[nodiscard]] model::Format format() const {
    return model::essence(index.descriptor().media_type) == model::kDockerList ? model::Format::docker
                                                                               : model::Format::oci;
  }
};

/// What an image is, in whatever format and compression it is stored.
struct Identity {
  Digest config;
  std::vector<Digest> layers;  ///< unpacked
};

/// Empty for what is no container image.
Result<std::optional<Identity>> identity_of(ContentSource& source, const Descriptor& image,
                                            const CallContext& context) {
  if (!model::is_manifest(model::essence(image.media_type))) return std::optional<Identity>();
  DAVIT_TRY(const Manifest manifest, source.manifest(image.digest.to_string(), context));
  const auto& config = manifest.config();
  if (!config || !model::is_image_config(model::essence(config->media_type)))
    return std::optional<Identity>();
  DAVIT_TRY(const std::string bytes, content::read_config(source, *config, context));
  DAVIT_TRY(model::ImageConfig parsed, model::ImageConfig::parse(bytes));
  return std::optional(Identity{.config = config->digest, .layers = std::move(parsed.diff_ids)});
}

bool same_platform(const Descriptor& a, const Descriptor& b) {
  return a.platform && b.platform && a.platform->normalized() == b.platform->normalized();
}

/// An entry that is an image in another format, or with its layers compressed otherwise.
struct Twin {
  std::size_t position = 0;
  bool by_config = false;  ///< it has the image's configuration, and not just its layers
};

/// One with the configuration of the image, else one with its layers.
Result<std::optional<Twin>> twin_of(const Edited& edited, ContentSource& source, const Descriptor& image,
                                    const CallContext& context) {
  DAVIT_TRY(const auto wanted, identity_of(source, image, context));
  std::optional<Twin> found;
  for (std::size_t i = 0; wanted && i < edited.index.manifests().size(); ++i) {
    const Descriptor& entry = edited.index.manifests()[i];
    if (content::is_attestation(entry) || !same_platform(entry, image)) continue;
    DAVIT_TRY(const auto listed, identity_of(edited.source, entry, context));
    if (!listed) continue;
    if (listed->config == wanted->config) return std::optional(Twin{.position = i, .by_config = true});
    if (!found && !wanted->layers.empty() && listed->layers == wanted->layers) found = Twin{.position = i};
  }
  return found;
}

/// The positions that a word means: a platform, a digest, or a source whose images are listed.
Result<std::set<std::size_t>> positions_of(Client::Impl& impl, const Edited& edited, const std::string& word,
                                           const CallContext& context) {
  const Manifest& index = edited.index;
  auto found = compose::find_entries(index, word);
  const bool reference =
      !Digest::parse(word) && (!Platform::parse(word) || ::access(word.c_str(), F_OK) == 0);
  if (found || !reference) return found;
  transfer::Board quiet(nullptr, impl.notifier);
  const IndexPart part{.source = word};
  DAVIT_TRY(const auto brought, bring_all(impl, {&part, 1}, edited.options, edited.format(), quiet, context));
  std::set<std::size_t> out;
  for (const Candidate& candidate : brought.front().candidates) {
    auto positions = compose::find_entries(index, candidate.entry.digest.to_string());
    if (!positions && !content::is_attestation(candidate.entry)) {
      DAVIT_TRY(const auto twin, twin_of(edited, *brought.front().source, candidate.entry, context));
      if (twin)
        positions = compose::find_entries(index, index.manifests()[twin->position].digest.to_string());
    }
    if (positions) out.merge(*positions);
  }
  if (out.empty())
    return make_error(Errc::not_found, "the index lists nothing of " + escaped(word, 200),
                      found.error().hint);
  return out;
}

Result<> keep_only(Client::Impl& impl, const Edited& edited, const IndexEdit& edit,
                   const CallContext& context, std::set<std::size_t>& removed) {
  if (edit.keep.empty()) return {};
  std::set<std::size_t> kept;
  for (const std::string& word : edit.keep) {
    DAVIT_TRY(auto positions, positions_of(impl, edited, word, context));
    kept.merge(positions);
  }
  for (std::size_t i = 0; i < edited.index.manifests().size(); ++i) {
    if (!kept.contains(i)) removed.insert(i);
  }
  return {};
}

/// The images among these whose digest is known when their layers have been compressed, and that the index
/// lists already.
Result<std::set<Digest>> listed_already(const Edited& edited, std::span<const Brought> brought,
                                        const CallContext& context) {
  std::set<Digest> out;
  for (const Brought& each : brought) {
    if (!each.made) continue;
    for (const Candidate& candidate : each.candidates) {
      DAVIT_TRY(const auto twin, twin_of(edited, *each.source, candidate.entry, context));
      if (twin && twin->by_config) out.insert(candidate.entry.digest);
    }
  }
  return out;
}

/// What is added must not be there yet, unless it is to take its place.
Result<> make_room(const Edited& edited, const IndexEdit& edit, std::span<const Brought> brought,
                   const CallContext& context, compose::IndexChanges& changes) {
  const Manifest& index = edited.index;
  std::set<Digest> listed;
  if (!edit.replace) {
    DAVIT_TRY(listed, listed_already(edited, brought, context));
  }
  std::vector<Candidate> fresh;
  for (Candidate& candidate : changes.added) {
    const Descriptor& entry = candidate.entry;
    bool there = false;
    for (std::size_t i = 0; i < index.manifests().size(); ++i) {
      const Descriptor& old = index.manifests()[i];
      if (changes.removed.contains(i)) continue;
      const bool same = same_platform(old, entry);
      if (old.digest == entry.digest && (same || (!old.platform && !entry.platform))) {
        there = true;
        continue;
      }
      if (!same || content::is_attestation(entry) || content::is_attestation(old)) continue;
      if (listed.contains(entry.digest)) {
        there = true;
        continue;
      }
      if (!edit.replace)
        return make_error(Errc::already_exists,
                          "the index has an image for " + entry.platform->to_string() +
                              " already: " + old.digest.to_string(),
                          "--replace puts the new one in its place");
      compose::remove_entry(index, i, changes.removed);
    }
    if (!there) fresh.push_back(std::move(candidate));
  }
  changes.added = std::move(fresh);
  return {};
}

/// One image for each platform, whether it had it before or is only now given it.
Result<> refuse_second(const Manifest& index, const std::map<std::size_t, Platform>& given) {
  for (const auto& [position, platform] : given) {
    for (std::size_t i = 0; i < index.manifests().size(); ++i) {
      const Descriptor& other = index.manifests()[i];
      if (i == position || content::is_attestation(other)) continue;
      const auto also = given.find(i);
      if (also != given.end() && also->second.normalized() == platform.normalized())
        return make_error(Errc::invalid_argument,
                          "the index would have two images for " + platform.to_string() + ": " +
                              index.manifests()[position].digest.to_string() + " and " +
                              other.digest.to_string(),
                          "name the one entry that the platform is of");
      if (also == given.end() && other.platform && other.platform->normalized() == platform.normalized())
        return make_error(Errc::invalid_argument, "the index has an image for " + platform.to_string() +
                                                      " already: " + other.digest.to_string());
    }
  }
  return {};
}

Result<compose::IndexChanges> changes_for(Client::Impl& impl, const Edited& edited, const IndexEdit& edit,
                                          const std::vector<Platform>& platforms,
                                          std::span<const Brought> brought, const CallContext& context) {
  const Manifest& index = edited.index;
  compose::IndexChanges changes{.annotations = edit.annotations};
  for (const std::string& word : edit.remove) {
    DAVIT_TRY(auto positions, positions_of(impl, edited, word, context));
    changes.removed.merge(positions);
  }
  DAVIT_TRY_VOID(keep_only(impl, edited, edit, context, changes.removed));
  std::vector<Candidate> candidates;
  for (const Brought& each : brought)
    candidates.insert(candidates.end(), each.candidates.begin(), each.candidates.end());
  if (!edit.add.empty()) {
    DAVIT_TRY(changes.added, compose::choose_entries(candidates, platforms));
  }
  DAVIT_TRY_VOID(make_room(edited, edit, brought, context, changes));
  for (const IndexEdit::EntryEdit& entry : edit.entries) {
    DAVIT_TRY(const auto positions, positions_of(impl, edited, entry.entry, context));
    const auto is_image = [&](std::size_t position) {
      return !content::is_attestation(index.manifests()[position]);
    };
    if (std::ranges::none_of(positions, is_image))
      return client::bad_argument(entry.entry, "an attestation, which has no annotations of its own");
    for (const std::size_t position : positions) {
      if (!is_image(position)) continue;
      if (!entry.annotations.empty()) changes.entry_annotations[position] = entry.annotations;
      if (entry.platform) changes.entry_platforms[position] = *entry.platform;
    }
  }
  DAVIT_TRY_VOID(refuse_second(index, changes.entry_platforms));
  return changes;
}

/// The index as it is to be, and what it lists.
Result<Assembled> edited(Client::Impl& impl, OpenedImage image, const IndexEdit& edit,
                         const IndexOptions& options, transfer::Board& board, const CallContext& context) {
  DAVIT_TRY_VOID(refuse_options(options.copy));
  DAVIT_TRY(const Manifest before, image.source->manifest(image.root.digest.to_string(), context));
  if (!before.is_index())
    return make_error(Errc::invalid_argument, image.name + " is no index",
                      "davit index create DESTINATION " + image.name + " ... makes one");
  const Edited its{.index = before, .source = *image.source, .options = options.copy};
  DAVIT_TRY_VOID(refuse_annotations(edit.add, its.format(), "leave out annotation= behind it"));
  DAVIT_TRY(const auto filled, without_templates(edit.add, options.platforms));
  DAVIT_TRY(std::vector<Brought> brought,
            bring_all(impl, filled, options.copy, its.format(), board, context));
  DAVIT_TRY(const compose::IndexChanges changes,
            changes_for(impl, its, edit, options.platforms, brought, context));
  DAVIT_TRY(Manifest after, compose::changed_index(before, changes));
  if (after.manifests().empty() && !before.manifests().empty())
    return make_error(Errc::invalid_argument, "nothing would be left in " + image.name,
                      "davit delete " + image.name + " takes the tag away");
  Assembled out;
  out.image = image;
  out.doing = "change";
  out.work.entries = after.manifests();
  out.work.joined = std::make_shared<content::JoinedSource>();
  for (const Descriptor& entry : before.manifests()) {
    if (image.reference) out.work.places.emplace(entry.digest, *image.reference);
  }
  out.work.joined->add(image.source, before.manifests(), image.reference);
  take_over(brought, out.work);
  out.image.root = after.descriptor();
  out.work.joined->add(std::move(after));
  out.image.source = out.work.joined;
  return out;
}

Result<Plan> the_one(Result<std::vector<Plan>> plans) {
  if (!plans) return plans.error();
  return std::move(plans->front());
}

Result<Delivered> the_one(Result<std::vector<Delivery>> deliveries) {
  if (!deliveries) return deliveries.error();
  return std::move(deliveries->front().result);
}

Client::Impl::Work creation(std::string destination, std::vector<IndexPart> parts, IndexOptions options) {
  return [destination = std::move(destination), parts = std::move(parts), options = std::move(options)](
             Client::Impl& impl, const CopyOptions& copy,
             transfer::Board& board) -> Result<std::vector<Delivery>> {
    const CallContext context = context_for(copy);
    DAVIT_TRY(const Assembled assembled, assemble(impl, parts, options, board, context));
    const std::string destinations[] = {destination};
    return impl.deliver(errand_for(assembled, destinations, copy, SinkUse::write, context), board);
  };
}

/// Whether the tag moved under an edit that can be made again.
bool moved(const Result<std::vector<Delivery>>& done) {
  return done && !done->front().result && done->front().result.error().code == Errc::conflict &&
         done->front().result.error().retryable;
}

Result<Assembled> opened_and_edited(Client::Impl& impl, const std::string& index,
                                    const std::string& destination, const IndexEdit& edit,
                                    const IndexOptions& options, CopyOptions& how, transfer::Board& board,
                                    const CallContext& context) {
  const bool in_place = destination.empty() || destination == index;
  DAVIT_TRY(OpenedImage image, impl.open(index, {}, context));
  if (destination.empty() && image.reference && image.reference->tag.empty()) {
    if (image.reference->digest)
      return client::bad_argument(index, "a digest cannot become another index",
                                  "say where the result goes, with --tag or as DST");
    image.reference->tag = "latest";
  }
  const Digest before = image.listed.value_or(image.root.digest);
  DAVIT_TRY(Assembled out, edited(impl, std::move(image), edit, options, board, context));
  if (in_place) how.replaces = before;
  return out;
}

Client::Impl::Work change(std::string index, std::string destination, IndexEdit edit, IndexOptions options) {
  return [index = std::move(index), destination = std::move(destination), edit = std::move(edit),
          options = std::move(options)](Client::Impl& impl, const CopyOptions& copy,
                                        transfer::Board& board) -> Result<std::vector<Delivery>> {
    const CallContext context = context_for(copy);
    for (int again = edit.retries_on_change;; --again) {
      CopyOptions how = copy;
      auto edited = opened_and_edited(impl, index, destination, edit, options, how, board, context);
      const bool repeated = again < edit.retries_on_change;
      // What is to be removed may be gone: by the try before, which somebody has built upon.
      if (!edited && repeated && edited.error().code == Errc::not_found && !edit.remove.empty())
        edited = opened_and_edited(impl, index, destination, {}, options, how, board, context);
      DAVIT_TRY(const Assembled after, std::move(edited));
      const auto destinations = names_of(after.image, index, destination);
      auto done = impl.deliver(errand_for(after, destinations, how, SinkUse::write, context), board);
      if (!moved(done)) return done;
      if (again <= 0) {
        Error error = done->front().result.error();
        error.hint = edit.retries_on_change > 0
                         ? "a higher --retry-on-change makes the change anew more often"
                         : "--retry-on-change N makes the change anew, up to N times";
        done->front().result = std::move(error);
        return done;
      }
      board.note(done->front().result.error().to_string() + ": making the change again");
      // Those who lose to each other come at different times from now on.
      Clock& clock = Clock::system();
      DAVIT_TRY_VOID(
          clock.sleep_for(std::chrono::milliseconds(static_cast<int>(clock.random() * 400.0)), context));
    }
  };
}

}  // namespace

Result<Delivered> Client::create_index(std::string_view destination, std::span<const IndexPart> parts,
                                       const IndexOptions& options) {
  return the_one(impl_->watched(options.copy,
                                creation(std::string(destination), {parts.begin(), parts.end()}, options)));
}

Transfer Client::start_index(std::string destination, std::vector<IndexPart> parts, IndexOptions options) {
  CopyOptions copy = options.copy;
  return Impl::start(impl_, std::move(copy),
                     creation(std::move(destination), std::move(parts), std::move(options)));
}

Result<Plan> Client::plan_index(std::string_view destination, std::span<const IndexPart> parts,
                                const IndexOptions& options) {
  return the_one(impl_->planned(options.copy, [&](transfer::Board& board) -> Result<std::vector<Plan>> {
    const CallContext context = context_for(options.copy);
    DAVIT_TRY(const Assembled assembled, assemble(*impl_, parts, options, board, context));
    const std::string destinations[] = {std::string(destination)};
    return impl_->plan(errand_for(assembled, destinations, options.copy, SinkUse::plan, context), board);
  }));
}

Result<Delivered> Client::edit_index(std::string_view index, std::string_view destination,
                                     const IndexEdit& edit, const IndexOptions& options) {
  return the_one(
      impl_->watched(options.copy, change(std::string(index), std::string(destination), edit, options)));
}

Transfer Client::start_index_edit(std::string index, std::string destination, IndexEdit edit,
                                  IndexOptions options) {
  CopyOptions copy = options.copy;
  return Impl::start(impl_, std::move(copy),
                     change(std::move(index), std::move(destination), std::move(edit), std::move(options)));
}

Result<Plan> Client::plan_index_edit(std::string_view index, std::string_view destination,
                                     const IndexEdit& edit, const IndexOptions& options) {
  return the_one(impl_->planned(options.copy, [&](transfer::Board& board) -> Result<std::vector<Plan>> {
    const CallContext context = context_for(options.copy);
    CopyOptions how = options.copy;
    DAVIT_TRY(const Assembled after, opened_and_edited(*impl_, std::string(index), std::string(destination),
                                                       edit, options, how, board, context));
    const auto destinations = names_of(after.image, index, destination);
    return impl_->plan(errand_for(after, destinations, how, SinkUse::plan, context), board);
  }));
}

}  // namespace davit
