#pragma once

#include <memory>

#include <davit/content.h>

namespace davit::content {

/// A blob of a source as content. Co-owns the source.
std::shared_ptr<const Content> blob_content(std::shared_ptr<ContentSource> source, Descriptor blob);

}  // namespace davit::content
