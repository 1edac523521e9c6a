#include "look/check_blob.h"

#include <algorithm>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/try.h"
#include "codec/decoder.h"
#include "codec/decompress.h"
#include "codec/sniff.h"
#include "crypto/hasher.h"
#include "io/read_all.h"
#include "io/verified.h"
#include "model/media_type.h"

namespace davit::look {
namespace {

constexpr std::size_t kBuffer = 64 << 10;

Error about(const Descriptor& blob, const std::string& what) {
  return make_error(Errc::corrupt, blob.digest.to_string() + " " + what).on(Side::source);
}

/// What is missing below a root makes the image a damaged one.
Error as_problem(Error error) {
  if (error.code == Errc::not_found) error.code = Errc::corrupt;
  return error.on(Side::source);
}

/// Unpacks a layer while it is read, and hashes what comes out.
class Unpacking {
 public:
  Unpacking(model::Compression kind, Digest::Algorithm algorithm)
      : decoder_(codec::Decoder::create(kind)), hasher_(algorithm), plain_(kBuffer) {}

  /// Errors: corrupt. After one, nothing more is unpacked.
  Result<> add(std::span<const std::byte> bytes, bool last) {
    while (!done_) {
      DAVIT_TRY(const codec::Decoder::Step step, decoder_->step(bytes, last, plain_));
      bytes = bytes.subspan(step.consumed);
      hasher_.update(std::span(plain_).first(step.produced));
      size_ += step.produced;
      done_ = step.done;
      if (size_ > codec::ExpansionLimit{}.bytes)
        return make_error(Errc::corrupt, "it unpacks to more than a layer can be");
      if (bytes.empty() && step.produced == 0 && !last) break;
    }
    return {};
  }

  [[nodiscard]] Digest digest() const { return hasher_.digest(); }

 private:
  std::unique_ptr<codec::Decoder> decoder_;
  crypto::Hasher hasher_;
  std::vector<std::byte> plain_;
  std::uint64_t size_ = 0;
  bool done_ = false;
};

}  // namespace

std::vector<Error> check_blob(ContentSource& source, const Descriptor& blob,
                              const std::optional<Digest>& diff_id, const CallContext& context) {
  auto opened = source.open(blob, 0, context);
  if (!opened) return {as_problem(opened.error())};
  const auto bytes = io::verified(*std::move(opened), blob);
  std::vector<std::byte> buffer(kBuffer);
  std::vector<Error> problems;
  std::optional<Unpacking> unpacking;
  const std::string type = model::essence(blob.media_type);
  for (bool first = true, last = false; !last; first = false) {
    auto count = io::read_full(*bytes, buffer);
    if (!count)
      return {as_problem(count.error())};  // with wrong bytes, what they unpack to says nothing more
    const auto part = std::span(buffer).first(*count);
    last = part.size() < buffer.size();
    if (first && diff_id) {
      const codec::FileKind kind = codec::sniff(part.first(std::min(part.size(), codec::kSniffSize)));
      const model::Compression compression = codec::compression_of(kind);
      if (compression != model::compression_of(type))
        problems.push_back(about(blob, "is " + codec::describe(kind) + ", and its media type says " + type));
      unpacking.emplace(compression, diff_id->algorithm());
    }
    if (!unpacking) continue;
    if (auto added = unpacking->add(part, last); !added) {
      problems.push_back(about(blob, "cannot be unpacked: " + added.error().message));
      unpacking.reset();
    }
  }
  if (unpacking && unpacking->digest() != *diff_id) {
    problems.push_back(about(blob, "unpacks to " + unpacking->digest().to_string() +
                                       " where the config says " + diff_id->to_string()));
  }
  return problems;
}

std::vector<Error> check_presence(ContentSource& source, const Descriptor& blob, const CallContext& context) {
  const auto size = source.blob_size(blob.digest, context);
  if (size && *size != blob.size) {
    return {about(blob, "has " + std::to_string(*size) + " bytes where its descriptor says " +
                            std::to_string(blob.size))};
  }
  if (size) return {};
  if (size.error().code != Errc::unsupported) return {as_problem(size.error())};
  const auto opened = source.open(blob, 0, context);
  if (!opened) return {as_problem(opened.error())};
  return {};
}

}  // namespace davit::look
