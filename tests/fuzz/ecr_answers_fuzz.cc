#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "auth/iam_denial.h"
#include "aws/denial.h"
#include "aws/ecr_answers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace davit;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto grant = aws::parse_grant(text)) {
    for (const char c : grant->token.reveal()) {
      if (c <= ' ' || c >= 0x7f) std::abort();  // it goes into a header as it is
    }
  }
  static_cast<void>(aws::parse_layers(text));
  static_cast<void>(aws::parse_images(text));
  static_cast<void>(aws::parse_repositories(text));
  static_cast<void>(aws::parse_resource_tags(text));
  static_cast<void>(aws::parse_image_page(text));
  static_cast<void>(aws::parse_repository_page(text));
  static_cast<void>(aws::parse_deletion(text));
  static_cast<void>(aws::parse_alias_page(text));
  static_cast<void>(aws::password_end(text));
  static_cast<void>(aws::refusal_of(text));
  if (const auto denial = auth::parse_iam_denial(text)) {
    for (const char c : denial->text()) {
      if (static_cast<unsigned char>(c) < ' ') std::abort();  // it goes into a message
    }
  }
  return 0;
}
