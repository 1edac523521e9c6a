#include "client/registry_argument.h"

#include <algorithm>

#include "base/error.h"
#include "base/try.h"
#include "client/argument.h"
#include "client/sources.h"

namespace davit::client {

Result<Reference> registry_argument(std::string_view text, Registries& registries, Side side,
                                    const CallContext& context) {
  DAVIT_TRY(const std::string written, registries.expanded(text, side, context));
  DAVIT_TRY_VOID(refuse_foreign_source(written));
  constexpr std::string_view kFiles[] = {"oci:", "ocidir://", "oci-archive:", "docker-archive:"};
  const bool file = names_path(written) || std::ranges::any_of(kFiles, [&](std::string_view scheme) {
                      return written.starts_with(scheme);
                    });
  if (file) return bad_argument(text, "a file, and this is about images in registries");
  return Reference::parse(written);
}

Result<Manifest> manifest_of(const Reference& reference, registry::Repository& repository,
                             const CallContext& context) {
  const bool nothing_said = reference.tag.empty() && !reference.digest;
  auto found = repository.manifest(source_name(reference), context);
  if (!found && nothing_said && found.error().code == Errc::not_found) {
    Error error = found.error();
    error.hint = "no tag was written, so latest was looked for";
    return error;
  }
  if (!found) return found;
  DAVIT_TRY_VOID(check_pin(reference, found->descriptor().digest, Side::destination));
  return found;
}

}  // namespace davit::client
