#pragma once

#include <davit/call_context.h>
#include <davit/result.h>

#include "io/file.h"

namespace davit::io {

// flock(2), exclusive: of an open file, whoever opened it, so two opens exclude each other within one process
// too. The system lets go when the last copy of the descriptor is closed, at the latest when the process
// ends.

enum class LockAttempt { locked, held, unsupported };

/// `held` while another open file has the lock. Errors: local_io.
Result<LockAttempt> try_lock(const File& file);

/// Waits for it. Errors: cancelled, timeout; unsupported where the file system has none for this file;
/// local_io.
Result<> lock(const File& file, const CallContext& context);

}  // namespace davit::io
