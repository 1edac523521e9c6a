#pragma once

#include <string>
#include <variant>

#include "codec/decompress.h"
#include "content/graph.h"
#include "content/stored_image.h"
#include "io/read_all.h"
#include "io/verified.h"

namespace davit::test {

/// Reads a source to its end and throws the bytes away.
inline Result<> exhaust(ByteSource& source) {
  std::vector<std::byte> buffer(64 << 10);
  for (;;) {
    auto count = source.read(buffer);
    if (!count) return count.error();
    if (*count == 0) return {};
  }
}

/// Reads and verifies all of an image and says what it is: "raw linux/amd64 none gzip" for the layers of one
/// without manifests, else the media type of the root and how much is below it. Foreign layers count as
/// absent.
inline Result<std::string> summarize(ContentSource& store, const content::StoredImage& image) {
  if (const auto* raw = std::get_if<content::RawImage>(&image.root)) {
    std::string out = "raw " + raw->platform.to_string();
    for (const content::RawLayer& layer : raw->layers) {
      const auto checked = codec::stored_layer(layer.content, layer.size, layer.stored, layer.diff_id, {});
      auto source = checked->open(0, {});
      if (!source) return source.error();
      if (auto read = exhaust(**source); !read) return read.error();
      out += " " + std::string(model::to_string(layer.stored));
    }
    return out;
  }
  const auto& root = std::get<Descriptor>(image.root);
  auto graph = content::walk(store, root, {});
  if (!graph) return graph.error();
  for (const Descriptor& blob : graph->blobs) {
    auto source = store.open(blob, 0, {});
    if (!source) return source.error();
    if (auto read = exhaust(*io::verified(*std::move(source), blob)); !read) return read.error();
  }
  return root.media_type + " manifests " + std::to_string(graph->manifests.size()) + " blobs " +
         std::to_string(graph->blobs.size());
}

}  // namespace davit::test
