#include "rootfs/clean_path.h"

#include <algorithm>

#include "base/error.h"
#include "base/escape.h"

namespace davit::rootfs {

Result<std::string> clean_path(std::string_view name) {
  const std::string_view all = name;
  std::string out;
  while (!name.empty()) {
    const std::string_view part = name.substr(0, name.find('/'));
    name.remove_prefix(std::min(name.size(), part.size() + 1));
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      out.resize(parent_of(out).size());
      continue;
    }
    if (part.size() > kMaxName || out.size() + part.size() >= kMaxPath)
      return make_error(Errc::corrupt, "a path that is too long: \"" + escaped(all, 80) + "\"");
    if (!out.empty()) out += '/';
    out += part;
  }
  return out;
}

std::string_view parent_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view last_part(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace davit::rootfs
