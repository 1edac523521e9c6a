#include "rootfs/merge.h"

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "rootfs/clean_path.h"
#include "rootfs/directory_attributes.h"
#include "rootfs/whiteout.h"

namespace davit::rootfs {
namespace {

std::string quoted_name(std::string_view name) {
  return "\"" + escaped(name, 160) + "\"";
}

}  // namespace

Result<> Merge::next_layer() {
  if (begun_ && layer_ == UINT16_MAX) return make_error(Errc::corrupt, "more than 65536 layers");
  if (begun_) ++layer_;
  begun_ = true;
  return {};
}

void Merge::renumber_facts(std::span<const std::uint32_t> numbers) {
  for (std::uint32_t node = 0; node < tree_.size(); ++node)
    if (std::uint32_t& facts = tree_.at(node).facts; facts != kNone) facts = numbers[facts];
}

Result<> Merge::apply(std::uint32_t position, const tar::Entry& entry, std::uint32_t facts) {
  DAVIT_TRY(const std::string path, clean_path(entry.name));
  auto done = apply_to(path, position, entry, facts);
  if (!done) return done.error().with_context(quoted_name(entry.name));
  return {};
}

Result<std::uint32_t> Merge::find(std::string_view path) {
  std::string here(path);
  for (int links = 0; links <= kMaxLinks; ++links) {
    DAVIT_TRY(const std::uint32_t parent, tree_.directory(parent_of(here), Tree::Missing::leave, layer_));
    const std::string_view name = last_part(here);
    if (parent == kNone) return kNone;
    if (name.empty() || name == "." || name == "..")
      return tree_.directory(here, Tree::Missing::leave, layer_);
    const std::uint32_t node = tree_.find(parent, name);
    if (node == kNone || tree_.at(node).type != '2') return node;
    std::string target(tree_.texts().at(tree_.at(node).extra));
    if (!target.starts_with('/')) target.insert(0, tree_.path(parent) + "/");
    here = std::move(target);
  }
  return make_error(Errc::corrupt, "it leads through too many links");
}

Result<> Merge::apply_to(std::string_view path, std::uint32_t position, const tar::Entry& entry,
                         std::uint32_t facts) {
  if (path.empty()) {
    if (entry.type != '5') return make_error(Errc::corrupt, "in place of the root directory");
    return put_directory(Tree::kRoot, position, entry, facts);
  }
  const std::string_view name = last_part(path);
  if (name == kOpaque && !is_reserved(parent_of(path))) return hide(parent_of(path), std::nullopt);
  if (is_reserved(path)) return {};
  if (name.starts_with(kWhiteout)) return hide(parent_of(path), name.substr(kWhiteout.size()));

  DAVIT_TRY(const std::uint32_t parent, tree_.directory(parent_of(path), Tree::Missing::make, layer_));
  DAVIT_TRY(const std::uint32_t node, tree_.place(parent, name));
  switch (entry.type) {
    case '5':
      return put_directory(node, position, entry, facts);
    case '1':
      return put_link(node, entry);
    case '0':
    case '2':
    case '3':
    case '4':
    case '6':
    case 'S':
      break;
    default:
      return make_error(Errc::corrupt, std::string("an entry of the type '") + escaped({&entry.type, 1}) +
                                           "', which no file has");
  }
  if (tree_.at(node).type == '5') DAVIT_TRY_VOID(tree_.remove(node, Tree::Names::all, layer_));
  std::uint32_t extra = kNone;
  if (entry.type == '2') {
    if (entry.link.empty() || entry.link.size() > kMaxPath)
      return make_error(Errc::corrupt, "a symlink to nowhere, or too far");
    DAVIT_TRY(extra, tree_.texts().add(entry.link));
  }
  Node& made = tree_.at(node);
  made.type = entry.type;
  made.extra = extra;
  made.facts = facts;
  made.entry = position;
  made.layer = made.named = layer_;
  return {};
}

/// Nothing is hidden in a directory that is not there. Without a name, all that is in the directory is.
Result<> Merge::hide(std::string_view directory, std::optional<std::string_view> name) {
  if (name && (name->empty() || *name == "." || *name == ".."))
    return make_error(Errc::corrupt, "a whiteout of nothing");
  DAVIT_TRY(const std::uint32_t parent, tree_.directory(directory, Tree::Missing::leave, layer_));
  if (parent == kNone) return {};
  if (!name) return tree_.remove_children(parent, Tree::Names::of_lower_layers, layer_);
  const std::uint32_t node = tree_.find(parent, *name);
  if (node == kNone) return {};
  return tree_.remove(node, Tree::Names::of_lower_layers, layer_);
}

Result<> Merge::put_directory(std::uint32_t node, std::uint32_t position, const tar::Entry& entry,
                              std::uint32_t facts) {
  const std::string attributes = packed(entry.attributes);
  Node& made = tree_.at(node);
  const bool known = made.type == '5' && made.extra != kNone;
  DAVIT_TRY(made.extra,
            known ? tree_.texts().replace(made.extra, attributes) : tree_.texts().add(attributes));
  made.type = '5';
  made.facts = facts;
  made.entry = position;
  made.layer = made.named = layer_;
  return {};
}

/// A link is another name for what its target is now, whatever becomes of the target's own name.
Result<> Merge::put_link(std::uint32_t node, const tar::Entry& entry) {
  DAVIT_TRY(const std::string path, clean_path(entry.link));
  DAVIT_TRY(const std::uint32_t parent, tree_.directory(parent_of(path), Tree::Missing::leave, layer_));
  const std::uint32_t target = parent == kNone || path.empty() ? kNone : tree_.find(parent, last_part(path));
  if (target == kNone || tree_.at(target).type == '5') {
    return make_error(Errc::corrupt, "a hard link to " + quoted_name(entry.link) +
                                         (target == kNone ? ", which is not there" : ", a directory"));
  }
  if (target == node) return {};
  const Node from = tree_.at(target);
  if (tree_.at(node).type == '5') {
    DAVIT_TRY_VOID(tree_.remove(node, Tree::Names::all, layer_));
    if (tree_.at(target).type == 0)
      return make_error(Errc::corrupt,
                        "a hard link to " + quoted_name(entry.link) + ", which it takes the place of");
  }
  Node& made = tree_.at(node);
  made.type = from.type;
  made.extra = from.extra;
  made.facts = from.facts;
  made.entry = from.entry;
  made.layer = from.layer;
  made.named = layer_;
  return {};
}

}  // namespace davit::rootfs
