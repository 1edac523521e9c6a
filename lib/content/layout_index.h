#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <davit/descriptor.h>
#include <davit/manifest.h>

namespace davit::content {

/// What the file `oci-layout` of an image layout holds.
inline constexpr std::string_view kLayoutMarker = R"({"imageLayoutVersion":"1.0.0"})";

/// The annotations of an entry of index.json that name an image: the tag, and, as containerd and Docker write
/// it, the whole reference.
inline constexpr std::string_view kRefName = "org.opencontainers.image.ref.name";
inline constexpr std::string_view kContainerdName = "io.containerd.image.name";

/// How index.json describes a manifest, still without a name.
Descriptor index_entry(const Manifest& manifest);

/// `index`, edited to list `root` under each of `names`; entries that had one of these names are gone. All
/// else is as it was: order, unknown members, other entries. The very text comes back when it says so
/// already. Errors: corrupt when `index` is no index; invalid_argument for names that are no text.
Result<std::string> with_names(std::string_view index, const Descriptor& root,
                               std::span<const std::string> names);

/// Whether `name` stands for what it stood for, or for `wanted` already. An image that was chosen without a
/// name of this kind is `before` as long as it is listed. Errors: conflict, with `retryable`; corrupt.
Result<> refuse_moved(std::string_view index, const std::string& name, const Digest& before,
                      const Digest& wanted);

/// `index`, edited to list those of `roots` that it does not list under any name. Errors: corrupt.
Result<std::string> with_unnamed(std::string_view index, std::span<const Descriptor> roots);

/// `index` without the entries of this name; all else is as it was. Errors: not_found; corrupt.
Result<std::string> without_name(std::string_view index, const std::string& name);

/// `index` without the entries of this digest; all else is as it was. Errors: corrupt.
Result<std::string> without(std::string_view index, const Digest& digest);

/// The manifests that were put into a layout, to know which of them index.json has to lead to although they
/// have no name: those that no index put beside them lists. Not thread-safe.
class PutManifests {
 public:
  void add(const Manifest& manifest, std::span<const std::string> names);
  [[nodiscard]] std::vector<Descriptor> unnamed_roots() const;

 private:
  std::map<Digest, Descriptor> unnamed_;
  std::set<Digest> reached_;  // named, or listed by an index
};

}  // namespace davit::content
