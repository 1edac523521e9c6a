#include "tar/index.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/context.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "tar/fields.h"
#include "tar/header.h"

namespace davit::tar {
namespace {

constexpr std::size_t kMaxEntries = 100'000;  // an image archive has a few per layer
constexpr std::size_t kMaxNames = std::size_t{16} << 20;
constexpr int kMaxLinks = 16;

enum class DotDot { refuse, resolve };

/// The name without "./", "//" and the like. Empty when it is absolute or leaves the archive: such an entry
/// cannot be meant by anything. Only links may go up.
std::string cleaned(std::string_view name, DotDot dot_dot = DotDot::refuse) {
  std::vector<std::string_view> parts;
  if (name.starts_with('/')) return {};
  while (!name.empty()) {
    const std::string_view part = name.substr(0, name.find('/'));
    name.remove_prefix(std::min(name.size(), part.size() + 1));
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (parts.empty() || dot_dot == DotDot::refuse) return {};
      parts.pop_back();
    } else {
      parts.push_back(part);
    }
  }
  std::string out;
  for (const std::string_view part : parts) {
    if (!out.empty()) out += '/';
    out += part;
  }
  return out;
}

std::string parent(std::string_view name) {
  const auto slash = name.rfind('/');
  return slash == std::string_view::npos ? std::string() : std::string(name.substr(0, slash + 1));
}

}  // namespace

/// Goes from header to header. A small window is read at a time, so that runs of small entries cost one
/// system call.
class Index::Reader {
 public:
  Reader(Index& index, std::uint64_t size, const CallContext& context)
      : index_(index), size_(size), context_(context) {}

  Result<> run() {
    while (position_ < size_) {
      if (++headers_ % 1024 == 0) DAVIT_TRY_VOID(check(context_));
      const std::uint64_t at = position_;
      auto more = step();
      if (!more) return more.error().with_context("tar entry at byte " + std::to_string(at));
      if (!*more) return {};
    }
    if (extended()) return make_error(Errc::corrupt, "the archive ends behind an extension header");
    return {};
  }

 private:
  bool extended() const { return pax_ || long_name_ || long_link_; }

  Result<bool> step() {
    std::array<std::byte, kBlock> block{};
    DAVIT_TRY_VOID(read(position_, block));
    DAVIT_TRY(auto header, parse_header(block));
    if (!header) {
      if (extended()) return make_error(Errc::corrupt, "the archive ends behind an extension header");
      return false;  // one block of zeros ends it; whatever follows is not part of the archive
    }
    position_ += kBlock;
    switch (header->type) {
      case 'x':
      case 'X': {  // X is what Solaris writes
        DAVIT_TRY(const std::string records, extension(*header));
        DAVIT_TRY(pax_, parse_pax(records));
        return true;
      }
      case 'g': {
        DAVIT_TRY(const std::string records, extension(*header));
        DAVIT_TRY(const PaxFields fields, parse_pax(records));
        // GNU tar applies these to all entries that follow, others ignore them.
        if (fields.path || fields.link || fields.size || fields.sparse) {
          return make_error(Errc::corrupt, "a global PAX header that names or measures entries");
        }
        return true;
      }
      case 'L': {
        DAVIT_TRY(long_name_, extension(*header));
        return true;
      }
      case 'K': {
        DAVIT_TRY(long_link_, extension(*header));
        return true;
      }
      default:
        return add(*header);
    }
  }

  Result<bool> add(const Header& header) {
    ++count_;
    if (count_ > kMaxEntries)
      return make_error(Errc::corrupt, "more than 100000 entries, so not an image archive");
    const PaxFields pax = std::exchange(pax_, std::nullopt).value_or(PaxFields{});
    const auto long_name = std::exchange(long_name_, std::nullopt);
    const auto long_link = std::exchange(long_link_, std::nullopt);
    const std::string name = pax.path ? *pax.path : long_name ? upto_nul(*long_name) : header.name;
    const std::string link = pax.link ? *pax.link : long_link ? upto_nul(*long_link) : header.link;
    std::uint64_t size = pax.size.value_or(header.size);

    Kind kind = Kind::special;
    switch (header.type) {
      case '0':
        kind = pax.sparse ? Kind::sparse : Kind::file;
        break;
      case '1':
        kind = Kind::hardlink;
        size = 0;  // tar programs agree that none follow, although old ones wrote the size of the target
        break;
      case '2':
        kind = Kind::symlink;
        break;
      case '5':
        kind = Kind::directory;
        break;
      case 'S':
        kind = Kind::sparse;
        break;
      default:
        break;
    }
    const bool bare = header.type >= '2' && header.type <= '6';
    if (bare && size != 0) {  // GNU tar would skip the bytes, others would read them as headers
      return make_error(Errc::corrupt,
                        "\"" + escaped(name, 120) + "\" has content although its type has none");
    }
    for (bool more = header.more_sparse; more;) {
      std::array<std::byte, kBlock> map{};
      DAVIT_TRY_VOID(read(position_, map));
      position_ += kBlock;
      more = map[504] != std::byte{0};
    }

    const FileSpan file{position_, size};
    DAVIT_TRY_VOID(skip(size));
    std::string clean = cleaned(name);
    if (clean.empty()) return true;
    names_ += clean.size() + link.size();
    if (names_ > kMaxNames)
      return make_error(Errc::corrupt, "more than 16 MiB of names, so not an image archive");
    index_.entries_.emplace(std::move(clean), Entry{kind, file, link});
    return true;
  }

  static std::string upto_nul(const std::string& text) { return text.substr(0, text.find('\0')); }

