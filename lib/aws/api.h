#pragma once

#include <memory>
#include <string>

#include <davit/call_context.h>
#include <davit/result.h>

#include "aws/clock_offset.h"
#include "aws/endpoints.h"
#include "aws/identity.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/http.h"
#include "net/url.h"
#include "registry/limits.h"

namespace davit::aws {

/// One call of an AWS API: a POST of a short body.
struct ApiCall {
  std::string operation;  ///< "GetAuthorizationToken": for messages, and for X-Amz-Target
  Endpoint endpoint;
  std::string content_type;
  std::string target = {};  ///< X-Amz-Target; empty for query APIs
  std::string body;
  registry::Limits* limits = nullptr;  ///< as in Call
  registry::Action action = registry::Action::other;
};

/// What AWS says when it refuses. The code decides, never the status.
struct ApiFailure {
  int status = 0;
  std::string code;  ///< "AccessDeniedException", without namespace; empty when the answer held none
  std::string message;
  std::string request_id;
};

/// A call's answer, after retries.
struct ApiAnswer : net::Response {
  int attempts = 1;
  bool may_be_done = false;  ///< an earlier try was left without an answer and may have been carried out
};

/// Reads a JSON or XML error answer (`__type`, `message`, x-amzn-ErrorType; `<Code>`, `<Message>`).
ApiFailure parse_failure(const net::Response& response);

/// A refusal as an error: "AssumeRole at sts.eu-west-1.amazonaws.com: AccessDenied: ...", with a code that
/// follows AWS's and the facts of the exchange.
Error refusal(const std::string& operation, const net::Url& url, const net::Response& response);

/// Sends signed calls for one identity and is the one place that retries them: three tries with the waits of
/// AWS's "standard" mode and its quota, expired credentials renewed once, a wrong clock corrected once and
/// remembered. Thread-safe.
class Api {
 public:
  virtual ~Api() = default;

  /// The answer: a success, or a refusal that trying again does not change (status and body tell, see
  /// parse_failure). Errors: the transport's and the identity's; rate_limited or unavailable after the last
  /// try, naming the operation and the host.
  virtual Result<ApiAnswer> send(const ApiCall& call, const CallContext& context) = 0;
};

/// `offset` is shared with the identity; null: its own. REQUIRES: identity, transport and clock outlive it.
std::unique_ptr<Api> make_api(Identity& identity, net::Transport& transport, Clock& clock, Log log,
                              std::shared_ptr<ClockOffset> offset = nullptr);

}  // namespace davit::aws
