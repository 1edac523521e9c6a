#include "look/check_blob.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/context.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "codec/decoder.h"
#include "codec/decompress.h"
#include "codec/sniff.h"
#include "crypto/hasher.h"
#include "io/read_all.h"
#include "io/verified.h"
#include "model/media_type.h"
#include "tar/reader.h"

namespace davit::look {
namespace {

constexpr std::size_t kBuffer = 64 << 10;

Error about(const Descriptor& blob, const std::string& what) {
  return make_error(Errc::corrupt, blob.digest.to_string() + " " + what).on(Side::source);
}

/// What a layer unpacks to, hashed while it is read. Keeps what went wrong: with the stored bytes, or with
/// unpacking them.
class Unpacking {
 public:
  /// `stored` begins with `front`. REQUIRES: `stored` outlives it.
  Unpacking(ByteSource& stored, std::vector<std::byte> front, model::Compression kind,
            std::span<const Digest> wanted, const CallContext& context)
      : stored_(stored),
        decoder_(codec::Decoder::create(kind)),
        packed_(std::move(front)),
        filled_(packed_.size()),
        plain_(kBuffer),
        last_(filled_ < kBuffer),
        context_(context) {
    packed_.resize(kBuffer);
    for (const Digest& each : wanted) hashers_.try_emplace(each.algorithm(), each.algorithm());
  }

  /// Errors: as failed(); after one there is nothing more to read.
  Result<std::size_t> read(std::span<std::byte> into) {
    while (given_ == made_ && !done_) {
      if (auto stepped = step(); !stepped) {
        failed_ = stepped.error();
        return *failed_;
      }
    }
    const std::size_t count = std::min(into.size(), made_ - given_);
    std::copy_n(plain_.begin() + static_cast<std::ptrdiff_t>(given_), count, into.begin());
    given_ += count;
    return count;
  }

  [[nodiscard]] const std::optional<Error>& failed() const { return failed_; }
  /// Whether that was about the stored bytes.
  [[nodiscard]] bool cannot_be_read() const { return cannot_be_read_; }
  [[nodiscard]] Digest digest(Digest::Algorithm algorithm) const { return hashers_.at(algorithm).digest(); }

 private:
  Result<> step() {
    DAVIT_TRY_VOID(check(context_));  // few bytes may stand for gigabytes
    if (at_ == filled_ && !last_) {
      auto count = io::read_full(stored_, packed_);
      cannot_be_read_ = !count;
      if (!count) return count.error();
      filled_ = *count;
      at_ = 0;
      last_ = filled_ < packed_.size();
    }
    DAVIT_TRY(const codec::Decoder::Step step,
              decoder_->step(std::span(packed_).subspan(at_, filled_ - at_), last_, plain_));
    at_ += step.consumed;
    made_ = step.produced;
    given_ = 0;
    done_ = step.done;
    for (auto& [algorithm, hasher] : hashers_) hasher.update(std::span(plain_).first(made_));
    size_ += made_;
    if (size_ > codec::ExpansionLimit{}.bytes)
      return make_error(Errc::corrupt, "it unpacks to more than a layer can be");
    return {};
  }

  ByteSource& stored_;
  std::unique_ptr<codec::Decoder> decoder_;
  std::map<Digest::Algorithm, crypto::Hasher> hashers_;
  std::vector<std::byte> packed_;
  std::size_t at_ = 0;
  std::size_t filled_;
  std::vector<std::byte> plain_;
  std::size_t given_ = 0;
  std::size_t made_ = 0;
  std::uint64_t size_ = 0;
  bool last_;
  bool done_ = false;
  std::optional<Error> failed_;
  bool cannot_be_read_ = false;
  const CallContext& context_;
};

/// For who wants a source of its own.
class OfUnpacking final : public ByteSource {
 public:
  explicit OfUnpacking(Unpacking& unpacking) : unpacking_(unpacking) {}
  Result<std::size_t> read(std::span<std::byte> into) override { return unpacking_.read(into); }

