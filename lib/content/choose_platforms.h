#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <davit/content.h>

namespace davit::content {

/// What is left of an image when only some platforms are wanted.
struct PlatformChoice {
  std::shared_ptr<ContentSource> source;  ///< the one given, or one that also has the rewritten index
  Descriptor root;
  std::vector<std::string> notes = {};  ///< for people
};

/// What one platform of an index gives.
enum class OnePlatform { image, index };

/// How many of the platforms have to be there.
enum class Needed { all, any };

/// The first image for each of `wanted`, indexes within indexes looked through too. One image becomes the
/// root by itself, its bytes unchanged, unless `one` says otherwise; several are listed by a rewritten index,
/// with the attestations that belong to them. An image that is no index must be for each of the platforms, or
/// for one of them where any will do.
/// Errors: not_found, listing what there is; those of the source. REQUIRES: `wanted` is not empty.
Result<PlatformChoice> choose_platforms(std::shared_ptr<ContentSource> source, const Descriptor& root,
                                        std::span<const Platform> wanted, const CallContext& context,
                                        OnePlatform one = OnePlatform::image, Needed needed = Needed::all);

}  // namespace davit::content
