#include "archive/image_name.h"

#include <davit/reference.h>

namespace davit::archive {
namespace {

/// As Docker shows it: without the host and "library/" where they go without saying.
std::string familiar(const Reference& reference) {
  constexpr std::string_view kOfficial = "library/";
  if (reference.host != "docker.io") return reference.name();
  const std::string& repository = reference.repository;
  const bool official =
      repository.starts_with(kOfficial) && repository.find('/', kOfficial.size()) == std::string::npos;
  return official ? repository.substr(kOfficial.size()) : repository;
}

}  // namespace

ImageName image_name(std::string_view name) {
  ImageName out;
  if (name.find_first_of("/:@") != std::string_view::npos) {
    if (const auto reference = Reference::parse(name)) {
      if (reference->tag.empty() && reference->digest) return out;
      out.tag = reference->tag.empty() ? "latest" : reference->tag;
      out.full = reference->name() + ":" + out.tag;
      out.familiar = familiar(*reference) + ":" + out.tag;
      return out;
    }
  }
  out.tag = name;
  return out;
}

}  // namespace davit::archive
