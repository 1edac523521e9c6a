#include <davit/platform.h>

#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"
#include "model/platform_names.h"

namespace davit {
namespace {

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '.' || c == '_' || c == '-'; });
}

}  // namespace

Platform model::spelled(const Platform& platform) {
  Platform out = platform;
  out.os = lower_case(platform.os);
  out.architecture = lower_case(platform.architecture);
  out.variant = lower_case(platform.variant);
  if (out.os == "macos") out.os = "darwin";
  std::string& arch = out.architecture;
  if (arch == "x86_64" || arch == "x86-64") arch = "amd64";
  if (arch == "i386" || arch == "i486" || arch == "i586" || arch == "i686" || arch == "x86") arch = "386";
  if (arch == "aarch64") arch = "arm64";
  if (arch == "armhf") arch = "arm", out.variant = "v7";
  if (arch == "armel") arch = "arm", out.variant = "v6";
  return out;
}

Platform Platform::normalized() const {
  Platform out = model::spelled(*this);
  const std::string& arch = out.architecture;
  if (arch == "arm64" && (out.variant == "v8" || out.variant == "8")) out.variant.clear();
  if (arch == "amd64" && out.variant == "v1") out.variant.clear();
  if (arch == "arm") {
    if (out.variant.empty()) out.variant = "v7";
    if (out.variant.size() == 1) out.variant.insert(0, "v");
  }
  return out;
}

namespace {

/// Those that Go knows, and so everybody who builds images.
bool is_architecture(std::string_view word) {
  constexpr std::string_view kKnown[] = {"386",     "amd64",   "arm",    "arm64",    "loong64",
                                         "mips",    "mipsle",  "mips64", "mips64le", "ppc64",
                                         "ppc64le", "riscv64", "s390x",  "wasm"};
  return std::ranges::find(kKnown, word) != std::end(kKnown);
}

}  // namespace

Result<Platform> Platform::parse(std::string_view text) {
  const auto wrong = [&] {
    return make_error(Errc::invalid_argument, "platform \"" + escaped(text, 80) + "\": not OS/ARCH[/VARIANT]",
                      "write it as linux/amd64, linux/arm64 or linux/arm/v7");
  };
  Platform platform;
  std::string_view rest = text;
  if (const auto colon = rest.find(':'); colon != std::string_view::npos) {
    platform.os_version = rest.substr(colon + 1);
    if (!is_word(platform.os_version)) return wrong();
    rest = rest.substr(0, colon);
  }
  std::vector<std::string_view> parts;
  for (;;) {
    const auto slash = rest.find('/');
    parts.push_back(rest.substr(0, slash));
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (parts.size() > 3 || !std::ranges::all_of(parts, is_word)) return wrong();
  if (parts.size() == 1) {
    platform.os = "linux";
    platform.architecture = parts[0];
    if (!is_architecture(platform.normalized().architecture))
      return wrong();  // "linux" alone says too little
  } else {
    platform.os = parts[0];
    platform.architecture = parts[1];
    if (parts.size() == 3) platform.variant = parts[2];
  }
  return model::spelled(platform);
}

Platform Platform::host() {
  Platform platform{.os = "linux"};
#if defined(__x86_64__)
  platform.architecture = "amd64";
#elif defined(__aarch64__)
  platform.architecture = "arm64";
#elif defined(__arm__)
  platform.architecture = "arm";
#elif defined(__i386__)
  platform.architecture = "386";
#elif defined(__powerpc64__)
  platform.architecture = "ppc64le";
#elif defined(__s390x__)
  platform.architecture = "s390x";
#elif defined(__riscv)
  platform.architecture = "riscv64";
#endif
  return platform.normalized();
}

bool Platform::satisfies(const Platform& wanted) const {
  const Platform have = normalized();
  const Platform want = wanted.normalized();
  const auto fits = [](const std::string& h, const std::string& w) { return w.empty() || h == w; };
  return fits(have.os, want.os) && fits(have.architecture, want.architecture) &&
         fits(have.variant, want.variant) && fits(have.os_version, want.os_version);
}

std::string Platform::to_string() const {
  std::string out = os + "/" + architecture;
  if (!variant.empty()) out += "/" + variant;
  if (!os_version.empty()) out += ":" + os_version;
  return out;
}

}  // namespace davit
