#include <algorithm>
#include <array>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <davit/rootfs.h>

#include "base/context.h"
#include "base/error.h"
#include "base/try.h"
#include "rootfs/directory_attributes.h"
#include "rootfs/layers.h"
#include "rootfs/merge.h"
#include "rootfs/merge_layers.h"
#include "tar/write.h"

namespace davit {
namespace rootfs {
namespace {

constexpr std::uint32_t kImpliedMode = 0755;

/// The names that are left and are no directories, in the order in which their layers have what they stand
/// for.
std::vector<std::uint32_t> files_of(const Tree& tree) {
  std::vector<std::uint32_t> out;
  for (std::uint32_t node = 0; node < tree.size(); ++node)
    if (tree.at(node).type != 0 && tree.at(node).type != '5') out.push_back(node);
  std::ranges::sort(out, {}, [&tree](std::uint32_t node) {
    return std::tuple(tree.at(node).layer, tree.at(node).entry, node);
  });
  return out;
}

/// Goes through the directories, each before what is in it, in the order of their names.
class Directories {
 public:
  explicit Directories(const Tree& tree) : tree_(tree), waiting_{Tree::kRoot} {}

  std::optional<std::uint32_t> next() {
    if (waiting_.empty()) return std::nullopt;
    const std::uint32_t node = waiting_.back();
    waiting_.pop_back();
    const auto children = tree_.children(node);
    for (auto child = children.rbegin(); child != children.rend(); ++child)
      if (tree_.at(*child).type == '5') waiting_.push_back(*child);
    return node;
  }

 private:
  const Tree& tree_;
  std::vector<std::uint32_t> waiting_;
};

class FlattenedRoot final : public ByteSource {
 public:
  FlattenedRoot(Layers layers, std::unique_ptr<const Merge> merge, CallContext context)
      : layers_(std::move(layers)),
        merge_(std::move(merge)),
        tree_(merge_->tree()),
        context_(std::move(context)),
        directories_(tree_),
        files_(files_of(tree_)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    if (failed_) return *failed_;
    auto count = read_some(into);
    if (!count) failed_ = count.error();
    return count;
  }

 private:
  Result<std::size_t> read_some(std::span<std::byte> into) {
    for (;;) {
      if (sent_ < ready_.size()) {
        const std::size_t count = std::min(into.size(), ready_.size() - sent_);
        std::ranges::copy(std::as_bytes(std::span(ready_).subspan(sent_, count)), into.begin());
        sent_ += count;
        return count;
      }
      ready_.clear();
      sent_ = 0;
      DAVIT_TRY_VOID(check(context_));
      if (in_content_) {
        DAVIT_TRY(const std::size_t count, layer_->read(into));
        if (count != 0) return count;
        end_of_content();
      } else if (ended_) {
        return std::size_t{0};
      } else {
        DAVIT_TRY_VOID(go_on());
      }
    }
  }

  /// Makes the next bytes ready, or opens content.
  Result<> go_on() {
    if (!directories_done_) {
      const auto node = directories_.next();
      if (node) {
        put_directory(*node);
      } else {
        directories_done_ = true;
      }
      return {};
    }
    if (layer_) return next_entry();
    if (file_ == files_.size()) {
      ready_.append(tar::kEnd, '\0');
      ended_ = true;
      return {};
    }
    open_ = tree_.at(files_[file_]).layer;
    DAVIT_TRY(layer_, layers_.open(open_, context_));
    return {};
  }

  void put_directory(std::uint32_t node) {
    const std::uint32_t stated = tree_.at(node).extra;
    if (node == Tree::kRoot && stated == kNone) return;
    tar::Entry entry{.name = {}, .link = {}, .type = '5'};
    entry.attributes.mode = kImpliedMode;
    if (stated != kNone) entry.attributes = unpacked(tree_.texts().at(stated));
    ready_ = tar::entry_head(entry, node == Tree::kRoot ? "." : tree_.path(node), {});
  }

  /// Every layer is read to its end, so that it is verified.
  Result<> next_entry() {
    if (put_link()) return {};
    DAVIT_TRY(const bool more, layer_->next());
    const bool here = file_ < files_.size() && tree_.at(files_[file_]).layer == open_;
    if (!more) {
      layer_.reset();
      return here ? changed() : Result<>();
    }
    if (!here || tree_.at(files_[file_]).entry != layer_->position()) return {};
    const std::uint32_t node = files_[file_];
    const tar::Entry& entry = layer_->entry();
    if (entry.type != tree_.at(node).type) return changed();
    name_ = tree_.path(node);
    ready_ = tar::entry_head(entry, name_, entry.type == '2' ? entry.link : std::string());
    if (entry.size != 0) {
      in_content_ = true;
    }
    first_ = file_++;
    return {};
  }

  void end_of_content() {
    in_content_ = false;
    ready_.append(tar::padding(layer_->entry().size), '\0');
  }

  /// The next one of the other names of the entry that was just written, if there is one more.
  bool put_link() {
    if (!first_) return false;
    const Node& first = tree_.at(files_[*first_]);
    if (file_ == files_.size() || tree_.at(files_[file_]).layer != first.layer ||
        tree_.at(files_[file_]).entry != first.entry) {
      first_.reset();
      return false;
    }
    tar::Entry link{.name = {}, .link = {}, .type = '1', .size = 0, .attributes = layer_->entry().attributes};
    link.attributes.records.clear();
    link.attributes.sparse_map.clear();
    ready_ = tar::entry_head(link, tree_.path(files_[file_++]), name_);
    return true;
  }

  [[nodiscard]] Error changed() const {
    return make_error(Errc::corrupt, layers_.shown(open_) + " is another one when it is read again")
        .on(Side::source);
  }

  Layers layers_;
  std::unique_ptr<const Merge> merge_;
  const Tree& tree_;
  CallContext context_;
  Directories directories_;
  std::vector<std::uint32_t> files_;
  std::size_t file_ = 0;              ///< the next one to be written
  std::optional<std::size_t> first_;  ///< the one that was written last, while it may have other names
  std::optional<tar::Reader> layer_;
  std::size_t open_ = 0;  ///< which one that is
  std::string name_;      ///< of the file that was written last
  std::string ready_;
  std::size_t sent_ = 0;  ///< of what is ready
  bool directories_done_ = false;
  bool in_content_ = false;
  bool ended_ = false;
  std::optional<Error> failed_;
};

}  // namespace
}  // namespace rootfs

Result<std::unique_ptr<ByteSource>> flattened_root(ContentSource& source, const Manifest& image,
                                                   const CallContext& context) {
  using namespace rootfs;
  DAVIT_TRY(Layers layers, Layers::of(source, image));
  DAVIT_TRY(auto diff_ids, diff_ids_of(source, image, context));
  layers.expect(std::move(diff_ids));
  DAVIT_TRY(auto merge, merge_layers(layers, context));
  layers.expect({});  // the second reading is compared with the first
  return std::unique_ptr<ByteSource>(
      std::make_unique<FlattenedRoot>(std::move(layers), std::move(merge), context));
}

}  // namespace davit
