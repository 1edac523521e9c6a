#include "config/masterminds_range.h"

#include "base/error.h"
#include "base/try.h"
#include "config/replace_all.h"
#include "model/semver.h"

namespace davit::config {
namespace {

/// A dash that belongs to a version, unlike that of "1.2 - 1.4".
bool has_prerelease(std::string_view text) {
  for (auto at = text.find('-'); at != std::string_view::npos; at = text.find('-', at + 1)) {
    const bool alone = at > 0 && text[at - 1] == ' ' && at + 1 < text.size() && text[at + 1] == ' ';
    if (!alone) return true;
  }
  return false;
}

/// "> = 1" is no operator anywhere; "> 1" is one here and there.
std::string without_gaps(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool behind_operator =
        !out.empty() && std::string_view("<>=~^").find(out.back()) != std::string_view::npos;
    if (text[i] == ' ' && behind_operator) continue;
    out += text[i];
  }
  return out;
}

}  // namespace

Result<std::string> npm_range(std::string_view masterminds) {
  std::string out(masterminds);
  if (out.find('!') != std::string::npos) return make_error(Errc::invalid_argument, "!= is not supported");
  if (has_prerelease(out))
    return make_error(Errc::invalid_argument, "a bound that is a prerelease is not supported");
  replace_all(out, ",", " ");
  replace_all(out, "=>", ">=");
  replace_all(out, "=<", "<=");
  replace_all(out, "~>", "~");
  out = without_gaps(out);
  DAVIT_TRY_VOID(model::VersionRange::parse(out));
  return out;
}

}  // namespace davit::config
