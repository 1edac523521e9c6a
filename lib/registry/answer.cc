#include "registry/answer.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/json.h"
#include "registry/pull_count.h"

namespace davit::registry {
namespace {

constexpr std::size_t kMostCodes = 16;
constexpr std::size_t kExcerpt = 160;

Errc errc_of(int status, const ErrorBody& body) {
  const auto has = [&](std::string_view code) {
    return std::ranges::find(body.codes, code) != body.codes.end();
  };
  if (has("TAG_INVALID")) return Errc::conflict;
  if (has("DIGEST_INVALID") || has("SIZE_INVALID")) return Errc::corrupt;
  if (status == 400 && has("DENIED")) return Errc::denied;
  if (status == 400 && has("UNAUTHORIZED")) return Errc::unauthenticated;
  switch (status) {
    case 401:
      return Errc::unauthenticated;
    case 403:
      return Errc::denied;
    case 404:
      return Errc::not_found;
    case 409:
    case 412:  // what Harbor says about an immutable tag
      return Errc::conflict;
    case 429:
      return Errc::rate_limited;
    case 407:
      return Errc::unavailable;
    case 408:
    case 499:
      return Errc::unavailable;
    default:
      break;
  }
  if (status == 501 || status == 505) return Errc::unsupported;
  if (status >= 500) return Errc::unavailable;
  if (status >= 400) return Errc::unsupported;
  return Errc::protocol;
}

std::string hint_of(int status) {
  if (status == 413) return "a proxy in front of the registry may limit the size of requests";
  if (status == 407) return "the proxy wants a user name and password";
  return {};
}

HttpFacts facts_of(const Answer& answer) {
  HttpFacts facts{.method = answer.method,
                  .url = answer.url.redacted(),
                  .status = answer.status,
                  .codes = {},
                  .request_id = {}};
  for (const std::string_view name :
       {"X-Request-Id", "X-Amzn-RequestId", "X-Amz-Request-Id", "Docker-Request-Id"}) {
    if (facts.request_id.empty()) facts.request_id = escaped(answer.headers.get(name), 80);
  }
  return facts;
}

}  // namespace

bool is_html(const net::Headers& headers, std::string_view body) {
  const std::string_view type = headers.get("Content-Type");
  const std::size_t start = std::min(body.find_first_not_of(" \t\r\n\xef\xbb\xbf"), body.size());
  const std::string front = lower_case(body.substr(start, 14));
  return type.starts_with("text/html") || front.starts_with("<!doctype html") || front.starts_with("<html");
}

namespace {

/// What servers end their texts with says nothing.
std::string_view without_line_end(std::string_view text) {
  return text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
}

ErrorBody read_error_body(std::string_view body) {
  ErrorBody out;
  const auto document = parse_json(body, {.bytes = 64u << 10, .depth = 32, .values = 10'000});
  if (!document) {
    out.html = is_html({}, body);
    out.text = escaped(without_line_end(body.substr(0, 4 * kExcerpt)), kExcerpt);
    return out;
  }
  const auto note = [&](const nlohmann::json& each) {
    if (each.is_string()) {
      if (out.text.empty()) out.text = escaped(without_line_end(each.get_ref<const std::string&>()));
      return;
    }
    if (!each.is_object()) return;
    const std::string code = escaped(json_text(each, "code"), 64);
    if (!code.empty() && out.codes.size() < kMostCodes) out.codes.push_back(code);
    const std::string message = json_text(each, "message");
    if (out.text.empty()) out.text = escaped(without_line_end(message));
    if (!out.denial) out.denial = auth::parse_iam_denial(message);
  };
  if (!document->is_object()) {
    note(*document);
    return out;
  }
  const auto errors = document->find("errors");
  if (errors != document->end() && errors->is_array()) {
    for (const auto& each : *errors) note(each);
  } else if (errors != document->end()) {
    note(*errors);
  }
  for (const char* name : {"message", "error", "details"}) {  // what gateways in front of registries say
    if (out.text.empty()) out.text = escaped(without_line_end(json_text(*document, name)));
  }
  return out;
}

}  // namespace

ErrorBody parse_error_body(std::string_view body) {
  ErrorBody out = read_error_body(body);
  std::erase_if(out.codes,
                [](const std::string& code) {  // a code is a word, and nothing else is shown as one
                  return !std::ranges::all_of(
                      code, [](char c) { return is_alnum(c) || c == '_' || c == '-' || c == '.'; });
                });
  return out;
}

bool has_code(const Answer& answer, std::string_view code) {
  const auto codes = parse_error_body(answer.body).codes;
  return std::ranges::find(codes, code) != codes.end();
}

Error answer_error(const Purpose& purpose, const Answer& answer) {
  ErrorBody body = parse_error_body(answer.body);
  std::string message = purpose.text + ": " + std::to_string(answer.status);
  if (!body.codes.empty()) message += " " + body.codes.front();
  if (body.html) {
    message += ": a web page instead of a registry's answer";
  } else if (body.denial) {
    message += ": " + body.denial->text();
  } else if (!body.text.empty()) {
    message += ": " + body.text;
  }
  Error error = make_error(errc_of(answer.status, body), std::move(message), hint_of(answer.status));
  if (body.denial) error.hint = body.denial->hint();
  const Explanation* meaning =
      purpose.quirks == nullptr || body.denial
          ? nullptr
          : purpose.quirks->explain(body.codes.empty() ? "" : body.codes.front(), body.text);
  if (meaning != nullptr) {
    const bool writes = purpose.side == Side::destination && answer.method != "GET" &&
                        answer.method != "HEAD" && answer.method != "DELETE";
    if (!meaning->for_writers || writes) error.hint = meaning->hint;
    if (meaning->code_of_error) error.code = *meaning->code_of_error;
  }
  if (answer.quota) {
    error.message += "; " + text_of(*answer.quota);
    error.hint = "wait until some come back, or log in to " + answer.quota->registry +
                 ": whoever is known there may pull more";
  }
  error.side = purpose.side;
  error.attempts = answer.attempts;
  error.retryable = answer.status == 429 || answer.status == 408 || answer.status == 499 ||
                    (answer.status >= 500 && answer.status != 501 && answer.status != 505);
  error.http = facts_of(answer);
  error.http->codes = std::move(body.codes);
  return error;
}

Error strange_answer(const Purpose& purpose, const Answer& answer, Errc code, std::string_view why) {
  Error error = make_error(code, purpose.text + ": " + std::string(why));
  error.side = purpose.side;
  error.attempts = answer.attempts;
  error.http = facts_of(answer);
  return error;
}

Error failed(const Purpose& purpose, const Error& error, int attempts) {
  Error out = error.with_context(purpose.text).on(purpose.side);
  out.attempts = attempts;
  return out;
}

}  // namespace davit::registry
