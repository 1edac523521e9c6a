#pragma once

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <davit/mirror.h>

#include "platform_flags.h"
#include "shared_flags.h"

namespace davit::tool {

/// What a mirror has, and how it is kept: the flags that a mirror file has keys for.
struct MirrorFlags {
  std::vector<std::string> tags;
  TagChoice choice;
  std::string max_age;
  std::size_t min_tags = 0;
  std::vector<std::string> immutable;
  PlatformFlags platform;
  std::optional<bool> referrers;
  std::optional<bool> digest_tags;
  std::vector<std::string> require_referrers;
  bool no_clobber = false;
  std::string create_repo;
  bool prune = false;
  std::vector<std::string> protect;
  std::optional<std::size_t> max_deletes;

  void add_to(CLI::App& command);
  /// One of these that was typed, for whoever has a file that says it; empty: none was. Those about
  /// platforms by themselves: skopeo's file does not say that.
  [[nodiscard]] std::string typed() const;
  [[nodiscard]] std::string typed_platforms() const;
  /// Without sources and targets. Errors: invalid_argument.
  [[nodiscard]] Result<MirrorJob> job() const;

 private:
  const CLI::App* app_ = nullptr;
  struct Positions {
    std::size_t begin = 0, end = 0;
  };
  [[nodiscard]] std::string first_typed(Positions among) const;
  Positions before_, platforms_, after_;  ///< of these, among the options of `app_`
};

/// "I/N", counted from 0; "N" alone takes I from what Kubernetes and AWS Batch tell each of their parts.
/// Errors: invalid_argument.
Result<MirrorShard> parse_shard(const std::string& text);

}  // namespace davit::tool
