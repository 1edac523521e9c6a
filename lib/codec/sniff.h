#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "model/media_type.h"

namespace davit::codec {

/// What the first bytes of a file look like. Names and extensions are never asked.
enum class FileKind { empty, tar, gzip, zstd, xz, bzip2, zip, squashfs, html, json, unknown };

/// As many first bytes as sniff() ever looks at; fewer are fine.
inline constexpr std::size_t kSniffSize = 512;

FileKind sniff(std::span<const std::byte> head);

/// For a sentence: "an HTML page", "a gzip file".
std::string describe(FileKind kind);

/// The compression that davit can undo, if it is one: none for a tar or anything else.
model::Compression compression_of(FileKind kind);

}  // namespace davit::codec
