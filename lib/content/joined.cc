#include "content/joined.h"

#include "base/error.h"
#include "base/try.h"

namespace davit::content {
namespace {

Error nowhere(const Digest& digest) {
  return make_error(Errc::not_found, digest.to_string() + " is in none of the sources").on(Side::source);
}

}  // namespace

void JoinedSource::add(std::shared_ptr<ContentSource> source, const std::vector<Descriptor>& roots,
                       std::optional<Reference> place) {
  parts_.push_back(std::make_unique<Part>(Part{std::move(source), std::move(place)}));
  MutexLock lock(mutex_);
  for (const Descriptor& root : roots) owners_.emplace(root.digest, parts_.back().get());
}

void JoinedSource::add(Manifest manifest) {
  const Digest digest = manifest.descriptor().digest;
  own_.emplace(digest, std::move(manifest));
}

const JoinedSource::Part* JoinedSource::part_of(const Digest& digest) const {
  MutexLock lock(mutex_);
  const auto owner = owners_.find(digest);
  return owner == owners_.end() ? nullptr : owner->second;
}

std::string JoinedSource::repository_of(const Digest& blob, const std::string& host) const {
  const Part* part = part_of(blob);
  return part != nullptr && part->place && part->place->host == host ? part->place->repository
                                                                     : std::string();
}

Result<Descriptor> JoinedSource::resolve(std::string_view name, const CallContext& context) {
  DAVIT_TRY(const Manifest found, manifest(name, context));
  return found.descriptor();
}

Result<Manifest> JoinedSource::manifest(std::string_view name, const CallContext& context) {
  DAVIT_TRY(const Digest digest, Digest::parse(name));
  if (const auto own = own_.find(digest); own != own_.end()) return own->second;
  const Part* part = part_of(digest);
  if (part == nullptr) return nowhere(digest);
  DAVIT_TRY(Manifest found, part->source->manifest(name, context));
  MutexLock lock(mutex_);
  for (const Descriptor& child : found.children()) owners_.emplace(child.digest, part);
  return found;
}

Result<std::unique_ptr<ByteSource>> JoinedSource::open(const Descriptor& blob, std::uint64_t offset,
                                                       const CallContext& context) {
  const Part* part = part_of(blob.digest);
  return part != nullptr ? part->source->open(blob, offset, context)
                         : Result<std::unique_ptr<ByteSource>>(nowhere(blob.digest));
}

Result<std::unique_ptr<ByteSource>> JoinedSource::open_range(const Descriptor& blob, ByteRange range,
                                                             const CallContext& context) {
  const Part* part = part_of(blob.digest);
  if (part == nullptr) return nowhere(blob.digest);
  RangeReader* reader = part->source->range_reader();
  if (reader == nullptr) return make_error(Errc::unsupported, "this source gives whole blobs only");
  return reader->open_range(blob, range, context);
}

}  // namespace davit::content
