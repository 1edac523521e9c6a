#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "registry/repository.h"

namespace davit::mirror {

/// What a repository has, as far as lists tell. Plain data.
struct Survey {
  struct Tag {
    std::optional<Digest> digest = {};  ///< where the list tells
    std::optional<std::chrono::system_clock::time_point> pushed = {};
  };
  struct Referrer {
    Digest digest;
    std::string artifact_type;
  };

  bool listed = false;   ///< `tags` has all of them
  bool missing = false;  ///< there is no such repository
  std::map<std::string, Tag, std::less<>> tags = {};
  /// `images`, `indexes` and `referrers` are complete: the registry's own interface told.
  bool complete = false;
  std::set<Digest> images = {}, indexes = {};
  std::map<Digest, std::vector<Referrer>> referrers = {};  ///< by what they refer to

  /// Whether nothing was there: what is there later, this run has brought.
  [[nodiscard]] bool empty() const { return missing || (complete && images.empty()); }
};

/// How a repository is looked at.
enum class Look {
  tags,      ///< its tags are listed, whatever that takes
  if_cheap,  ///< only where the registry's own interface tells everything in large pages; else nothing is
             ///< known
};

/// Asks a repository for what it has. A repository that is not there has nothing. Errors: those of asking.
Result<Survey> survey(registry::Repository& repository, Look look, const CallContext& context);

/// What one name stands for.
struct Found {
  Digest digest;
  bool index = false;
};

/// What a tag or digest stands for, without a question where the survey tells. Nothing: no such image.
Result<std::optional<Found>> find(const std::string& name, const Survey& survey,
                                  registry::Repository& repository, const CallContext& context);

}  // namespace davit::mirror
