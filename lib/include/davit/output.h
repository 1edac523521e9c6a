#pragma once

#include <cstdint>
#include <string>

#include <davit/content.h>
#include <davit/export.h>

namespace davit {

/// Whether a file that is there already may be replaced.
enum class ExistingFile { replace, refuse };

struct OutputOptions {
  ExistingFile existing = ExistingFile::replace;
  bool sync = true;  ///< the bytes are on the disk before the file gets its name
};

/// Writes everything that a source has to the file `output`, which appears when it is complete and replaces
/// another one in one step, or, for "-", to standard output. Says how many bytes that were. Errors: local_io;
/// already_exists; invalid_argument for what is no file; those of the source.
DAVIT_EXPORT Result<std::uint64_t> write_output(ByteSource& source, const std::string& output,
                                                const CallContext& context,
                                                const OutputOptions& options = {});

}  // namespace davit