 private:
  Unpacking& unpacking_;
};

Result<> read_to_end(ByteSource& source) {
  std::vector<std::byte> buffer(kBuffer);
  for (;;) {
    DAVIT_TRY(const std::size_t count, source.read(buffer));
    if (count == 0) return {};
  }
}

/// Reads all entries, as whoever unpacks the layer has to.
Result<> read_entries(Unpacking& unpacking) {
  tar::Reader reader(std::make_unique<OfUnpacking>(unpacking));
  for (;;) {
    DAVIT_TRY(const bool more, reader.next());
    if (!more) return {};
  }
}

/// Unpacks a layer to its end. With wrong bytes, what they unpack to says nothing more.
std::vector<BlobProblem> check_layer(ByteSource& bytes, const Descriptor& blob,
                                     std::span<const Digest> diff_ids, const CallContext& context) {
  std::vector<std::byte> front(kBuffer);
  const auto count = io::read_full(bytes, front);
  if (!count) return {{as_problem(count.error())}};
  front.resize(*count);
  std::vector<BlobProblem> problems;
  const std::string type = model::essence(blob.media_type);
  const codec::FileKind kind =
      codec::sniff(std::span(front).first(std::min(front.size(), codec::kSniffSize)));
  const model::Compression compression = codec::compression_of(kind);
  if (compression != model::compression_of(type)) {
    problems.push_back(
        {about(blob, "is " + codec::describe(kind) + ", and its media type says " + escaped(type, 100))});
  }
  Unpacking unpacking(bytes, std::move(front), compression, diff_ids, context);
  if (const auto entries = read_entries(unpacking); !entries && !unpacking.failed()) {
    problems.push_back({about(blob, "is no tar that can be unpacked: " + entries.error().message)});
    OfUnpacking rest(unpacking);
    static_cast<void>(read_to_end(rest));  // it keeps what goes wrong
  }
  if (const auto stopped = check(context); !stopped) return {{stopped.error()}};
  if (unpacking.failed()) {
    if (unpacking.cannot_be_read()) return {{as_problem(*unpacking.failed())}};
    problems.push_back({about(blob, "cannot be unpacked: " + unpacking.failed()->message)});
    if (const auto rest = read_to_end(bytes); !rest) return {{as_problem(rest.error())}};
    return problems;
  }
  for (std::size_t i = 0; i < diff_ids.size(); ++i) {
    const Digest actual = unpacking.digest(diff_ids[i].algorithm());
    if (actual == diff_ids[i]) continue;
    problems.push_back({about(blob, "unpacks to " + actual.to_string() + " where the config says " +
                                        diff_ids[i].to_string()),
                        i});
  }
  return problems;
}

}  // namespace

Error as_problem(Error error) {
  if (error.code == Errc::not_found) error.code = Errc::corrupt;
  return error.on(Side::source);
}

std::vector<BlobProblem> check_blob(ContentSource& source, const Descriptor& blob,
                                    std::span<const Digest> diff_ids, const CallContext& context) {
  auto opened = source.open(blob, 0, context);
  if (!opened) return {{as_problem(opened.error())}};
  const auto bytes = io::verified(*std::move(opened), blob);
  if (!diff_ids.empty()) return check_layer(*bytes, blob, diff_ids, context);
  if (const auto read = read_to_end(*bytes); !read) return {{as_problem(read.error())}};
  return {};
}

std::vector<BlobProblem> check_presence(ContentSource& source, const Descriptor& blob,
                                        const CallContext& context) {
  const auto size = source.blob_size(blob.digest, context);
  if (size && *size != blob.size) {
    return {{about(blob, "has " + std::to_string(*size) + " bytes where its descriptor says " +
                             std::to_string(blob.size))}};
  }
  if (size) return {};
  if (size.error().code != Errc::unsupported) return {{as_problem(size.error())}};
  const auto opened = source.open(blob, 0, context);
  if (!opened) return {{as_problem(opened.error())}};
  return {};
}

}  // namespace davit::look
