// What credential services, programs and AWS itself answer. Whatever is accepted can be put into a header.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "aws/api.h"
#include "aws/credential_answers.h"
#include "aws/timestamps.h"
#include "aws/xml_fields.h"

using namespace davit;

namespace {

void require_header_text(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c >= 0x7f) std::abort();
  }
}

void look_at(const Result<aws::Credentials>& found) {
  if (!found) return;
  if (found->keys.id.empty() || found->keys.secret.empty()) std::abort();
  require_header_text(found->keys.id);
  require_header_text(found->keys.session_token.reveal());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  look_at(aws::parse_process_answer(text, "p"));
  look_at(aws::parse_metadata_answer(text, "m"));
  look_at(aws::parse_sso_answer(text, "s"));
  look_at(aws::parse_sts_answer(text, "t"));
  if (const auto token = aws::parse_sso_token(text)) {
    require_header_text(token->access_token.reveal());
    if (!aws::parse_sso_token(aws::renewed_sso_token(text, *token))) std::abort();
    static_cast<void>(aws::sso_renewal_request(*token));
  }
  static_cast<void>(aws::parse_sso_renewal(text).has_value());
  if (const auto token = aws::parse_id_token(text)) require_header_text(token->reveal());
  if (aws::xml_field(text, "Code").size() > size) std::abort();
  if (const auto time = aws::parse_iso8601(text)) {
    if (aws::parse_iso8601(aws::format_iso8601(*time)) != time) std::abort();
  }
  const net::Response response{.status = 400, .headers = {}, .body = std::string(text), .peer = {}};
  const Error error = aws::refusal("Call", *net::Url::parse("https://sts.amazonaws.com/"), response);
  for (const char c : error.message) {
    if (static_cast<unsigned char>(c) < 0x20) std::abort();
  }
  return 0;
}
