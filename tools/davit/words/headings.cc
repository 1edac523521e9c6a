#include "words/headings.h"

#include <algorithm>
#include <iterator>

namespace davit::tool {
namespace {

struct Row {
  std::string_view command;
  std::string_view heading;
};

constexpr std::string_view kMove = "Move images";
constexpr std::string_view kIndex = "Multi-platform indexes";
constexpr std::string_view kLook = "Look at images";
constexpr std::string_view kChange = "Change images and tags";
constexpr std::string_view kReferrers = "What refers to images";
constexpr std::string_view kAccounts = "Registries and credentials";
constexpr std::string_view kTool = "davit itself";

// A new command gets its line here, beside the one in commands/commands.cc.
constexpr Row kRows[] = {
    {"push", kMove},       {"pull", kMove},       {"copy", kMove},        {"mirror", kMove},
    {"index", kIndex},     {"ls", kLook},         {"inspect", kLook},     {"tree", kLook},
    {"digest", kLook},     {"manifest", kLook},   {"config", kLook},      {"blob", kLook},
    {"diff", kLook},       {"cat", kLook},        {"export", kLook},      {"validate", kLook},
    {"tag", kChange},      {"delete", kChange},   {"append", kChange},    {"mutate", kChange},
    {"rebase", kChange},   {"flatten", kChange},  {"attach", kReferrers}, {"discover", kReferrers},
    {"login", kAccounts},  {"logout", kAccounts}, {"auth", kAccounts},    {"ecr", kAccounts},
    {"doctor", kAccounts}, {"serve", kAccounts},  {"completion", kTool},  {"help", kTool},
    {"version", kTool},
};

// Those that a command alone has come first, those that nearly all have last.
constexpr std::string_view kLast[] = {"Output", "Connection", "Credentials", "AWS",
                                      "Source or destinations alone"};

}  // namespace

Place place_of(std::string_view command) {
  const auto* row = std::ranges::find(kRows, command, &Row::command);
  if (row == std::end(kRows)) return {.heading = "More", .order = std::size(kRows)};
  return {.heading = std::string(row->heading), .order = static_cast<std::size_t>(row - std::begin(kRows))};
}

std::size_t order_of_options(std::string_view heading) {
  if (heading.empty()) return 0;
  const auto* last = std::ranges::find(kLast, heading);
  return last == std::end(kLast) ? 1 : 2 + static_cast<std::size_t>(last - std::begin(kLast));
}

}  // namespace davit::tool
