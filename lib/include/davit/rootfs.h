#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <davit/content.h>
#include <davit/export.h>
#include <davit/manifest.h>

namespace davit {

/// The root file system that an image's layers make together, as a tar: what later layers say wins, whiteouts
/// and opaque directories are applied and not to be seen. All directories come first, parents before what is
/// in them; those that no layer states have mode 0755, owner 0 and the time 0. Then everything else in the
/// order of the layers and of their entries, each hard link right behind the file it belongs to. Owners,
/// times, xattrs, devices, sparse files and all PAX records are as the layers have them; names are made
/// relative and never lead through a symlink. The bytes are a function of the layers' bytes.
///
/// The layers are read here once, to see what is left of them, and a second time while the tar is read; those
/// up to 1 MiB are fetched once (4 MiB of them together are kept), and those of which nothing is left too.
/// Takes less than 200 bytes of memory for each path. All layers are verified, here against the diff_ids of a
/// container image's configuration too: a read fails before the end of the tar when they are not what the
/// manifest says. REQUIRES: the source outlives what is returned. Errors: unsupported for an index and for
/// artifacts; corrupt for what cannot be unpacked, and beyond 8 million paths; those of the source.
DAVIT_EXPORT Result<std::unique_ptr<ByteSource>> flattened_root(ContentSource& source, const Manifest& image,
                                                                const CallContext& context);

/// One file of an image's root file system. Layers are read from the top down, no further than the one that
/// has the file or says that it is gone, and each of them to its end: that is what verifies them, and what is
/// last in a tar wins. Symlinks are followed inside the root, hard links lead to their file. All layers are
/// read, as flattened_root() does, when one may go through a symlink of a lower one: it has an entry called
/// like a part of the path, in a directory that it does not state. A file of up to
/// 1 MiB is in memory before this returns; the layer of a larger one is read again, and its last bytes come
/// after it has been verified. REQUIRES: the source outlives what is returned.
/// Errors: not_found; unsupported for directories, devices and sparse files, and for an index or an artifact;
/// corrupt; those of the source.
DAVIT_EXPORT Result<std::unique_ptr<ByteSource>> read_file(ContentSource& source, const Manifest& image,
                                                           std::string_view path, const CallContext& context);

}  // namespace davit
