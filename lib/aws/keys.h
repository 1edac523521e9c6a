#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <davit/secret.h>

namespace davit::aws {

/// What requests are signed with. The id is no secret; it names the keys in messages.
struct Keys {
  std::string id;
  Secret secret;
  Secret session_token;  ///< empty for keys that last
};

/// Keys and where they came from. Plain data.
struct Credentials {
  Keys keys;
  std::optional<std::chrono::system_clock::time_point> expires = {};
  std::string account = {};   ///< 12 digits, when the source says it
  std::string source = {};    ///< for messages: "environment", "profile ci (assumed role ecr-push)"
  bool may_be_stale = false;  ///< its source goes on with them past their end when AWS is in trouble
};

}  // namespace davit::aws
