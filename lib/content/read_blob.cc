#include <davit/blob.h>

#include <algorithm>
#include <string>

#include "base/error.h"
#include "base/try.h"
#include "io/verified.h"

namespace davit {
namespace {

/// The first so many bytes of another source, all of which have to be there.
class Stretch final : public ByteSource {
 public:
  Stretch(std::unique_ptr<ByteSource> inner, std::uint64_t length)
      : inner_(std::move(inner)), left_(length) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    if (left_ == 0) return std::size_t{0};
    DAVIT_TRY(
        const std::size_t count,
        inner_->read(into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left_)))));
    if (count == 0) return make_error(Errc::corrupt, "a blob that ends early").on(Side::source);
    left_ -= count;
    return count;
  }

 private:
  std::unique_ptr<ByteSource> inner_;
  std::uint64_t left_;
};

}  // namespace

Result<std::unique_ptr<ByteSource>> read_blob(ContentSource& source, const Descriptor& blob,
                                              const CallContext& context) {
  DAVIT_TRY(auto opened, source.open(blob, 0, context));
  return io::verified(std::move(opened), blob);
}

Result<std::unique_ptr<ByteSource>> read_blob_range(ContentSource& source, const Descriptor& blob,
                                                    ByteRange range, const CallContext& context) {
  if (range.offset > blob.size || (range.offset == blob.size && blob.size != 0)) {
    return make_error(Errc::invalid_argument, "blob " + blob.digest.short_form() + " has " +
                                                  std::to_string(blob.size) +
                                                  " bytes, and there is no byte " +
                                                  std::to_string(range.offset) + ", counted from 0");
  }
  range.length = std::min(range.length, blob.size - range.offset);
  RangeReader* ranges = range.length == 0 ? nullptr : source.range_reader();
  if (ranges != nullptr) {
    auto served = ranges->open_range(blob, range, context);
    if (served || served.error().code != Errc::unsupported) return served;
  }
  DAVIT_TRY(auto opened, source.open(blob, range.offset, context));
  return std::unique_ptr<ByteSource>(std::make_unique<Stretch>(std::move(opened), range.length));
}

}  // namespace davit
