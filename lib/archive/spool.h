#pragma once

#include <memory>
#include <string>

#include "codec/decompress.h"
#include "io/file.h"

namespace davit::archive {

struct SpoolOptions {
  std::string directory;  ///< where the unlinked file is made
  codec::ExpansionLimit expansion;
};

/// A seekable tar for whatever was opened: a regular tar file as it is, a pipe or a gzip or zstd file as a
/// decompressed copy in an unlinked file. What it is decides the content, never the name. `name` is for
/// messages. Errors: corrupt when it is no tar, saying what it looks like; local_io; cancelled.
Result<std::shared_ptr<const io::File>> seekable_tar(io::File file, const std::string& name,
                                                     const SpoolOptions& options, const CallContext& context);

}  // namespace davit::archive