  Result<std::string> extension(const Header& header) {
    if (header.size > kMaxExtension)
      return make_error(Errc::corrupt, "an extension header of more than 1 MiB");
    std::string bytes(header.size, '\0');
    DAVIT_TRY_VOID(read(position_, std::as_writable_bytes(std::span(bytes))));
    DAVIT_TRY_VOID(skip(header.size));
    return bytes;
  }

  Result<> skip(std::uint64_t size) {
    const std::uint64_t left = size_ - position_;
    const std::uint64_t padding = (kBlock - size % kBlock) % kBlock;
    if (size > left || padding > left - size) {
      return make_error(Errc::corrupt, "the archive is truncated: " + std::to_string(size) +
                                           " bytes of content announced, " + std::to_string(left) + " there");
    }
    position_ += size + padding;
    return {};
  }

  Result<> read(std::uint64_t offset, std::span<std::byte> into) {
    if (into.size() > window_.size()) {
      DAVIT_TRY(const std::size_t count, index_.file_->read_at(offset, into));
      return count == into.size() ? Result<>() : truncated();
    }
    if (offset < window_begin_ || offset + into.size() > window_begin_ + window_size_) {
      DAVIT_TRY(window_size_, index_.file_->read_at(offset, window_));
      window_begin_ = offset;
      if (window_size_ < into.size()) return truncated();
    }
    std::copy_n(window_.begin() + static_cast<std::ptrdiff_t>(offset - window_begin_), into.size(),
                into.begin());
    return {};
  }

  static Error truncated() { return make_error(Errc::corrupt, "the archive is truncated inside a header"); }

  Index& index_;
  const std::uint64_t size_;
  const CallContext& context_;
  std::uint64_t position_ = 0;
  std::optional<PaxFields> pax_;
  std::optional<std::string> long_name_;
  std::optional<std::string> long_link_;
  std::size_t headers_ = 0;
  std::size_t count_ = 0;
  std::size_t names_ = 0;
  std::array<std::byte, 8192> window_{};
  std::uint64_t window_begin_ = 0;
  std::size_t window_size_ = 0;
};

Result<Index> Index::read(std::shared_ptr<const io::File> file, const CallContext& context) {
  DAVIT_TRY(const std::uint64_t size, file->size());
  Index index(std::move(file));
  DAVIT_TRY_VOID(Reader(index, size, context).run());
  return index;
}

Result<bool> Index::same_bytes(const FileSpan& a, const FileSpan& b) const {
  if (a.size != b.size) return false;
  std::vector<std::byte> left(64 << 10);
  std::vector<std::byte> right(left.size());
  for (std::uint64_t done = 0; done < a.size;) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left.size(), a.size - done));
    DAVIT_TRY(const std::size_t l, file_->read_at(a.offset + done, std::span(left).first(count)));
    DAVIT_TRY(const std::size_t r, file_->read_at(b.offset + done, std::span(right).first(count)));
    if (l != count || r != count)
      return make_error(Errc::corrupt, "the file became shorter while it was read");
    if (!std::equal(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(count), right.begin()))
      return false;
    done += count;
  }
  return true;
}

/// The one entry of a name. Where there are several, unpacking keeps the last and many readers take the
/// first: they have to be the same.
Result<const Index::Entry*> Index::entry(const std::string& name) const {
  const auto [begin, end] = entries_.equal_range(name);
  const Entry* found = nullptr;
  for (auto it = begin; it != end; ++it) {
    const Entry& next = it->second;
    if (found != nullptr) {
      bool same = found->kind == next.kind && found->link == next.link;
      if (same && next.kind == Kind::file) {
        DAVIT_TRY(same, same_bytes(found->file, next.file));
      }
      if (!same)
        return make_error(Errc::corrupt,
                          "\"" + escaped(name, 160) + "\" is there twice, with different content");
    }
    found = &next;
  }
  return found;
}

Result<std::optional<FileSpan>> Index::find(std::string_view name) const {
  std::string current = cleaned(name);
  if (current.empty())
    return make_error(Errc::corrupt, "\"" + escaped(name, 160) + "\" is not a name inside the archive");
  for (int links = 0; links <= kMaxLinks; ++links) {
    DAVIT_TRY(const Entry* const found, entry(current));
    if (found == nullptr) {
      if (links == 0) return std::optional<FileSpan>();
      return make_error(Errc::corrupt, "\"" + escaped(name, 160) + "\" is a link to \"" +
                                           escaped(current, 160) + "\", which is missing");
    }
    switch (found->kind) {
      case Kind::file:
        return std::optional(found->file);
      case Kind::symlink:  // relative to where the link lies
        current = found->link.starts_with('/') ? std::string()
                                               : cleaned(parent(current) + found->link, DotDot::resolve);
        break;
      case Kind::hardlink:
        current = cleaned(found->link, DotDot::resolve);
        break;  // relative to the root of the archive
      case Kind::sparse:
        return make_error(Errc::unsupported, "\"" + escaped(name, 160) + "\" is a sparse file",
                          "pack it again without --sparse");
      case Kind::directory:
      case Kind::special:
        return make_error(Errc::corrupt, "\"" + escaped(name, 160) + "\" is not a regular file");
    }
    if (current.empty()) {
      return make_error(Errc::corrupt, "\"" + escaped(name, 160) +
                                           "\" is a link to something outside the archive: \"" +
                                           escaped(found->link, 160) + "\"");
    }
  }
  return make_error(Errc::corrupt, "\"" + escaped(name, 160) + "\" is a link that goes round in circles");
}

}  // namespace davit::tar
