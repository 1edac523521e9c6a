#pragma once

#include <optional>
#include <span>
#include <vector>

#include <davit/content.h>

namespace davit::look {

/// Something wrong with a blob.
struct BlobProblem {
  Error error;
  std::optional<std::size_t> diff_id =
      {};  ///< which of the expected ones it is not; else it is the blob's own
};

/// What is missing below a root makes the image a damaged one.
Error as_problem(Error error);

/// What is wrong with the bytes of a blob: its size, its digest, and, of a layer of a container image, the
/// compression, what the bytes unpack to, and whether that is a tar. Nothing when all is well. `diff_ids` are
/// what configs say of the layer; without any the bytes are not unpacked. Constant memory: 64 KiB twice, the
/// decoder's window, and at most a few MiB of one entry's attributes.
std::vector<BlobProblem> check_blob(ContentSource& source, const Descriptor& blob,
                                    std::span<const Digest> diff_ids, const CallContext& context);

/// The same without reading it: whether it is there, and of the size that its descriptor says.
std::vector<BlobProblem> check_presence(ContentSource& source, const Descriptor& blob,
                                        const CallContext& context);

}  // namespace davit::look
