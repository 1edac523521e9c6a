#include "tar/reader.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "io/read_all.h"
#include "tar/fields.h"
#include "tar/header.h"
#include "tar/write.h"

namespace davit::tar {
namespace {

constexpr std::size_t kBlockSize = 512;

std::string upto_nul(const std::string& text) {
  return text.substr(0, text.find('\0'));
}

Error truncated() {
  return make_error(Errc::corrupt, "the tar is truncated");
}

}  // namespace

Reader::Reader(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}

Result<bool> Reader::next() {
  if (ended_) return false;
  DAVIT_TRY_VOID(skip(std::exchange(left_, 0)));
  DAVIT_TRY_VOID(skip(std::exchange(padding_, 0)));
  if (begun_) ++position_;
  begun_ = true;
  Extensions extensions;
  for (;;) {
    DAVIT_TRY(const bool more, step(extensions));
    if (ended_) {
      DAVIT_TRY_VOID(drain());
      return false;
    }
    if (!more) return true;
  }
}

/// One header. True when it only says something about the next one.
Result<bool> Reader::step(Extensions& extensions) {
  const bool extended = !extensions.records.empty() || extensions.name || extensions.link;
  std::array<std::byte, kBlockSize> block{};
  DAVIT_TRY(const std::size_t count, io::read_full(*source_, block));
  if (count != 0 && count != block.size()) return truncated();
  std::optional<Header> header;
  if (count != 0) {
    DAVIT_TRY(header, parse_header(block));
  }
  if (!header) {
    if (extended) return make_error(Errc::corrupt, "the tar ends behind an extension header");
    ended_ = true;  // one block of zeros ends it, and so does nothing at all
    return false;
  }
  switch (header->type) {
    case 'x':
    case 'X': {  // X is what Solaris writes
      DAVIT_TRY(extensions.records, extension(header->size));
      return true;
    }
    case 'g': {
      DAVIT_TRY(const std::string records, extension(header->size));
      DAVIT_TRY(const PaxFields fields, parse_pax(records));
      if (fields.path || fields.link || fields.size || fields.sparse)
        return make_error(Errc::corrupt, "a global PAX header that names or measures entries");
      return true;
    }
    case 'L': {
      DAVIT_TRY(const std::string name, extension(header->size));
      extensions.name = upto_nul(name);
      return true;
    }
    case 'K': {
      DAVIT_TRY(const std::string link, extension(header->size));
      extensions.link = upto_nul(link);
      return true;
    }
    case 'V':  // the name of the whole tar
      DAVIT_TRY_VOID(skip(header->size));
      DAVIT_TRY_VOID(skip(padding(header->size)));
      return true;
    default:
      DAVIT_TRY_VOID(take(*header, block, extensions));
      return false;
  }
}

Result<> Reader::take(const Header& header, std::span<const std::byte, 512> block,
                      const Extensions& extensions) {
  DAVIT_TRY(const PaxFields pax, parse_pax(extensions.records));
  entry_.name = pax.path ? *pax.path : extensions.name ? *extensions.name : header.name;
  entry_.link = pax.link ? *pax.link : extensions.link ? *extensions.link : header.link;
  entry_.type = header.type;
  entry_.size = pax.size.value_or(header.size);
  entry_.attributes = parse_attributes(block);
  DAVIT_TRY_VOID(apply_records(extensions.records, entry_.attributes));

  if (entry_.type == '1') entry_.size = 0;  // tar programs agree that nothing follows, whatever it says
  if (entry_.type >= '2' && entry_.type <= '6' && entry_.size != 0)
    return make_error(Errc::corrupt,
                      "\"" + escaped(entry_.name, 120) + "\" has content although its type has none");
  for (bool more = header.more_sparse; more;) {
    std::array<std::byte, kBlockSize> map{};
    DAVIT_TRY_VOID(fill(map));
    entry_.attributes.sparse_map.append(reinterpret_cast<const char*>(map.data()), map.size());
    if (entry_.attributes.sparse_map.size() > kMaxExtension)
      return make_error(Errc::corrupt, "a sparse map of more than 1 MiB");
    more = map[504] != std::byte{0};
  }
  left_ = entry_.size;
  padding_ = padding(entry_.size);
  return {};
}

Result<std::string> Reader::extension(std::uint64_t size) {
  if (size > kMaxExtension) return make_error(Errc::corrupt, "an extension header of more than 1 MiB");
  std::string bytes(static_cast<std::size_t>(size), '\0');
  DAVIT_TRY_VOID(fill(std::as_writable_bytes(std::span(bytes))));
  DAVIT_TRY_VOID(skip(padding(size)));
  return bytes;
}

Result<> Reader::fill(std::span<std::byte> into) {
  if (into.empty()) return {};
  DAVIT_TRY(const std::size_t count, io::read_full(*source_, into));
  return count == into.size() ? Result<>() : truncated();
}

Result<std::size_t> Reader::read(std::span<std::byte> into) {
  if (left_ == 0) return std::size_t{0};
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left_));
  DAVIT_TRY(const std::size_t count, source_->read(into.first(wanted)));
  if (count == 0) return truncated();
  left_ -= count;
  return count;
}

Result<> Reader::skip(std::uint64_t size) {
  std::array<std::byte, 16 << 10> buffer;
  while (size != 0) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, buffer.size()));
    DAVIT_TRY(const std::size_t count, source_->read(std::span(buffer).first(wanted)));
    if (count == 0) return truncated();
    size -= count;
  }
  return {};
}

/// Whatever follows the end is not part of the tar, but of what was promised a digest.
Result<> Reader::drain() {
  std::array<std::byte, 16 << 10> buffer;
  for (;;) {
    DAVIT_TRY(const std::size_t count, source_->read(buffer));
    if (count == 0) return {};
  }
}

}  // namespace davit::tar
