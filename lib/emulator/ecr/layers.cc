// Layers as ECR takes them in: in parts of 10 MiB, in order, without a way back.
#include <algorithm>
#include <utility>

#include "emulator/ecr/backend.h"
#include "emulator/ecr/refusal.h"

namespace davit::emulator {
namespace {

constexpr std::size_t kBlock = 64u << 10;

}  // namespace

std::string Backend::begin_upload(const std::string& repository) {
  if (!has(repository)) throw no_repository(repository);
  return storage_.begin_upload(repository);
}

std::uint64_t Backend::receive(const std::string& repository, const std::string& id, const Chunk& chunk,
                               const std::string& arn) {
  auto upload = has(repository) ? storage_.take_upload(repository, id) : nullptr;
  if (upload == nullptr) throw no_upload(repository, id);
  const Modes modes = controls_.modes();
  const std::uint64_t part_bytes = modes.number("part-bytes");
  std::string block(kBlock, '\0');
  std::uint64_t part = 0;  // bytes of the part that is being filled
  const auto end_part = [&] {
    upload->smallest_chunk_but_last = std::min(upload->smallest_chunk_but_last, upload->last_chunk);
    upload->last_chunk = part;
    part = 0;
  };
  std::size_t n = chunk.read(block.data(), block.size());
  try {
    if (n > 0) {
      const std::uint64_t first =
          chunk.first.value_or(modes.is("unranged-body", "append") ? upload->size : 0);
      if (first != upload->size) {
        throw Refusal{"InvalidLayerPartException",
                      "First byte of the layer part is " + std::to_string(first) + " instead of " +
                          std::to_string(upload->size),
                      "\"registryId\":\"" + place_.account + "\",\"repositoryName\":\"" + repository +
                          "\",\"uploadId\":\"" + id + "\",\"lastValidByteReceived\":" +
                          std::to_string(upload->size == 0 ? 0 : upload->size - 1)};
      }
    }
    while (n > 0) {
      std::string_view left(block.data(), n);
      while (!left.empty()) {
        if (part == 0) controls_.admit("UploadLayerPart", repository, arn, place_);
        const auto taken =
            left.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left.size(), part_bytes - part)));
        if (!storage_.append(*upload, taken)) throw Refusal{"ServerException", "no space for the layer"};
        part += taken.size();
        if (part == part_bytes) end_part();
        left.remove_prefix(taken.size());
      }
      n = chunk.read(block.data(), block.size());
    }
  } catch (...) {
    storage_.give_back(std::move(upload));
    throw;
  }
  if (part > 0) end_part();
  const std::uint64_t size = upload->size;
  storage_.give_back(std::move(upload));
  return size;
}

void Backend::complete(const std::string& repository, const std::string& id,
                       const std::vector<Digest>& digests) {
  auto upload = has(repository) ? storage_.take_upload(repository, id) : nullptr;
  if (upload == nullptr) throw no_upload(repository, id);
  if (upload->size == 0) {
    storage_.cancel(std::move(upload));
    throw Refusal{"EmptyUploadException", "The upload with id '" + id + "' in the " +
                                              in_registry(repository) +
                                              " cannot be completed because it does not have any parts"};
  }
  if (upload->smallest_chunk_but_last < controls_.modes().number("least-part-bytes")) {
    storage_.cancel(std::move(upload));
    throw Refusal{"LayerPartTooSmallException",
                  "All layer parts except the last part should be at least 5MB"};
  }
  // Any one of the digests will do; those of an algorithm that was not computed cannot be compared here.
  const Digest computed = upload->sha256.digest();
  const bool known = std::ranges::find(digests, computed) != digests.end();
  if (!storage_.commit(std::move(upload), known || digests.empty() ? computed : digests.front())) {
    throw Refusal{"InvalidLayerException",
                  "None of the provided layer digests match the calculated layer digest"};
  }
}

std::map<Digest, std::string> Backend::used(const std::string& repository) const {
  std::map<Digest, std::string> out;
  for (const auto& manifest : storage_.manifests(repository)) {
    if (manifest.is_index()) continue;
    if (manifest.config()) out.try_emplace(manifest.config()->digest, manifest.config()->media_type);
    for (const auto& layer : manifest.layers()) out.try_emplace(layer.digest, layer.media_type);
  }
  return out;
}

bool Backend::mount(const std::string& to, const std::string& from, const Digest& digest) {
  if (!has(from) || !has(to)) return false;
  if (is_cache(from) || is_cache(to)) return false;
  const RepositoryRecord source = find(from);
  const RepositoryRecord target = find(to);
  if (source.encryption != target.encryption || source.kms_key != target.kms_key) return false;
  return used(from).contains(digest) && storage_.link_blob(to, from, digest);
}

}  // namespace davit::emulator
