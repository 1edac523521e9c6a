#include <davit/validate.h>

#include <algorithm>
#include <set>

#include <davit/image_details.h>
#include <davit/inspect.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/mutex.h"
#include "base/try.h"
#include "base/worker_pool.h"
#include "content/index_entries.h"
#include "content/read_config.h"
#include "look/check_blob.h"
#include "look/read_manifests.h"
#include "look/sizes.h"
#include "model/media_type.h"

namespace davit {
namespace {

/// Layers read at a time, each with a core's worth of hashing and unpacking.
constexpr std::size_t kLayersAtOnce = 4;
/// Of those that are zstd, whose decoders need up to 8 MiB each.
constexpr std::size_t kZstdAtOnce = 2;

Error damaged(const std::string& what) {
  return make_error(Errc::corrupt, what).on(Side::source);
}

/// A blob that has to be looked at, and all that is known about it.
struct Task {
  Descriptor blob;
  std::string where;
  std::optional<Digest> diff_id;
  bool config = false;  ///< was read when the documents were
  std::vector<Error> problems;
};

class Validator {
 public:
  Validator(ContentSource& source, const ValidateOptions& options, const CallContext& context)
      : source_(source), options_(options), context_(context), pool_(std::max<std::size_t>(options.jobs, 1)) {}

  Result<Validation> run(const Descriptor& root) {
    look::ManifestsBelow below(source_, pool_, context_);
    DAVIT_TRY_VOID(below.read(root, nullptr));
    if (const auto& top = below.manifests().at(root.digest); !top) return top.error();
    look_at(below, root, "");
    DAVIT_TRY_VOID(check_blobs());
    for (Task& task : tasks_) {
      for (Error& error : task.problems) add(task.blob.digest, task.where, std::move(error));
    }
    return std::move(out_);
  }

 private:
  void add(const Digest& digest, const std::string& where, Error error) {
    if (error.code == Errc::not_found) error.code = Errc::corrupt;  // what is listed has to be there
    out_.problems.push_back({digest, where, error.on(Side::source)});
  }

  void look_at(const look::ManifestsBelow& below, const Descriptor& at, const std::string& where) {
    if (!seen_.insert(at.digest).second) return;
    const auto found = below.manifests().find(at.digest);
    if (found == below.manifests().end()) {
      tasks_.push_back({.blob = at, .where = where, .diff_id = {}, .config = false, .problems = {}});
      return;
    }
    ++out_.manifests;
    if (!found->second) return add(at.digest, where, found->second.error());
    const Manifest& manifest = *found->second;
    const std::string listed = model::essence(at.media_type);
    if (listed != manifest.descriptor().media_type) {
      add(at.digest, where,
          damaged("manifest " + at.digest.to_string() + " is " + escaped(manifest.descriptor().media_type, 100) +
                  " where its descriptor says " + escaped(listed, 100)));
    }
    if (!manifest.is_index()) return look_at_image(manifest, where);
    for (const Descriptor& entry : manifest.manifests())
      look_at(below, entry, (where.empty() ? "" : where + ", ") + content::name_platform(entry));
  }

  void look_at_image(const Manifest& manifest, const std::string& where) {
    const std::string front = where.empty() ? "" : where + ", ";
    std::vector<Digest> diff_ids;
    const bool image = is_container_image(manifest);
    if (manifest.config() && seen_.insert(manifest.config()->digest).second) {
      Task task{.blob = *manifest.config(), .where = front + "config", .config = image};
      tasks_.push_back(std::move(task));
    }
    if (image) diff_ids = read_config(manifest, front + "config");
    for (std::size_t i = 0; i < manifest.layers().size(); ++i) {
      const Descriptor& layer = manifest.layers()[i];
      const std::string type = model::essence(layer.media_type);
      if (model::is_foreign_layer(type)) {
        ++out_.left_out;
        continue;
      }
      std::optional<Digest> diff_id;
      if (i < diff_ids.size() && model::is_layer(type)) diff_id = diff_ids[i];
      // Two images may say different things about the same blob.
      const std::string key = layer.digest.to_string() + (diff_id ? diff_id->to_string() : "");
      if (!layers_.insert(key).second || (!diff_id && !seen_.insert(layer.digest).second)) continue;
      tasks_.push_back({.blob = layer,
                        .where = front + (image ? "layer " : "blob ") + std::to_string(i + 1),
                        .diff_id = diff_id,
                        .config = false,
                        .problems = {}});
    }
  }

  /// What the config says about the layers; nothing when it, or its agreement with the manifest, is damaged.
  std::vector<Digest> read_config(const Manifest& manifest, const std::string& where) {
    const Digest& digest = manifest.config()->digest;
    const auto bytes = content::config_bytes(source_, manifest, context_);
    if (!bytes) return add(digest, where, bytes.error()), std::vector<Digest>();
    auto details = ImageDetails::parse(*bytes);
    if (!details)
      return add(digest, where, details.error().with_context("config " + digest.to_string())),
             std::vector<Digest>();
    if (details->diff_ids.size() == manifest.layers().size()) return std::move(details->diff_ids);
    add(digest, where,
        damaged("config " + digest.to_string() + " names " + std::to_string(details->diff_ids.size()) +
                " layers, and the manifest has " + std::to_string(manifest.layers().size())));
    return {};
  }

  ContentSource& source_;
  const ValidateOptions& options_;
  const CallContext& context_;
  WorkerPool pool_;
  Validation out_;
  std::set<Digest> seen_;
  std::set<std::string> layers_;
  std::vector<Task> tasks_;
};

}  // namespace
}  // namespace davit
