#include "registry/wire.h"

#include <array>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "net/address.h"
#include "net/redirect.h"
#include "registry/fields.h"

namespace davit::registry {
namespace {

constexpr std::uint64_t kErrorBodyLimit = 64u << 10;
constexpr std::size_t kMostWarnings = 20;

/// Remembers whether it was the source that failed and not the connection, and counts the parts of a blob.
class Watched final : public ByteSource {
 public:
  Watched(std::unique_ptr<ByteSource> inner, Limits& limits) : inner_(std::move(inner)), limits_(limits) {}
  Result<std::size_t> read(std::span<std::byte> into) override {
    auto got = inner_->read(into);
    if (!got) {
      failed = true;
      return got;
    }
    for (read_ += *got; read_ > counted_; counted_ += kPartBytes) limits_.part_begins();
    return got;
  }
  bool ready(const std::function<void()>& wake) override { return inner_->ready(wake); }
  bool failed = false;

 private:
  std::unique_ptr<ByteSource> inner_;
  Limits& limits_;
  std::uint64_t read_ = 0;
  std::uint64_t counted_ = kPartBytes;  // the first part was waited for
};

/// A server that repeats what it was sent must not make errors show it.
void hide_credential(std::string& body, std::string_view authorization) {
  const std::string_view credential = authorization.substr(authorization.find(' ') + 1);
  if (credential.empty()) return;
  for (auto at = body.find(credential); at != std::string::npos; at = body.find(credential, at)) {
    body.replace(at, credential.size(), "[hidden]");
  }
}

bool reads(const std::string& method) {
  return method == "GET" || method == "HEAD";
}

}  // namespace

struct Wire::Outcome {
  Result<Answer> answer;
  bool source_failed = false;
};

Result<Answer> Wire::send(const Purpose& purpose, const Call& call, const CallContext& context) {
  Tries tries = this->tries();
  Challenges challenges;
  while (true) {
    auto turn =
        options_.limits->turn(call.action, call.open_body ? Carries::blob : Carries::nothing, context);
    if (!turn) return failed(purpose, turn.error(), tries.count());
    Outcome outcome = once(call, challenges, context);
    if (outcome.source_failed) return std::move(outcome.answer).error();
    std::optional<Trouble> trouble;
    std::optional<std::chrono::seconds> retry_after;
    bool hopeless = false;
    if (outcome.answer) {
      outcome.answer->attempts = tries.count();
      retry_after = parse_retry_after(outcome.answer->headers.get("Retry-After"), clock_.wall());
      trouble = judge(call, *outcome.answer, *turn, retry_after);
      if (!trouble && outcome.answer->ok()) tries.succeeded();
      // Pulls come back over hours.
      hopeless = outcome.answer->quota && outcome.answer->quota->left == 0 && !retry_after;
    } else if (outcome.answer.error().retryable) {
      trouble = Trouble::transient;
    }
    bool again = false;
    const int attempts = tries.count();
    { const Limits::Turn over = *std::move(turn); }  // others go while this one waits
    if (trouble && call.retry && !hopeless) {
      auto decided = tries.again(*trouble, retry_after, context);
      if (!decided) return failed(purpose, decided.error(), attempts);
      again = *decided;
    }
    if (!again) {
      if (!outcome.answer) return failed(purpose, outcome.answer.error(), attempts);
      return std::move(outcome.answer);
    }
    log_.write(LogLevel::info, "registry", "retry",
               {{"purpose", purpose.text}, {"attempt", std::to_string(tries.count())}});
    if (call.happened && *trouble != Trouble::throttled) {
      DAVIT_TRY(const bool happened, call.happened());
      if (happened) {
        Answer answer;
        answer.method = call.request.method;
        answer.url = call.request.url;
        answer.attempts = tries.count();
        answer.already_done = true;
        return answer;
      }
    }
  }
}

/// What an answer means for the next try, and for the limits.
std::optional<Trouble> Wire::judge(const Call& call, Answer& answer, Limits::Turn& turn,
                                   std::optional<std::chrono::seconds> retry_after) {
  std::optional<Trouble> trouble = trouble_of(answer.status);
  // What S3 says, and stores that are like it.
  if (answer.status == 503 && answer.body.find("SlowDown") != std::string::npos) trouble = Trouble::throttled;
  const bool refused = trouble == Trouble::throttled || (answer.status == 503 && retry_after);
  if (refused) {
    // What is too long to wait for ends this request, and must not hold the others.
    const bool bearable = retry_after && *retry_after <= options_.retry.longest_retry_after;
    turn.refused(bearable ? *retry_after : std::chrono::seconds(0));
  } else if (!trouble) {
    turn.answered(answer.first_byte);
  }
  if (call.action == Action::read_manifest) {
    pulls_.note(answer.headers);
    if (answer.status == 429) answer.quota = pulls_.get();
  }
  return trouble;
}

/// One try: at most one refresh of the authorization, and redirects as far as they go.
Wire::Outcome Wire::once(const Call& call, Challenges& left, const CallContext& context) {
  net::RedirectChain chain(call.request.url);
  const bool reader = reads(call.request.method);
  while (true) {
    net::Request request = call.request;
    request.url = chain.current();
    if (!chain.trusted())
      request.peers = request.url.same_origin(call.request.url) ? call.request.peers : chain.peers();
    std::string authorization;
    const bool authorize = authorizer_ != nullptr && call.authorize && chain.trusted();
    if (authorize) {
      auto header = authorizer_->header(call.scope, context);
      if (!header) return {std::move(header).error()};
      authorization = *std::move(header);
      if (!authorization.empty()) request.headers.push_back({"Authorization", authorization});
    }
    std::unique_ptr<Watched> body;
    if (call.open_body) {
      auto opened = call.open_body();
      if (!opened) return {std::move(opened).error(), true};
      body = std::make_unique<Watched>(*std::move(opened), *options_.limits);
      request.source = body.get();
    }
    auto answer = receive(call, request, context);
    if (!answer) return {std::move(answer).error(), body && body->failed};
    if (!answer->ok()) hide_credential(answer->body, authorization);
    answer->foreign = !chain.trusted() || !call.authorize;
    answer->peers = request.peers;
    if (answer->status == 401 && authorize &&
        (authorization.empty() ? left.unauthorized : left.refused)-- > 0) {
      auto again = authorizer_->challenged(answer->headers.all("WWW-Authenticate"), call.scope, authorization,
                                           context);
      if (!again) return {std::move(again).error()};
      if (*again) continue;
    }
    const bool refusal = answer->status == 403 || answer->status == 400;
    if (refusal && authorize && !authorization.empty() && left.rejected > 0) {
      const ErrorBody said = parse_error_body(answer->body);
      const auth::Rejection rejection{.status = answer->status,
                                      .text = said.denial ? "is not authorized to perform" : said.text,
                                      .silent = call.request.method == "HEAD"};
      auto again = authorizer_->rejected(rejection, call.scope, authorization, context);
      if (!again) return {std::move(again).error()};
      if (*again) {
        --left.rejected;
        continue;
      }
    }
    // A write is repeated elsewhere only where the server says "the same request, there" (row 86).
    if (reader ? net::is_redirect(answer->status) : answer->status == 307 || answer->status == 308) {
      auto target = chain.next(answer->headers.get("Location"), answer->peer);
      if (!target) return {std::move(target).error()};
      if (!reader && !chain.trusted() && !target->secure() && !net::is_loopback(target->host())) {
        return {make_error(Errc::denied, "sent to " + target->redacted() + " without TLS")};
      }
      continue;
    }
    return {std::move(answer)};
  }
}

Result<Answer> Wire::receive(const Call& call, const net::Request& request, const CallContext& context) {
  const Clock::Steady left = clock_.steady();
  auto download = transport_.open(request, context);
  if (!download) {
    log_.write(
        LogLevel::debug, "registry", "no answer",
        {{"method", request.method}, {"url", request.url.redacted()}, {"error", download.error().message}});
    return std::move(download).error();
  }
  Answer answer;
  answer.method = request.method;
  answer.url = request.url;
  answer.status = (*download)->status();
  answer.headers = (*download)->headers();
  answer.peer = (*download)->peer();
  answer.first_byte = clock_.steady() - left;
  log_.write(LogLevel::debug, "registry", "answer",
             {{"method", request.method},
              {"url", request.url.redacted()},
              {"status", std::to_string(answer.status)}});
  note_warnings(answer.headers);
  if (call.stream && (answer.status == 200 || answer.status == 206)) {
    answer.stream = *std::move(download);
    return answer;
  }
  const std::uint64_t limit = answer.ok() ? request.answer_limit : kErrorBodyLimit;
  std::array<std::byte, 16384> block;
  while (true) {
    auto count = (*download)->read(block);
    // Of an error, what came is good enough; a success has to be complete.
    if (!count && (answer.ok() || count.error().code == Errc::cancelled)) return std::move(count).error();
    if (!count || *count == 0) return answer;
    if (answer.body.size() + *count > limit) {
      if (!answer.ok()) return answer;
      return make_error(Errc::protocol, "an answer of more than " + std::to_string(limit) + " bytes");
    }
    answer.body.append(reinterpret_cast<const char*>(block.data()), *count);
  }
}

void Wire::note_warnings(const net::Headers& headers) {
  if (!headers.has("Warning")) return;
  for (const std::string& value : headers.all("Warning")) {
    const std::string text = escaped(parse_warning(value));
    if (text.empty()) continue;
    {
      MutexLock lock(mutex_);
      if (warned_.size() >= kMostWarnings || !warned_.insert(text).second) continue;
    }
    log_.write(LogLevel::warning, "registry", "warning", {{"text", text}});
  }
}

}  // namespace davit::registry
