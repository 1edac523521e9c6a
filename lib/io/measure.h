#pragma once

#include <davit/content.h>

namespace davit::io {

/// Reads a source to its end and says what that was. Without a media type. Errors: those of the source.
Result<Descriptor> measure(ByteSource& source);

}  // namespace davit::io
