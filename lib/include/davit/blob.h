#pragma once

#include <memory>

#include <davit/content.h>
#include <davit/export.h>

namespace davit {

/// The bytes of a blob. Reading fails instead of handing out the end of something else than its descriptor
/// says: too long, too short, or another digest. REQUIRES: the source outlives what is read. Errors: corrupt;
/// those of the source.
DAVIT_EXPORT Result<std::unique_ptr<ByteSource>> read_blob(ContentSource& source, const Descriptor& blob,
                                                           const CallContext& context);

/// A stretch of a blob, as far as it lies within it. Nothing vouches for these bytes: only the whole has a
/// digest. Errors: invalid_argument for a stretch that begins beyond the end; those of the source.
DAVIT_EXPORT Result<std::unique_ptr<ByteSource>> read_blob_range(ContentSource& source,
                                                                 const Descriptor& blob, ByteRange range,
                                                                 const CallContext& context);

}  // namespace davit
