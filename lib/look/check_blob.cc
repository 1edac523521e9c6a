#include "look/check_blob.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>

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

namespace davit::look {
namespace {

constexpr std::size_t kBuffer = 64 << 10;

Error about(const Descriptor& blob, const std::string& what) {
  return make_error(Errc::corrupt, blob.digest.to_string() + " " + what).on(Side::source);
}

/// Unpacks a layer while it is read, and hashes what comes out.
class Unpacking {
 public:
  Unpacking(model::Compression kind, std::span<const Digest> wanted)
      : decoder_(codec::Decoder::create(kind)), plain_(kBuffer) {
    for (const Digest& each : wanted) hashers_.try_emplace(each.algorithm(), each.algorithm());
  }

  /// Errors: corrupt, and those of the context. After one, nothing more is unpacked.
  Result<> add(std::span<const std::byte> bytes, bool last, const CallContext& context) {
    while (!done_) {
      DAVIT_TRY_VOID(check(context));  // few bytes may stand for gigabytes
      DAVIT_TRY(const codec::Decoder::Step step, decoder_->step(bytes, last, plain_));
      bytes = bytes.subspan(step.consumed);
      for (auto& [algorithm, hasher] : hashers_) hasher.update(std::span(plain_).first(step.produced));
      size_ += step.produced;
      done_ = step.done;
      if (size_ > codec::ExpansionLimit{}.bytes)
        return make_error(Errc::corrupt, "it unpacks to more than a layer can be");
      if (bytes.empty() && step.produced == 0 && !last) break;
    }
    return {};
  }

  [[nodiscard]] Digest digest(Digest::Algorithm algorithm) const { return hashers_.at(algorithm).digest(); }

 private:
  std::unique_ptr<codec::Decoder> decoder_;
  std::map<Digest::Algorithm, crypto::Hasher> hashers_;
  std::vector<std::byte> plain_;
  std::uint64_t size_ = 0;
  bool done_ = false;
};

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
  std::vector<std::byte> buffer(kBuffer);
  std::vector<BlobProblem> problems;
  std::optional<Unpacking> unpacking;
  const std::string type = model::essence(blob.media_type);
  for (bool first = true, last = false; !last; first = false) {
    auto count = io::read_full(*bytes, buffer);
    if (!count)
      return {{as_problem(count.error())}};  // with wrong bytes, what they unpack to says nothing more
    const auto part = std::span(buffer).first(*count);
    last = part.size() < buffer.size();
    if (first && !diff_ids.empty()) {
      const codec::FileKind kind = codec::sniff(part.first(std::min(part.size(), codec::kSniffSize)));
      const model::Compression compression = codec::compression_of(kind);
      if (compression != model::compression_of(type)) {
        problems.push_back(
            {about(blob, "is " + codec::describe(kind) + ", and its media type says " + escaped(type, 100))});
      }
      unpacking.emplace(compression, diff_ids);
    }
    if (!unpacking) continue;
    if (auto added = unpacking->add(part, last, context); !added) {
      if (const auto stopped = check(context); !stopped) return {{stopped.error()}};
      problems.push_back({about(blob, "cannot be unpacked: " + added.error().message)});
      unpacking.reset();
    }
  }
  for (std::size_t i = 0; unpacking && i < diff_ids.size(); ++i) {
    const Digest actual = unpacking->digest(diff_ids[i].algorithm());
    if (actual == diff_ids[i]) continue;
    problems.push_back({about(blob, "unpacks to " + actual.to_string() + " where the config says " +
                                        diff_ids[i].to_string()),
                        i});
  }
  return problems;
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
