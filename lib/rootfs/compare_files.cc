#include <optional>
#include <utility>
#include <vector>

#include <davit/diff.h>

#include "base/context.h"
#include "base/error.h"
#include "base/guarded.h"
#include "base/try.h"
#include "rootfs/facts.h"
#include "rootfs/facts_store.h"
#include "rootfs/layers.h"
#include "rootfs/merge.h"

namespace davit {
namespace rootfs {
namespace {

/// Puts a layer onto one or two trees.
Result<> read_layer(Layers& layers, std::size_t layer, std::span<Merge* const> merges, FactsStore& all,
                    const CallContext& context) {
  for (Merge* merge : merges) DAVIT_TRY_VOID(merge->next_layer());
  DAVIT_TRY(tar::Reader reader, layers.open(layer, context));
  for (;;) {
    DAVIT_TRY(const bool more, reader.next());
    if (!more) return {};
    std::uint32_t facts = kNone;
    if (reader.entry().type != '1') {
      DAVIT_TRY(const Facts found, facts_of(reader));
      facts = all.add(found);
    }
    for (Merge* merge : merges) {
      auto applied = merge->apply(reader.position(), reader.entry(), facts);
      if (!applied) return applied.error().with_context(layers.shown(layer)).on(Side::source);
    }
  }
}

/// Walks through two trees side by side.
class Walk {
 public:
  Walk(const Tree& first, const Tree& second, const FactsStore& facts, const EachFile& each)
      : first_(first), second_(second), facts_(facts), each_(each) {}

  Result<> run(const CallContext& context) {
    std::vector<Level> levels;
    levels.push_back(level(Tree::kRoot, Tree::kRoot, {}));
    while (!levels.empty()) {
      DAVIT_TRY_VOID(check(context));
      Level& here = levels.back();
      const auto [a, b] = next(here);
      if (a == kNone && b == kNone) {
        levels.pop_back();
        continue;
      }
      std::string path = here.path + std::string(a != kNone ? first_.name(a) : second_.name(b));
      DAVIT_TRY_VOID(compare(a, b, path));
      const std::uint32_t below_a = is_directory(first_, a) ? a : kNone;
      const std::uint32_t below_b = is_directory(second_, b) ? b : kNone;
      if (below_a != kNone || below_b != kNone) levels.push_back(level(below_a, below_b, path + "/"));
    }
    return {};
  }

 private:
  struct Level {
    std::string path;
    std::vector<std::uint32_t> first;
    std::vector<std::uint32_t> second;
    std::size_t at_first = 0;
    std::size_t at_second = 0;
  };

  static bool is_directory(const Tree& tree, std::uint32_t node) {
    return node != kNone && tree.at(node).type == '5';
  }

  [[nodiscard]] Level level(std::uint32_t a, std::uint32_t b, std::string path) const {
    Level out{.path = std::move(path), .first = {}, .second = {}};
    if (a != kNone) out.first = first_.children(a);
    if (b != kNone) out.second = second_.children(b);
    return out;
  }

  /// The nodes of the next name, where they are there.
  std::pair<std::uint32_t, std::uint32_t> next(Level& level) const {
    const std::uint32_t a = level.at_first < level.first.size() ? level.first[level.at_first] : kNone;
    const std::uint32_t b = level.at_second < level.second.size() ? level.second[level.at_second] : kNone;
    int order = 0;
    if (a == kNone || b == kNone) {
      order = a != kNone ? -1 : 1;
    } else {
      order = first_.name(a).compare(second_.name(b));
    }
    if (a == kNone && b == kNone) return {kNone, kNone};
    if (order <= 0) ++level.at_first;
    if (order >= 0) ++level.at_second;
    return {order <= 0 ? a : kNone, order >= 0 ? b : kNone};
  }

  [[nodiscard]] Facts facts(const Tree& tree, std::uint32_t node) const {
    const std::uint32_t place = tree.at(node).facts;
    return place == kNone ? Facts{} : facts_.at(place);
  }

  Result<> compare(std::uint32_t a, std::uint32_t b, const std::string& path) const {
    ComparedFile out{.path = path, .change = FileChange::changed};
    if (a != kNone) {
      out.first_type = first_.at(a).type;
      out.first_size = facts(first_, a).size;
    }
    if (b != kNone) {
      out.second_type = second_.at(b).type;
      out.second_size = facts(second_, b).size;
    }
    if (a == kNone) {
      out.change = FileChange::added;
    } else if (b == kNone) {
      out.change = FileChange::removed;
    } else if (out.first_type != out.second_type) {
      out.what.emplace_back("type");
    } else {
      if (first_.at(a).facts == second_.at(b).facts) return {};
      out.what = differences(facts(first_, a), facts(second_, b), out.first_type);
      if (out.what.empty()) return {};
    }
    return guarded([&] { return each_(out); });
  }

  const Tree& first_;
  const Tree& second_;
  const FactsStore& facts_;
  const EachFile& each_;
};

}  // namespace
}  // namespace rootfs

Result<> compare_files(ContentSource& first_source, const Manifest& first, ContentSource& second_source,
                       const Manifest& second, const EachFile& each, const CallContext& context,
                       const CompareOptions& options) {
  using namespace rootfs;
  DAVIT_TRY(Layers a, Layers::of(first_source, first));
  DAVIT_TRY(Layers b, Layers::of(second_source, second));
  if (options.first_made) {
    DAVIT_TRY(auto diff_ids, diff_ids_of(first_source, first, context));
    a.expect(std::move(diff_ids));
  }
  if (options.second_made) {
    DAVIT_TRY(auto diff_ids, diff_ids_of(second_source, second, context));
    b.expect(std::move(diff_ids));
  }
  Merge merge_a;
  Merge merge_b;
  Merge* const both[] = {&merge_a, &merge_b};
  FactsStore facts(both);
  const bool known =
      !options.first_made && !options.second_made;  // what is only claimed is read on both sides
  std::size_t shared = 0;
  for (; known && shared < a.size() && shared < b.size() && a.at(shared).digest == b.at(shared).digest;
       ++shared)
    DAVIT_TRY_VOID(read_layer(a, shared, both, facts, context));
  for (std::size_t layer = shared; layer < a.size(); ++layer)
    DAVIT_TRY_VOID(read_layer(a, layer, std::span(both).first(1), facts, context));
  for (std::size_t layer = shared; layer < b.size(); ++layer)
    DAVIT_TRY_VOID(read_layer(b, layer, std::span(both).last(1), facts, context));
  return Walk(merge_a.tree(), merge_b.tree(), facts, each).run(context);
}

}  // namespace davit
