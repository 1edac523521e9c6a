#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace davit::emulator {

/// Who may come in.
struct Auth {
  enum class Mode { none, basic, bearer };
  Mode mode = Mode::none;
  std::string user = "user";
  std::string password = "password";
  /// Bearer: the token service answers at `/token` of the registry itself, or on a port of its own.
  bool own_token_port = false;
  std::string service = "emulator";
  int token_uses = 0;  ///< a token serves so many requests, then it has expired; 0: no limit
  std::chrono::milliseconds token_life{300'000};
  std::optional<int> expires_in = {};  ///< what the answer says instead of the truth
  bool anonymous_pull = false;         ///< the token service gives pull tokens to everybody
};

/// How the emulator differs from a registry that does everything the usual way. Every default is the usual
/// way.
struct Behaviour {
  bool digest_headers = true;   ///< Docker-Content-Digest
  bool immutable_tags = false;  ///< a tag cannot be moved to another digest: 409
  bool head_supported = true;   ///< otherwise HEAD is answered with `head_refusal`
  int head_refusal = 405;

  // Eventual consistency: what has just been written cannot be seen for a while.
  std::chrono::milliseconds hidden_for{0};
  int hidden_lookups = 0;  ///< the first so many lookups of every new blob and manifest answer 404

  // Statuses of success.
  int blob_put_status = 201;
  int manifest_put_status = 201;
  int patch_status = 202;
  int single_post_status = 201;  ///< 202: a body on POST is ignored and a session begins
  std::optional<int> mount_status =
      {};  ///< instead of mounting: 202 begins a session, anything else is an error

  // Uploads.
  enum class Location { path, absolute, relative, query };
  Location location =
      Location::path;  ///< the form of upload Locations: "/v2/..", "http://..", "../../..", "?.."
  bool newest_location_only = false;       ///< a session answers only to the Location it gave last
  std::uint64_t chunk_min_length = 0;      ///< announced, and enforced when the upload is closed
  std::uint64_t patch_keeps = UINT64_MAX;  ///< of each PATCH only so many bytes are stored
  bool single_post = true;                 ///< POST ?digest= with a body stores it

  // Blob downloads go to another port with a URL that is its own permission.
  bool redirect_blobs = false;
  int redirect_status = 307;
  std::chrono::milliseconds store_url_life{60'000};
  int store_url_uses = 0;  ///< 0: no limit

  int page_size = 1000;  ///< tags and repositories in one answer

  Auth auth = {};
};

}  // namespace davit::emulator
