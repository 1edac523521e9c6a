#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <davit/error.h>
#include <davit/limits.h>

#include "auth/iam_denial.h"
#include "net/http.h"
#include "registry/quirks.h"

namespace davit::registry {

/// What a request is for, in the words an error uses: "push layer sha256:1f2e to r.example.com/app".
struct Purpose {
  std::string text;
  Side side = Side::source;
  const Quirks* quirks = nullptr;  ///< of the registry that is asked; may be null
};

/// A registry's answer to one request, after retries.
struct Answer {
  std::string method;
  net::Url url;  ///< the one that answered, after redirects
  int status = 0;
  net::Headers headers;
  std::string body;                       ///< empty when `stream` is set
  std::unique_ptr<net::Download> stream;  ///< for 200 and 206 when streaming was asked for
  std::string peer;
  net::Peers peers = net::Peers::any;  ///< which addresses `url` was allowed to lead to
  int attempts = 1;
  std::chrono::nanoseconds first_byte{0};  ///< how long it took
  std::optional<PullQuota> quota = {};     ///< of a 429 about a manifest, where the registry counts pulls
  bool foreign = false;                    ///< it came from another origin than the registry's
  bool already_done = false;  ///< not an answer: an earlier try had succeeded without our knowing

  [[nodiscard]] bool ok() const { return already_done || (status >= 200 && status < 300); }
};

/// The registry's error codes and texts, from a body of any shape.
struct ErrorBody {
  std::vector<std::string> codes;
  std::string text;  ///< escaped and short; the first message, or an excerpt when the body is something else
  bool html = false;
  std::optional<auth::IamDenial> denial = {};  ///< when that is what the message says
};
ErrorBody parse_error_body(std::string_view body);

/// Whether the answer carries one of the registry's error codes.
bool has_code(const Answer& answer, std::string_view code);

/// The error that this answer amounts to.
Error answer_error(const Purpose& purpose, const Answer& answer);

/// For an answer that has the right status and still makes no sense: "put manifest x: WHY".
Error strange_answer(const Purpose& purpose, const Answer& answer, Errc code, std::string_view why);

/// Puts the purpose in front of an error from below.
Error failed(const Purpose& purpose, const Error& error, int attempts);

/// Whether a body is a web page instead of a registry's document.
bool is_html(const net::Headers& headers, std::string_view body);

}  // namespace davit::registry
