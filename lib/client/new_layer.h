#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <davit/edit.h>

#include "codec/compress.h"

namespace davit::client {

/// How tars become layers.
struct LayerForm {
  codec::Compressor& compressor;
  model::Compression kind = model::Compression::gzip;
  std::optional<int> level = {};
  std::string temporary_directory;
};

/// Reads a tar to its end, and says what is remarkable about it as a layer. Errors: corrupt for a malformed
/// or truncated one; those of reading it.
Result<std::vector<std::string>> check_tar(std::unique_ptr<ByteSource> plain);

/// A tar that can be read again. It is read and compressed once here, to learn the digests, and again
/// whenever its bytes are wanted; nothing is stored. Errors: those of reading it.
Result<Layer> compressed_layer(std::shared_ptr<const Content> plain, const LayerForm& form,
                               const CallContext& context);

/// A tar that can be read once: what comes out of compression goes into an unlinked file.
Result<Layer> spooled_layer(std::unique_ptr<ByteSource> plain, const LayerForm& form,
                            const CallContext& context);

/// A layer as it is, `stored` being a tar in this compression. Errors: corrupt where it is not.
Result<Layer> stored_layer(std::shared_ptr<const Content> stored, model::Compression kind,
                           const CallContext& context);

}  // namespace davit::client
