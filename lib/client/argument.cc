#include "client/argument.h"

#include <algorithm>

#include <sys/stat.h>

#include <davit/reference.h>

#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "model/refused_name.h"

namespace davit::client {
namespace {

struct Foreign {
  std::string_view scheme;
  std::string_view what;      ///< "davit does not WHAT"
  std::string_view to_read;   ///< the line for a source
  std::string_view to_write;  ///< what the archive is piped into; empty: a layout is the nearest thing
};
constexpr Foreign kForeign[] = {
    {"docker-daemon:", "talk to a Docker daemon", "docker save IMAGE | davit push - DESTINATION",
     "docker load"},
    {"containers-storage:", "know Podman's storage", "podman save IMAGE | davit push - DESTINATION",
     "podman load"},
    {"dir:", "know skopeo's dir: folders",
     "skopeo copy dir:PATH oci:LAYOUT, then davit push LAYOUT DESTINATION", ""},
};

const Foreign* foreign(std::string_view text) {
  const auto* found =
      std::ranges::find_if(kForeign, [&](const Foreign& each) { return text.starts_with(each.scheme); });
  return found == std::end(kForeign) ? nullptr : found;
}

/// A registry for some tools; after `oci:` a path from the root for others.
Result<> refuse_ambiguous(std::string_view text) {
  constexpr std::string_view kScheme = "oci://";
  if (!text.starts_with(kScheme)) return {};
  const std::string rest = escaped(text.substr(kScheme.size()), 200);
  return bad_argument(text, "a registry, or a folder?", "write docker://" + rest + " or oci:/" + rest);
}

/// Where such a name has a meaning it has been written out before.
Result<> refuse_short_name(std::string_view text) {
  if (!text.starts_with("ecr:")) return {};
  return bad_argument(text, "an ecr: name cannot be used here",
                      "write the registry's host name: ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPO:TAG");
}

std::string in_line(std::string_view argument, std::string_view instead) {
  return Reference::holds_credentials(argument) ? std::string(instead) : escaped(argument, 200);
}

}  // namespace

std::string_view to_string(Verb verb) {
  switch (verb) {
    case Verb::push:
      return "push";
    case Verb::pull:
      return "pull";
    case Verb::copy:
      return "copy";
    case Verb::index:
      break;
  }
  return "index create";
}

Error bad_argument(std::string_view text, const std::string& why, std::string hint) {
  if (Reference::holds_credentials(text)) return model::refused_name(text);
  return make_error(Errc::invalid_argument, "\"" + escaped(text, 160) + "\": " + why, std::move(hint));
}

Error tag_in_use(const std::string& name, const Digest& now, const Digest& wanted) {
  return make_error(Errc::already_exists,
                    name + " points at " + now.to_string() + ", not at " + wanted.to_string(),
                    "without --no-clobber it is moved")
      .on(Side::destination);
}

std::string command_line(Verb verb, std::string_view source, std::string_view destination) {
  const std::string from = in_line(source, "SOURCE");
  const std::string to = in_line(destination, "DESTINATION");
  if (verb == Verb::index || source.empty()) return "write " + to;
  return "davit " + std::string(to_string(verb)) + " " + from + " " + to;
}

bool ends_like(std::string_view text, std::string_view ending) {
  return text.size() >= ending.size() && same_but_case(text.substr(text.size() - ending.size()), ending);
}

bool names_path(std::string_view text) {
  const auto begins = [&](std::string_view with) { return text.starts_with(with); };
  if (text == "-" || text == "." || text == ".." || begins("/") || begins("./") || begins("../")) return true;
  return !Reference::names_registry(text) && (ends_like(text, ".tar") || ends_like(text, ".tgz") ||
                                              ends_like(text, ".tar.gz") || ends_like(text, ".tar.zst"));
}

bool names_file(std::string_view text) {
  return names_path(text) || (text.ends_with('/') && !Reference::names_registry(text));
}

bool is_there(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

bool is_directory(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

Result<> refuse_foreign_source(std::string_view text) {
  DAVIT_TRY_VOID(refuse_ambiguous(text));
  if (const Foreign* found = foreign(text))
    return bad_argument(text, "davit does not " + std::string(found->what), std::string(found->to_read));
  return refuse_short_name(text);
}

Result<> refuse_foreign_destination(std::string_view text, Verb verb, std::string_view source) {
  DAVIT_TRY_VOID(refuse_ambiguous(text));
  const Foreign* found = foreign(text);
  if (found == nullptr) return refuse_short_name(text);
  const Verb into_file = verb == Verb::push ? Verb::copy : verb;
  const std::string rest(text.substr(found->scheme.size()));
  if (verb == Verb::index && !found->to_write.empty())
    return bad_argument(text, "davit does not " + std::string(found->what),
                        "write oci:FOLDER:TAG, or REGISTRY/REPOSITORY:TAG");
  return bad_argument(text, "davit does not " + std::string(found->what),
                      found->to_write.empty()
                          ? command_line(into_file, source, "oci:" + rest)
                          : command_line(into_file, source, "-") + " | " + std::string(found->to_write));
}

}  // namespace davit::client
