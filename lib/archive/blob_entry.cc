#include "archive/blob_entry.h"

#include "tar/write.h"

namespace davit::archive {

std::string entry_head(std::string_view name, std::uint64_t size, EntryState state) {
  return tar::file_head(name, size, state == EntryState::pending ? 1 : 0);
}

std::string blob_entry(const Digest& digest) {
  return "blobs/" + std::string(digest.algorithm_name()) + "/" + digest.hex();
}

}  // namespace davit::archive
