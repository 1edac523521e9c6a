#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include <davit/rootfs.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "io/memory.h"
#include "rootfs/clean_path.h"
#include "rootfs/layers.h"
#include "rootfs/merge_layers.h"
#include "rootfs/search.h"

namespace davit {
namespace rootfs {
namespace {

constexpr std::uint64_t kKeep = std::uint64_t{1} << 20;

Error not_there() {
  return make_error(Errc::not_found, "there is no such file in the image").on(Side::source);
}

Error no_file(const std::string& what) {
  return make_error(Errc::unsupported, "it is " + what + ", not a regular file").on(Side::source);
}

Error sparse() {
  return make_error(Errc::unsupported, "it is a sparse file", "export has it as the layer has")
      .on(Side::source);
}

/// The content of one entry; then its layer is read to its end, which verifies it.
class EntrySource final : public ByteSource {
 public:
  explicit EntrySource(tar::Reader reader) : reader_(std::move(reader)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    if (ended_) return std::size_t{0};
    DAVIT_TRY(const std::size_t count, reader_.read(into));
    if (count != 0) return count;
    for (;;) {
      DAVIT_TRY(const bool more, reader_.next());
      if (!more) break;
    }
    ended_ = true;
    return std::size_t{0};
  }

 private:
  tar::Reader reader_;
  bool ended_ = false;
};

/// Another path to look for, from a layer on downwards.
struct GoOn {
  std::string path;
  std::size_t layer;
};

using Outcome = std::variant<GoOn, std::unique_ptr<ByteSource>>;

class Search {
 public:
  Search(Layers layers, const CallContext& context) : layers_(std::move(layers)), context_(context) {}

  /// Looks for a clean path in the layers below `top`.
  Result<Outcome> look(const std::string& path, std::size_t top) {
    if (path.empty()) return no_file("a directory");
    std::vector<bool> directory;  // which steps an upper layer has shown to be directories
    std::vector<bool> stated;     // by an entry; else they may be symlinks to directories
    for (std::size_t layer = top; layer-- > 0;) {
      DAVIT_TRY(tar::Reader reader, layers_.open(layer, context_));
      DAVIT_TRY(const LayerView view, LayerView::read(std::move(reader), path, kKeep));
      if (view.unclear()) unclear_ = true;
      directory.resize(view.steps().size());
      stated.resize(view.steps().size());
      bool lower_too = true;
      for (std::size_t i = 0; i < view.steps().size(); ++i) {
        const LayerView::Step& step = view.steps()[i];
        if (step.found && step.found->type != '5') {
          if (!directory[i]) return at(path, i, layer, *step.found);
          if (step.found->type == '2' && !stated[i]) unclear_ = true;
          lower_too = false;  // a directory took its place
          break;
        }
        if (step.found || step.below || step.opaque) directory[i] = true;
        if (step.found) stated[i] = true;
        if (step.whited_out || step.opaque) lower_too = false;
      }
      if (directory.back()) return no_file("a directory");
      if (!lower_too) break;
    }
    return not_there();
  }

  /// Layers that were looked at leave open whether they go through symlinks of lower ones.
  [[nodiscard]] bool unclear() const { return unclear_; }

  /// The same from all layers, put on top of each other.
  Result<std::unique_ptr<ByteSource>> look_into_all(std::string_view path) {
    DAVIT_TRY(const std::string clean, clean_path(path));
    DAVIT_TRY(const auto merge, merge_layers(layers_, context_));
    DAVIT_TRY(const std::uint32_t node, merge->find(clean));
    if (node == kNone) return not_there();
    const Node& found = merge->tree().at(node);
    if (found.type == '5') return no_file("a directory");
    if (found.type != '0' && found.type != 'S') return no_file("a device or a pipe");
    return content(found.layer, found.entry);
  }

 private:
  /// Something that is no directory is the file, or a link, or in the way.
  Result<Outcome> at(const std::string& path, std::size_t step, std::size_t layer,
                     const LayerView::Found& found) {
    std::size_t length = 0;
    for (std::size_t i = 0; i <= step; ++i)
      length = std::min(path.find('/', i == 0 ? 0 : length + 1), path.size());
    const std::string rest = path.substr(length);
    if (found.type == '2') {
      const std::string from =
          found.link.starts_with('/') ? std::string() : std::string(parent_of(path.substr(0, length)));
      return Outcome(GoOn{from + "/" + found.link + rest, layers_.size()});
    }
    if (found.type == '1') return Outcome(GoOn{found.link + rest, layer + 1});
    if (length != path.size()) return not_there();
    if (found.sparse) return sparse();
    if (found.type != '0') return no_file("a device or a pipe");
    if (found.content) {
      return Outcome(std::unique_ptr<ByteSource>(
          std::make_unique<io::MemorySource>(std::make_shared<const std::string>(*found.content))));
    }
    DAVIT_TRY(auto source, content(layer, found.position));
    return Outcome(std::move(source));
  }

  Result<std::unique_ptr<ByteSource>> content(std::size_t layer, std::uint32_t position) {
    DAVIT_TRY(tar::Reader reader, layers_.open(layer, context_));
    for (;;) {
      DAVIT_TRY(const bool more, reader.next());
      if (!more)
        return make_error(Errc::corrupt, layers_.shown(layer) + " is another one when it is read again");
      if (reader.position() == position) break;
    }
    if (reader.entry().is_sparse()) return sparse();
    return std::unique_ptr<ByteSource>(std::make_unique<EntrySource>(std::move(reader)));
  }

  Layers layers_;
  const CallContext& context_;
  bool unclear_ = false;
};

Result<std::unique_ptr<ByteSource>> find(Layers layers, std::string_view path, const CallContext& context) {
  GoOn next{std::string(path), layers.size()};
  Search search(std::move(layers), context);
  for (int links = 0; links <= kMaxLinks; ++links) {
    DAVIT_TRY(const std::string clean, clean_path(next.path));
    auto looked = search.look(clean, next.layer);
    if (search.unclear()) return search.look_into_all(path);
    DAVIT_TRY(Outcome outcome, std::move(looked));
    if (auto* source = std::get_if<std::unique_ptr<ByteSource>>(&outcome)) return std::move(*source);
    next = std::get<GoOn>(std::move(outcome));
  }
  return make_error(Errc::corrupt, "it leads through too many links").on(Side::source);
}

}  // namespace
}  // namespace rootfs

Result<std::unique_ptr<ByteSource>> read_file(ContentSource& source, const Manifest& image,
                                              std::string_view path, const CallContext& context) {
  DAVIT_TRY(rootfs::Layers layers, rootfs::Layers::of(source, image));
  auto found = rootfs::find(std::move(layers), path, context);
  if (!found) return found.error().with_context(escaped(path, 200));
  return found;
}

}  // namespace davit
