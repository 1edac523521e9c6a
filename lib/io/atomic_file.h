#pragma once

#include <string>
#include <string_view>

#include <davit/result.h>

namespace davit::io {

enum class Durability { synced, unsynced };

/// Replaces `path` in one step: temporary file beside it, write, fsync, rename, fsync of the directory.
/// Readers see the old or the new bytes, never a mixture, whatever happens in between. A symbolic link is
/// followed. Errors: local_io; the old file is then still there.
Result<> replace_file(const std::string& path, std::string_view bytes, int mode,
                      Durability durability = Durability::synced);

}  // namespace davit::io
