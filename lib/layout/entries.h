#pragma once

#include <optional>
#include <string>

#include <davit/call_context.h>
#include <davit/descriptor.h>

#include "io/file.h"

namespace davit::layout {

// What lies in a layout is opened without following links: a layout from somewhere else must not make davit
// publish files of this machine.

/// The regular file `name`; empty when there is nothing of that name. Errors: denied for anything that is not
/// a regular file, local_io.
Result<std::optional<io::File>> open_regular(const io::File& directory, const std::string& name);

/// The directory `name`; empty when there is none. Errors: denied for a link or a file, local_io.
Result<std::optional<io::File>> open_folder(const io::File& directory, const std::string& name);

/// The file of a blob; empty when it is not there. Errors: denied, local_io.
Result<std::optional<io::File>> open_blob(const io::File& root, const Digest& digest);

/// Whether a blob is there, whole: its bytes are read and hashed. Errors: denied, local_io, cancelled.
Result<bool> holds_blob(const io::File& root, const Descriptor& blob, const CallContext& context);

/// All of `oci-layout` or `index.json`; empty when it is not there. Errors: denied, corrupt when it is too
/// large, local_io.
Result<std::optional<std::string>> read_document(const io::File& root, const std::string& name);

}  // namespace davit::layout
