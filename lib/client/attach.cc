// Files become an artifact that refers to an image.
#include <davit/client.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "client/argument.h"
#include "client/client_impl.h"
#include "client/registry_argument.h"
#include "client/sources.h"
#include "content/choose_platforms.h"
#include "io/file.h"
#include "io/measure.h"
#include "io/memory.h"
#include "io/verified.h"

namespace davit {
namespace {

/// A blob of the artifact: what it is, and where its bytes are.
struct Part {
  Descriptor descriptor;
  std::shared_ptr<const Content> content;
};

/// What a file is called in the artifact: nothing that leads out of the folder where it will be unpacked.
std::string title_of(const std::string& path) {
  const std::filesystem::path cleaned = std::filesystem::path(path).lexically_normal();
  std::string text = cleaned.generic_string();
  if (cleaned.is_absolute() || text.starts_with("../")) return cleaned.filename().generic_string();
  return text;
}

Result<Part> read_file(const AttachedFile& file, const CallContext& context) {
  DAVIT_TRY(io::File opened, io::File::open(file.path, O_RDONLY | O_NONBLOCK));
  struct stat status {};
  if (::fstat(opened.descriptor(), &status) != 0)
    return errno_error("look at " + escaped(file.path, 300), errno);
  if (!S_ISREG(status.st_mode))
    return make_error(Errc::local_io, escaped(file.path, 300) + " is no regular file",
                      S_ISDIR(status.st_mode) ? "pack the folder first: tar -czf FILE.tar.gz FOLDER" : "");
  DAVIT_TRY(const std::uint64_t size, opened.size());
  const auto shared = std::make_shared<const io::File>(std::move(opened));
  const std::string name = escaped(file.path, 300);
  DAVIT_TRY(const auto bytes, io::FileContent(shared, 0, size, name).open(0, context));
  DAVIT_TRY(Descriptor descriptor, io::measure(*bytes));
  descriptor.media_type = file.media_type.empty() ? "application/octet-stream" : file.media_type;
  auto content = std::make_shared<io::FileContent>(shared, 0, size, name, descriptor);
  descriptor.annotations[std::string(kTitleAnnotation)] =
      file.title.empty() ? title_of(file.path) : file.title;
  // It may be written to while it is sent.
  return Part{std::move(descriptor), io::verified(std::move(content))};
}

/// What the artifact is about: the image, or its manifest for one platform.
Result<Descriptor> subject_of(const Reference& reference,
                              const std::shared_ptr<registry::Repository>& repository,
                              const std::optional<Platform>& platform, const CallContext& context) {
  DAVIT_TRY(const Descriptor root, repository->resolve(client::source_name(reference), context));
  DAVIT_TRY_VOID(client::check_pin(reference, root.digest, Side::destination));
  if (!platform) return root;
  auto chosen = content::choose_platforms(repository, root, {&*platform, 1}, context);
  if (!chosen) return chosen.error().with_context(reference.to_string());
  return chosen->root;
}

/// Sends what is not there yet.
Result<BlobCounts> put_blobs(registry::Repository& repository, const std::vector<Part>& parts,
                             const CallContext& context) {
  std::vector<Descriptor> wanted;
  std::vector<const Part*> ordered;
  std::set<Digest> seen;
  for (const Part& part : parts) {
    if (!seen.insert(part.descriptor.digest).second) continue;
    wanted.push_back(part.descriptor);
    ordered.push_back(&part);
  }
  BlobCounts counts;
  const std::size_t batch = repository.probe_batch();
  for (std::size_t begin = 0; begin < wanted.size(); begin += batch) {
    const auto some = std::span(wanted).subspan(begin, std::min(batch, wanted.size() - begin));
    DAVIT_TRY(const std::vector<Presence> found, repository.probe(some, context));
    for (std::size_t i = 0; i < some.size(); ++i) {
      if (found[i] != Presence::absent) {
        ++counts.present;
        continue;
      }
      DAVIT_TRY_VOID(repository.put_blob(*ordered[begin + i]->content, context));
      ++counts.sent;
      counts.bytes_sent += some[i].size;
    }
  }
  return counts;
}

}  // namespace

AttachedFile AttachedFile::parse(std::string_view text) {
  AttachedFile out{.path = std::string(text)};
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || client::is_there(out.path)) return out;
  const std::string_view type = text.substr(colon + 1);
  if (type.find('/') == std::string_view::npos) return out;
  out.path = text.substr(0, colon);
  out.media_type = type;
  return out;
}

Result<Delivered> Client::attach(std::string_view image, std::span<const AttachedFile> files,
                                 const AttachOptions& options) {
  const CallContext context = context_within(options.stop, options.timeout);
  client::Registries& registries = impl_->registries;
  if (files.empty() && options.annotations.empty())
    return make_error(Errc::invalid_argument, "nothing to attach",
                      "davit attach IMAGE --type TYPE FILE...; an artifact without a file has annotations");
  DAVIT_TRY(const Reference reference,
            client::registry_argument(image, registries, Side::destination, context));
  std::vector<Part> parts;
  ArtifactParts artifact{.type = options.artifact_type,
                         .layers = {},
                         .annotations = options.annotations,
                         .subject = {},
                         .created = options.created};
  for (const AttachedFile& file : files) {
    DAVIT_TRY(Part part, read_file(file, context));
    artifact.layers.push_back(part.descriptor);
    parts.push_back(std::move(part));
  }
  DAVIT_TRY_VOID(artifact_manifest(artifact));  // what is wrong with it is said before anything is sent
  parts.push_back({.descriptor = empty_json_descriptor(),
                   .content = std::make_shared<io::MemoryContent>(std::string(kEmptyJson),
                                                                  empty_json_descriptor().media_type)});
  DAVIT_TRY(const std::shared_ptr<registry::Repository> repository,
            registries.repository(reference.host, reference.repository, Side::destination));
  DAVIT_TRY(artifact.subject, subject_of(reference, repository, options.platform, context));
  DAVIT_TRY(const Manifest manifest, artifact_manifest(artifact));
  Delivered out{.destination = reference.name(),
                .root = manifest.descriptor(),
                .tags = {},
                .blobs = {},
                .unchanged = false};
  DAVIT_TRY(out.blobs, put_blobs(*repository, parts, context));
  const Descriptor root[] = {manifest.descriptor()};
  DAVIT_TRY(const std::vector<Presence> there, repository->probe(root, context));
  out.unchanged = there.front() != Presence::absent && out.blobs.sent == 0;
  // Also when it is there: the list of what refers to the image may lack it.
  DAVIT_TRY_VOID(repository->put_manifest(manifest, {}, context));
  return out;
}

}  // namespace davit
