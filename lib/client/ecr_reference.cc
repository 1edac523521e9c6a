#include "client/ecr_reference.h"

#include <davit/reference.h>

#include "aws/ecr_host.h"
#include "base/error.h"
#include "base/escape.h"
#include "client/argument.h"

namespace davit::client {
namespace {

constexpr std::string_view kScheme = "ecr:";

}  // namespace

bool is_ecr_reference(std::string_view text) {
  return text.starts_with(kScheme);
}

Result<EcrReference> parse_ecr_reference(std::string_view text) {
  const std::string_view written = text;
  if (Reference::holds_credentials(text)) return bad_argument(text, "");
  text.remove_prefix(kScheme.size());
  EcrReference out;
  if (const auto slash = text.find('/'); slash != std::string_view::npos) {
    const std::string_view first = text.substr(0, slash);
    const auto dot = first.find('.');
    const bool with_account = dot != std::string_view::npos && aws::is_account(first.substr(0, dot));
    const std::string_view region = with_account ? first.substr(dot + 1) : first;
    if (aws::looks_like_region(region)) {
      if (with_account) out.account = first.substr(0, dot);
      out.region = region;
      text.remove_prefix(slash + 1);
    } else if (with_account) {
      return make_error(Errc::invalid_argument,
                        "\"" + escaped(written, 160) + "\": \"" + escaped(region, 60) + "\" is not a region",
                        "write ecr:ACCOUNT.REGION/REPOSITORY:TAG, for instance ecr:" +
                            std::string(first.substr(0, dot)) + ".eu-west-1/app:1.4");
    }
  }
  if (text.empty() || text.starts_with('/') || text.starts_with(':') || text.starts_with('@'))
    return make_error(Errc::invalid_argument, "\"" + escaped(written, 160) + "\": no repository",
                      "write ecr:REPOSITORY:TAG");
  out.rest = text;
  return out;
}

}  // namespace davit::client
