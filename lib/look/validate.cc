#include <davit/validate.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <davit/image_details.h>
#include <davit/inspect.h>

#include "base/context.h"
#include "base/error.h"
#include "base/escape.h"
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

/// Layers read at a time, each with a core's worth of hashing and unpacking; zstd's decoders need up to 8 MiB
/// each.
constexpr std::size_t kLayersAtOnce = 4;
constexpr std::size_t kZstdAtOnce = 2;

Error damaged(const std::string& what) {
  return make_error(Errc::corrupt, what).on(Side::source);
}

std::string joined(const std::string& where, const std::string& more) {
  return where.empty() ? more : where + ", " + more;
}

/// An image or artifact, and what its config says about the layers.
struct Image {
  Manifest manifest;
  std::string where;
  std::vector<Digest> diff_ids = {};
  std::vector<Error> problems = {};  ///< with the config
};

/// A blob that has to be looked at, and all that is known about it. Images may say different things about
/// what the same one unpacks to.
struct Task {
  Descriptor blob;
  std::string where;
  std::vector<Digest> diff_ids = {};
  std::vector<std::string> said_by = {};  ///< the layer that has the diff_id
  std::vector<look::BlobProblem> problems = {};
};

class Validator {
 public:
  Validator(ContentSource& source, const ValidateOptions& options, const CallContext& context)
      : source_(source), options_(options), context_(context) {}

  Result<Validation> run(const Descriptor& root) {
    {
      WorkerPool pool(std::max<std::size_t>(options_.jobs, 1));
      look::ManifestsBelow below(source_, pool, context_);
      DAVIT_TRY_VOID(below.read(root, nullptr));
      if (const auto& top = below.manifests().at(root.digest); !top) return top.error();
      look_at(below, root, "");
      for_each_index(pool, images_.size(), [&](std::size_t i) { read_config(images_[i]); });
    }
    for (const Image& image : images_) list_blobs(image);
    check_blobs();
    DAVIT_TRY_VOID(check(context_));  // what was stopped has not been validated
    for (Task& task : tasks_) {
      for (look::BlobProblem& each : task.problems)
        add(task.blob.digest, each.diff_id ? task.said_by[*each.diff_id] : task.where, std::move(each.error));
    }
    return std::move(out_);
  }

 private:
  void add(const Digest& digest, const std::string& where, Error error) {
    out_.problems.push_back({digest, where, look::as_problem(std::move(error))});
  }

  void look_at(const look::ManifestsBelow& below, const Descriptor& at, const std::string& where) {
    const auto found = below.manifests().find(at.digest);
    if (found == below.manifests().end()) {  // an index may list anything
      task_for(at, where);
      return;
    }
    if (found->second && found->second->descriptor().media_type != model::essence(at.media_type)) {
      add(at.digest, where,
          damaged("manifest " + at.digest.to_string() + " is " +
                  escaped(found->second->descriptor().media_type, 100) + " where its descriptor says " +
                  escaped(at.media_type, 100)));
    }
    if (!seen_.insert(at.digest).second) return;
    ++out_.manifests;
    if (!found->second) return add(at.digest, where, found->second.error());
    const Manifest& manifest = *found->second;
    if (!manifest.is_index()) {
      images_.push_back({.manifest = manifest, .where = where});
      return;
    }
    for (const Descriptor& entry : manifest.manifests())
      look_at(below, entry, joined(where, content::name_platform(entry)));
  }

