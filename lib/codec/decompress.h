#pragma once

#include <cstdint>
#include <memory>

#include <davit/content.h>

#include "model/media_type.h"

namespace davit::codec {

/// How much may come out. A few bytes can stand for any number of zeros.
struct ExpansionLimit {
  std::uint64_t bytes = std::uint64_t{1} << 40;
};

/// The plain bytes behind compressed ones, in constant memory: 64 KiB and the decoder's window, at most 8
/// MiB. Errors of the source: corrupt for damaged, truncated or over-long data, unsupported for larger zstd
/// windows, and whatever `compressed` fails with.
std::unique_ptr<ByteSource> decompressing(model::Compression kind, std::unique_ptr<ByteSource> compressed,
                                          ExpansionLimit limit);

/// The same as content. An open in the middle decompresses and drops the front. Its descriptor is not known.
std::shared_ptr<const Content> decompressed(model::Compression kind,
                                            std::shared_ptr<const Content> compressed, ExpansionLimit limit);

/// A layer that is stored compressed, of which only the digest of its plain bytes is known. Gives the stored
/// bytes unchanged; hashes and decompresses them while they are read and fails, before the last bytes are
/// out, when they are not `diff_id`. The descriptor (without a media type) is known after the first whole
/// reading. `size` is that of the stored bytes. Errors: corrupt.
std::shared_ptr<const Content> stored_layer(std::shared_ptr<const Content> stored, std::uint64_t size,
                                            model::Compression kind, const Digest& diff_id,
                                            ExpansionLimit limit);

/// A layer that is kept without compression. Gives `plain` unchanged; hashes it and fails, before the last
/// bytes are out, when it is not `diff_id`. The descriptor (without a media type) is known after the first
/// whole reading. Errors: corrupt, and whatever `plain` fails with.
std::shared_ptr<const Content> plain_layer(std::shared_ptr<const Content> plain, const Digest& diff_id);

}  // namespace davit::codec
