#pragma once

#include <memory>
#include <string>

#include <davit/content.h>
#include <davit/error.h>

namespace davit::io {

/// A source that hashes what passes and fails instead of handing out the bytes that would complete something
/// else than `wanted`: too long, too short, or another digest. This is the one place where content is
/// verified. REQUIRES: `inner` starts at byte 0. Errors: corrupt; all of them are on the source's side.
std::unique_ptr<ByteSource> verified(std::unique_ptr<ByteSource> inner, const Descriptor& wanted);

/// The same for content: every open from the beginning is verified. An open in the middle reads, hashes and
/// drops the front, so a resumed upload is verified too.
std::shared_ptr<const Content> verified(std::shared_ptr<const Content> inner);

/// The hint of all errors about content that is other than its descriptor says.
inline constexpr const char* kDamagedHint = "it is damaged where it is kept, or was changed on the way";

/// That the bytes read for `wanted` are others: "read sha256:…: what came WHY". On the source's side.
Error damaged(const Digest& wanted, const std::string& why);

}  // namespace davit::io
