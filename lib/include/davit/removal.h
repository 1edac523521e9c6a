#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <davit/digest.h>
#include <davit/error.h>
#include <davit/transfer.h>

namespace davit {

struct TagOptions {
  OnExistingTag on_existing_tag = OnExistingTag::replace;
  std::stop_token stop = {};
  std::optional<std::chrono::milliseconds> timeout = {};
};

struct RemoveOptions {
  /// Also what refers to the image, which goes first: where it cannot be deleted all stays. Not for tags,
  /// whose image stays.
  bool with_referrers = false;
  std::stop_token stop = {};
  std::optional<std::chrono::milliseconds> timeout = {};
};

/// Something that is gone, or would be.
struct Removed {
  enum class What { tag, manifest, referrer };
  What what = What::tag;
  std::string name;  ///< "registry/repository:tag", "registry/repository@digest" or "oci:DIR:tag"
  Digest digest;     ///< of the manifest
  /// Of a plan: whether the registry does it is seen only when it is asked to.
  bool may_be_refused = false;
};

/// The outcome for one reference, in the order of the arguments. With an error there may be things that were
/// removed before it.
struct Removal {
  std::string reference;
  std::vector<Removed> removed = {};    ///< in the order in which it went
  std::vector<std::string> notes = {};  ///< for people: what stays although a list of referrers names it
  std::optional<Error> error = {};      ///< why the rest is still there
};

}  // namespace davit
