#pragma once

#include <optional>
#include <vector>

#include <davit/content.h>

namespace davit::look {

/// What is wrong with the bytes of a blob: its size, its digest, and, of a layer of a container image, the
/// compression and what the bytes unpack to. Nothing when all is well. `diff_id` is what the config says of
/// the layer; without one the bytes are not unpacked. Constant memory: 64 KiB twice, and the decoder's
/// window.
std::vector<Error> check_blob(ContentSource& source, const Descriptor& blob,
                              const std::optional<Digest>& diff_id, const CallContext& context);

/// The same without reading it: whether it is there, and of the size that its descriptor says.
std::vector<Error> check_presence(ContentSource& source, const Descriptor& blob, const CallContext& context);

}  // namespace davit::look
