#include "platform_flags.h"

#include <algorithm>

#include "flag_values.h"
#include "shared_flags.h"
#include "usage.h"

namespace davit::tool {
void PlatformFlags::add_to(CLI::App& command, const std::string& help) {
  with_environment(command.add_option("-p,--platform", wanted, help))
      ->type_name("OS/ARCH[/VARIANT]")
      ->check(suggested_words({"linux/amd64", "linux/arm64", "linux/arm/v7"}))
      ->allow_extra_args(false);
  command.add_flag("--all,--all-platforms", all)->group("");
  command.add_option("--override-os", override_os)->group("");
  command.add_option("--override-arch", override_arch)->group("");
  command.add_option("--override-variant", override_variant)->group("");
  command.add_option("--multi-arch", multi_arch)
      ->check(known_word("--multi-arch", {"system", "all", "index-only"}))
      ->group("");
}

void PlatformFlags::expect_one(CLI::App& command) {
  command.get_option("--platform")->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

Result<std::vector<Platform>> PlatformFlags::chosen() const {
  std::vector<Platform> out;
  for (const std::string& listed : wanted) {
    if (listed.empty()) return usage("--platform without a platform", "write --platform OS/ARCH[/VARIANT]");
    for (std::string_view left = listed; !left.empty();) {
      const std::string_view one = left.substr(0, left.find(','));
      left.remove_prefix(std::min(one.size() + 1, left.size()));
      if (one == "all") {
        out.clear();
        continue;
      }
      auto parsed = Platform::parse(one);
      if (!parsed) return parsed.error();
      out.push_back(*std::move(parsed));
    }
  }
  const bool overridden = !override_os.empty() || !override_arch.empty() || !override_variant.empty();
  if (multi_arch == "index-only")
    return usage("--multi-arch index-only: an index without its images is not copied",
                 "--multi-arch all copies every platform, --platform OS/ARCH those that it names");
  if (!wanted.empty() && (overridden || !multi_arch.empty()))
    return usage("--platform, and --multi-arch or --override-..., say two things about the same",
                 "leave out all but --platform");
  if (overridden && multi_arch == "all")
    return usage("--multi-arch all copies every platform, --override-... one", "leave out one of them");
  if (!overridden && multi_arch != "system") return out;
  const Platform here = Platform::host();
  for (const std::string& part : {override_os, override_arch, override_variant}) {
    if (part.find_first_of("/:") != std::string::npos)
      return usage("--override-os, --override-arch and --override-variant are one word each",
                   "write --platform OS/ARCH[/VARIANT]");
  }
  std::string system = (override_os.empty() ? here.os : override_os) + "/" +
                       (override_arch.empty() ? here.architecture : override_arch);
  if (!override_variant.empty()) system += "/" + override_variant;
  auto platform = Platform::parse(system);
  if (!platform) return platform.error();
  out = {*std::move(platform)};
  return out;
}

}  // namespace davit::tool
