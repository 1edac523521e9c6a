#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include <davit/reference.h>

#include "client/registries.h"
#include "client/sources.h"
#include "transfer/order.h"
#include "transfer/progress.h"

namespace davit::client {

/// The tags of one repository that a copy reads from, listed once. One thread at a time.
class TaggedImages {
 public:
  /// REQUIRES: the registries outlive this.
  TaggedImages(Reference repository, Registries& registries, std::size_t jobs)
      : named_(std::move(repository)), registries_(registries), jobs_(jobs) {}

  /// Every image that the choice means, each under its tag. `with_lists`: also the tags that list referrers.
  /// Errors: invalid_argument where the reference names one image; not_found when none is meant; unsupported
  /// for more tags than can be listed.
  Result<std::vector<Picked>> all(const TagChoice& choice, bool with_lists, const CallContext& context);

  /// What belongs to an image by the name of its tag, as cosign keeps its signatures: "sha256-DIGEST.sig".
  /// Each is an image of its own, and comes out once, whatever the number of images it belongs to.
  /// `with_index`: also the tag without an ending, which lists referrers.
  Result<std::vector<Picked>> companions_of(const Picked& picked, bool with_index,
                                            const CallContext& context);

 private:
  Result<> list(const CallContext& context);
  Picked picked_as(const std::string& tag, Manifest manifest);

  const Reference named_;
  Registries& registries_;
  const std::size_t jobs_;
  std::shared_ptr<registry::Repository> repository_;  // co-owned by what reads from it
  std::vector<std::string> tags_;
  bool listed_ = false;
  std::uint64_t held_ = 0;        ///< bytes of manifests that are kept in memory
  std::set<std::string> picked_;  ///< tags that have been given out
};

/// Takes out the tags that list referrers wherever the destination has another list under them, which says
/// what is attached there. `asked_for` are the orders that somebody named, and stay as they are.
void spare_lists(std::vector<transfer::Order>& orders, const std::set<std::size_t>& asked_for,
                 std::size_t jobs, transfer::Board& board, const CallContext& context);

/// The same of a file: what else it holds under such names. One thread at a time.
class FileCompanions {
 public:
  /// `beside`: those that SourceSettings::beside has got.
  explicit FileCompanions(std::vector<Picked> beside);

  /// TaggedImages::companions_of().
  Result<std::vector<Picked>> companions_of(const Picked& picked, bool with_index,
                                            const CallContext& context);

 private:
  std::map<std::string, Picked> by_tag_;
};

}  // namespace davit::client
