#pragma once

#include <memory>
#include <string>

#include <davit/content.h>

#include "io/file.h"

namespace davit::io {

/// What comes out of a pipe, a socket or a terminal. Waiting for it ends with the context. Errors: local_io,
/// cancelled, timeout.
std::unique_ptr<ByteSource> stream_source(File file, CallContext context);

/// Everything a source has in an unlinked file of `directory`. Errors: local_io; those of the source.
Result<std::shared_ptr<const File>> spooled(ByteSource& source, const std::string& directory);

}  // namespace davit::io
