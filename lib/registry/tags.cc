// The tag list.
#include <algorithm>

#include "base/try.h"
#include "registry/name_list.h"
#include "registry/repository.h"

namespace davit::registry {

Result<> Repository::read_tags(std::size_t page_size, const NamePage& each_page, const CallContext& context) {
  const auto n = std::min<std::uint64_t>(registry_.quirks().page_size, page_size);
  const NameList list{
      .first = url("tags/list").with_query("n", std::to_string(n)), .scope = scope(), .member = "tags"};
  return read_names(registry_, purpose("list tags", ""), list, each_page, context);
}

Result<std::vector<std::string>> Repository::tags(std::size_t most, const CallContext& context) {
  std::vector<std::string> all;
  DAVIT_TRY_VOID(read_tags(
      most,
      [&](const std::vector<std::string>& page) -> Result<bool> {
        all.insert(all.end(), page.begin(), page.end());
        if (all.size() > most) all.resize(most);
        return all.size() < most;
      },
      context));
  return all;
}

}  // namespace davit::registry
