#include "client/registry_argument.h"

#include <algorithm>

#include "base/error.h"
#include "base/try.h"
#include "client/argument.h"

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

Result<> check_digest(const Reference& reference, const Digest& found) {
  if (!reference.digest || *reference.digest == found) return {};
  return make_error(Errc::conflict, reference.to_string() + ": the tag points at " + found.to_string(),
                    "leave out the tag to have what the digest names");
}

Result<Manifest> manifest_of(const Reference& reference, registry::Repository& repository,
                             const CallContext& context) {
  const bool nothing_said = reference.tag.empty() && !reference.digest;
  const std::string name = nothing_said            ? "latest"
                           : reference.tag.empty() ? reference.digest->to_string()
                                                   : reference.tag;
  auto found = repository.manifest(name, context);
  if (!found && nothing_said && found.error().code == Errc::not_found) {
    Error error = found.error();
    error.hint = "no tag was written, so latest was looked for";
    return error;
  }
  if (!found) return found;
  DAVIT_TRY_VOID(check_digest(reference, found->descriptor().digest));
  return found;
}

CallContext context_of(const std::stop_token& stop, std::optional<std::chrono::milliseconds> timeout) {
  CallContext context{.stop = stop, .deadline = {}};
  if (timeout) context.deadline = std::chrono::steady_clock::now() + *timeout;
  return context;
}

}  // namespace davit::client
