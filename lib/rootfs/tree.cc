#include "rootfs/tree.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "rootfs/clean_path.h"

namespace davit::rootfs {
namespace {

constexpr std::size_t kMaxRest = 64 << 10;

}  // namespace

/// The seed is another one in each run, so that nobody can choose names that all fall into one slot.
Tree::Tree() : slots_(1024, kNone), seed_(std::hash<const void*>()(this) >> 4) {
  nodes_.emplace_back();
  nodes_.front().parent = kRoot;
  nodes_.front().type = '5';
}

std::string Tree::path(std::uint32_t node) const {
  std::vector<std::string_view> parts;
  for (; node != kRoot; node = nodes_[node].parent) parts.push_back(name(node));
  std::string out;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (!out.empty()) out += '/';
    out += *part;
  }
  return out;
}

/// Where a node of that name is, or could be put.
std::size_t Tree::slot(std::uint32_t directory, std::string_view wanted) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t hash = std::hash<std::string_view>()(wanted) ^ seed_;
  hash = (hash + directory) * 0x9e3779b97f4a7c15u;
  hash ^= hash >> 29;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const std::uint32_t node = slots_[at];
    if (node == kNone || (nodes_[node].parent == directory && name(node) == wanted)) return at;
  }
}

std::uint32_t Tree::find(std::uint32_t directory, std::string_view wanted) const {
  const std::uint32_t node = slots_[slot(directory, wanted)];
  return node == kNone || nodes_[node].type == 0 ? kNone : node;
}

Result<std::uint32_t> Tree::place(std::uint32_t directory, std::string_view wanted) {
  if (const std::uint32_t known = slots_[slot(directory, wanted)]; known != kNone) return known;
  if (nodes_.size() == kMaxNodes)
    return make_error(Errc::corrupt, "more than " + std::to_string(kMaxNodes) + " paths");
  if ((nodes_.size() + 1) * 4 > slots_.size() * 3) grow();
  const auto made = static_cast<std::uint32_t>(nodes_.size());
  Node node{.parent = directory, .next_sibling = nodes_[directory].first_child};
  DAVIT_TRY(node.name, texts_.add(wanted));
  const std::size_t at = slot(directory, wanted);
  nodes_.push_back(node);
  nodes_[directory].first_child = made;
  slots_[at] = made;
  return made;
}

void Tree::grow() {
  slots_ = std::vector<std::uint32_t>(slots_.size() * 2, kNone);
  for (std::uint32_t node = kRoot + 1; node < nodes_.size(); ++node)
    slots_[slot(nodes_[node].parent, name(node))] = node;
}

Result<std::uint32_t> Tree::directory(std::string_view path, Missing missing, std::uint16_t layer) {
  std::uint32_t at = kRoot;
  std::string rewritten;  // the rest of the path once a symlink has been followed
  std::string_view rest = path;
  for (int links = 0; !rest.empty();) {
    const std::string_view part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      at = nodes_[at].parent;
      continue;
    }
    std::uint32_t next = find(at, part);
    if (next != kNone && nodes_[next].type == '2') {
      const std::string_view target = texts_.at(nodes_[next].extra);
      if (++links > kMaxLinks || target.size() + rest.size() > kMaxRest)
        return make_error(Errc::corrupt, "\"" + escaped(path, 120) + "\" leads through too many symlinks");
      if (target.starts_with('/')) at = kRoot;
      std::string longer = std::string(target) + "/" + std::string(rest);
      rewritten = std::move(longer);
      rest = rewritten;
      continue;
    }
    if (next == kNone || nodes_[next].type != '5') {
      if (missing == Missing::leave) return kNone;
      DAVIT_TRY(next, place(at, part));
      Node& node = nodes_[next];
      node.type = '5';
      node.extra = node.facts = node.entry = kNone;
      node.layer = node.named = layer;
    }
    at = next;
  }
  return at;
}

Result<> Tree::remove(std::uint32_t node, Names which, std::uint16_t layer) {
  return prune({node}, which, layer);
}

Result<> Tree::remove_children(std::uint32_t node, Names which, std::uint16_t layer) {
  std::vector<std::uint32_t> below;
  for (std::uint32_t child = nodes_[node].first_child; child != kNone; child = nodes_[child].next_sibling) {
    ++work_;
    if (nodes_[child].type != 0) below.push_back(child);
  }
  return prune(std::move(below), which, layer);
}

/// `below` grows to everything concerned, parents first; from its end on it is gone through.
Result<> Tree::prune(std::vector<std::uint32_t> below, Names which, std::uint16_t layer) {
  for (std::size_t i = 0; i < below.size(); ++i) {
    for (std::uint32_t child = nodes_[below[i]].first_child; child != kNone;
         child = nodes_[child].next_sibling) {
      ++work_;
      if (nodes_[child].type != 0) below.push_back(child);
    }
  }
  work_ += below.size();
  if (work_ > 100 * std::uint64_t{kMaxNodes})
    return make_error(Errc::corrupt, "whiteouts that hide the same files again and again");
  for (auto it = below.rbegin(); it != below.rend(); ++it) {
    Node& node = nodes_[*it];
    if (which == Names::of_lower_layers && node.named >= layer) continue;
    bool inhabited = false;
    for (std::uint32_t child = node.first_child; child != kNone && !inhabited;
         child = nodes_[child].next_sibling)
      inhabited = nodes_[child].type != 0;
    node.extra = node.facts = node.entry = kNone;
    node.named = node.layer = layer;
    node.type = inhabited ? '5' : '\0';
  }
  return {};
}

std::vector<std::uint32_t> Tree::children(std::uint32_t node) const {
  std::vector<std::uint32_t> out;
  for (std::uint32_t child = nodes_[node].first_child; child != kNone; child = nodes_[child].next_sibling)
    if (nodes_[child].type != 0) out.push_back(child);
  std::ranges::sort(out, {}, [this](std::uint32_t child) { return name(child); });
  return out;
}

}  // namespace davit::rootfs