  void read_config(Image& image) {
    if (!is_container_image(image.manifest)) return;
    const Descriptor& config = *image.manifest.config();
    const auto bytes = content::read_config(source_, config, context_);
    auto details = bytes ? ImageDetails::parse(*bytes) : Result<ImageDetails>(bytes.error());
    if (!details) {
      image.problems.push_back(bytes ? details.error().with_context("config " + config.digest.to_string())
                                     : details.error());
      return;
    }
    const std::size_t layers = image.manifest.layers().size();
    const auto differs = [&](const std::string& says) {
      image.problems.push_back(damaged("config " + config.digest.to_string() + says +
                                       ", and the manifest has " + std::to_string(layers)));
    };
    if (!details->history.empty() && details->steps_of_layers(layers).size() != layers) {
      const auto made = std::ranges::count(details->history, false, &ImageDetails::Step::empty_layer);
      differs(" has a history of " + std::to_string(made) + " layers");
    }
    if (details->diff_ids.size() == layers) {
      image.diff_ids = std::move(details->diff_ids);
    } else {
      differs(" names " + std::to_string(details->diff_ids.size()) + " layers");
    }
  }

  void list_blobs(const Image& image) {
    const bool container = is_container_image(image.manifest);
    if (const auto& config = image.manifest.config()) {
      const std::string where = joined(image.where, "config");
      for (const Error& problem : image.problems) add(config->digest, where, problem);
      if (!container) {
        task_for(*config, where);
      } else if (configs_.insert(config->digest).second) {
        count(image.problems.empty() ? config->size : 0);
      }
    }
    for (std::size_t i = 0; i < image.manifest.layers().size(); ++i) {
      const Descriptor& layer = image.manifest.layers()[i];
      const std::string type = model::essence(layer.media_type);
      if (model::is_foreign_layer(type)) {
        ++out_.left_out;
        continue;
      }
      const std::string where = joined(image.where, (container ? "layer " : "blob ") + std::to_string(i + 1));
      Task& task = task_for(layer, where);
      if (i >= image.diff_ids.size() || !model::is_layer(type)) continue;
      if (std::ranges::find(task.diff_ids, image.diff_ids[i]) != task.diff_ids.end()) continue;
      task.diff_ids.push_back(image.diff_ids[i]);
      task.said_by.push_back(where);
    }
  }

  /// The one for this blob; its size is that of the first who lists it, and others are problems.
  Task& task_for(const Descriptor& blob, const std::string& where) {
    const auto [at, first] = blobs_.emplace(blob.digest, tasks_.size());
    if (first) tasks_.push_back({.blob = blob, .where = where});
    Task& task = tasks_[at->second];
    if (task.blob.size != blob.size) {
      add(blob.digest, where,
          damaged(blob.digest.to_string() + " is listed with " + std::to_string(blob.size) +
                  " bytes here and " + std::to_string(task.blob.size) + " elsewhere"));
    }
    return task;
  }

  void count(std::uint64_t bytes) {
    ++out_.blobs;
    out_.bytes = look::sum_of(out_.bytes, bytes);
  }

  /// Configs of container images have been read; here is the rest.
  void check_blobs() {
    const bool zstd = std::ranges::any_of(tasks_, [](const Task& task) {
      return !task.diff_ids.empty() &&
             model::compression_of(model::essence(task.blob.media_type)) == model::Compression::zstd;
    });
    std::size_t at_once = std::max<std::size_t>(options_.jobs, 1);
    if (options_.layers) at_once = std::min(at_once, zstd ? kZstdAtOnce : kLayersAtOnce);
    WorkerPool pool(at_once);
    for_each_index(pool, tasks_.size(), [&](std::size_t i) {
      Task& task = tasks_[i];
      if (!check(context_)) return;
      task.problems = options_.layers ? look::check_blob(source_, task.blob, task.diff_ids, context_)
                                      : look::check_presence(source_, task.blob, context_);
    });
    for (const Task& task : tasks_) count(options_.layers ? task.blob.size : 0);
  }

  ContentSource& source_;
  const ValidateOptions& options_;
  const CallContext& context_;
  Validation out_;
  std::set<Digest> seen_;
  std::vector<Image> images_;
  std::set<Digest> configs_;
  std::map<Digest, std::size_t> blobs_;  ///< each one's task
  std::vector<Task> tasks_;
};

}  // namespace

Result<Validation> validate(ContentSource& source, const Descriptor& root, const ValidateOptions& options,
                            const CallContext& context) {
  return Validator(source, options, context).run(root);
}

}  // namespace davit
