#include "client/registry_argument.h"

#include <sys/stat.h>

#include "base/error.h"
#include "base/try.h"
#include "client/argument.h"
#include "client/sources.h"

namespace davit::client {

Result<Reference> registry_argument(std::string_view text, Registries& registries, Side side,
                                    const CallContext& context) {
  DAVIT_TRY(const std::string written, registries.expanded(text, side, context));
  DAVIT_TRY_VOID(refuse_foreign_source(written));
  const auto begins = [&](std::string_view scheme) { return written.starts_with(scheme); };
  struct stat status {};
  const bool folder =
      begins("oci:") || begins("ocidir://") ||
      (names_path(written) && ::stat(written.c_str(), &status) == 0 && S_ISDIR(status.st_mode));
  if (folder) return bad_argument(text, "a folder, and this is about images in registries");
  if (names_path(written) || begins("oci-archive:") || begins("docker-archive:"))
    return bad_argument(text, "a file, and this is about images in registries");
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
