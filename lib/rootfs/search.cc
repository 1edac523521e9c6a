#include "rootfs/search.h"

#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "rootfs/clean_path.h"
#include "rootfs/whiteout.h"

namespace davit::rootfs {
namespace {

/// Which step a path is: 1 for "usr" on the way to "usr/bin/sh"; 0 when it is none.
std::size_t step_of(std::string_view name, std::string_view path) {
  if (name.empty() || !path.starts_with(name)) return 0;
  if (name.size() != path.size() && path[name.size()] != '/') return 0;
  std::size_t step = 1;
  for (const char c : name) step += c == '/' ? 1 : 0;
  return step;
}

/// The directories that entries have just stated, each in the one before it, as tars of trees have them.
class StatedDirectories {
 public:
  void see(std::string_view name, char type) {
    while (!stack_.empty() && !(name.starts_with(stack_.back()) && name.size() > stack_.back().size() &&
                                name[stack_.back().size()] == '/'))
      stack_.pop_back();
    if (type == '5' && !name.empty() && has(parent_of(name))) stack_.emplace_back(name);
  }
  [[nodiscard]] bool has(std::string_view directory) const {
    return directory.empty() || (!stack_.empty() && stack_.back() == directory);
  }

 private:
  std::vector<std::string> stack_;
};

bool has_part(std::string_view path, std::string_view name) {
  for (; !path.empty(); path = parent_of(path))
    if (last_part(path) == name) return true;
  return false;
}

Result<std::string> read_content(tar::Reader& reader) {
  std::string out(static_cast<std::size_t>(reader.entry().size), '\0');
  for (std::size_t done = 0; done < out.size();) {
    DAVIT_TRY(const std::size_t count, reader.read(std::as_writable_bytes(std::span(out).subspan(done))));
    done += count;  // a tar that ends early is an error, so this is never 0
  }
  return out;
}

}  // namespace

Result<LayerView> LayerView::read(tar::Reader reader, std::string_view path, std::uint64_t keep) {
  LayerView out;
  out.steps_.resize(step_of(path, path));
  StatedDirectories stated;
  for (;;) {
    DAVIT_TRY(const bool more, reader.next());
    if (!more) return out;
    const tar::Entry& entry = reader.entry();
    DAVIT_TRY(const std::string name, clean_path(entry.name));
    const std::string_view base = last_part(name);
    const std::string_view parent = parent_of(name);
    const bool opaque = base == kOpaque;
    if (!opaque && is_reserved(name)) continue;
    stated.see(name, entry.type);
    if (entry.type != '5' && !stated.has(parent)) {
      const bool gone = base.starts_with(kWhiteout);
      const std::string_view meant = opaque ? last_part(parent) : gone ? base.substr(kWhiteout.size()) : base;
      if (has_part(path, meant)) out.unclear_ = true;
    }
    if (opaque || base.starts_with(kWhiteout)) {
      std::string hidden(parent);
      if (!opaque) {
        if (!hidden.empty()) hidden += '/';
        hidden += base.substr(kWhiteout.size());
      }
      if (opaque && hidden.empty()) {
        out.steps_.front().whited_out = true;  // everything below the root
      } else if (const std::size_t step = step_of(hidden, path); step != 0) {
        (opaque ? out.steps_[step - 1].opaque : out.steps_[step - 1].whited_out) = true;
      }
      continue;
    }
    // Whatever lies below a directory shows that it is there.
    std::string_view above = parent;
    while (!above.empty() && step_of(above, path) == 0) above = parent_of(above);
    for (; !above.empty(); above = parent_of(above)) out.steps_[step_of(above, path) - 1].below = true;
    const std::size_t step = step_of(name, path);
    if (step == 0) continue;
    Found found{.type = entry.type,
                .link = {},
                .sparse = entry.is_sparse(),
                .position = reader.position(),
                .content = std::nullopt};
    if (entry.type == '1' || entry.type == '2') {
      if (entry.link.size() > kMaxPath) return make_error(Errc::corrupt, "a link that leads too far");
      found.link = entry.link;
    }
    if (step == out.steps_.size() && entry.type == '0' && entry.size <= keep) {
      DAVIT_TRY(found.content, read_content(reader));
    }
    out.steps_[step - 1].found = std::move(found);
  }
}

}  // namespace davit::rootfs
