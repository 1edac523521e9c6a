#include "commands/commands.h"

#include <algorithm>
#include <iterator>

namespace davit::tool {
namespace {

struct Row {
  std::string_view name;
  void (*add)(CLI::App&, Action&);
};

constexpr Row kRows[] = {
    {"push", add_push},       {"pull", add_pull},     {"copy", add_copy},
    {"mirror", add_mirror},   {"index", add_index},   {"manifest", add_manifest},
    {"cat", add_cat},         {"diff", add_diff},     {"export", add_export},
    {"inspect", add_inspect}, {"config", add_config}, {"digest", add_digest},
    {"blob", add_blob},       {"tree", add_tree},     {"validate", add_validate},
    {"append", add_append},   {"mutate", add_mutate}, {"rebase", add_rebase},
    {"flatten", add_flatten}, {"ls", add_ls},         {"tag", add_tag},
    {"delete", add_delete},   {"attach", add_attach}, {"discover", add_discover},
    {"login", add_login},     {"logout", add_logout}, {"auth", add_auth},
    {"ecr", add_ecr},         {"doctor", add_doctor}, {"serve", add_serve},
    {"version", add_version},
};

}  // namespace

void add_commands(CLI::App& app, Action& action, std::string_view typed) {
  if (const auto* row = std::ranges::find(kRows, typed, &Row::name); row != std::end(kRows))
    return row->add(app, action);
  for (const Row& row : kRows) row.add(app, action);
  // These are about all of them.
  add_completion(app, action);
  add_generate(app, action);
  add_help(app, action);
}

}  // namespace davit::tool
