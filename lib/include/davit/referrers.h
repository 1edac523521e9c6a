#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <davit/content.h>
#include <davit/descriptor.h>
#include <davit/export.h>
#include <davit/platform.h>
#include <davit/result.h>

namespace davit {

/// A manifest that names another one as its `subject`, and what refers to it in turn. The descriptor is what
/// the store says: a claim until the manifest is read.
struct Referrer {
  Descriptor manifest;
  std::vector<Referrer> referrers = {};
};

struct ReferrerOptions {
  std::string artifact_type = {};  ///< only these, at every level; empty: all
  bool recursive = true;           ///< also what refers to the referrers
};

/// What refers to `subject`, sorted by type and digest. Asks side by side. Errors: those of the source;
/// unsupported for a source that lists none; protocol for lists without end.
DAVIT_EXPORT Result<std::vector<Referrer>> referrers_of(ContentSource& source, const Digest& subject,
                                                        const ReferrerOptions& options,
                                                        const CallContext& context);

/// An image and what refers to it.
struct ReferrerTree {
  std::string name;  ///< what names it with "@DIGEST" behind it: "registry/repository", "oci:layout"
  Descriptor subject;
  std::vector<Referrer> referrers;
};

/// How Client::referrers() looks.
struct DiscoverOptions {
  ReferrerOptions referrers = {};
  std::optional<Platform> platform = {};  ///< of an index: what refers to the manifest for this one
  std::stop_token stop = {};
  std::optional<std::chrono::milliseconds> timeout = {};
};

}  // namespace davit
