// rewrite_archive SRC KIND NAME DST: writes the first image of an image archive or layout, with its own
// manifests, as KIND: docker or oci (an archive; "-" is standard output) or layout. Exit status 5 when it
// cannot.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "archive/archive.h"
#include "archive/archive_writer.h"
#include "content/graph.h"
#include "content/source_content.h"
#include "io/verified.h"
#include "layout/layout.h"
#include "layout/layout_writer.h"

using namespace davit;

namespace {

int complain(const Error& error) {
  std::fprintf(stderr, "rewrite_archive: %s\n", error.to_string().c_str());
  return 5;
}

Result<std::shared_ptr<ContentSink>> open_sink(const std::string& kind, const std::string& path) {
  if (kind == "layout") {
    auto sink = layout::LayoutWriter::open(path, {}, {});
    if (!sink) return sink.error();
    return std::shared_ptr<ContentSink>(*std::move(sink));
  }
  const auto format = kind == "docker" ? archive::ArchiveFormat::docker : archive::ArchiveFormat::oci;
  if (path == "-") {
    const int out = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    return std::shared_ptr<ContentSink>(
        archive::ArchiveWriter::to_stream(io::File(out), "standard output", format, {}));
  }
  auto sink = archive::ArchiveWriter::create(path, format, {});
  if (!sink) return sink.error();
  return std::shared_ptr<ContentSink>(*std::move(sink));
}

Result<> move_all(const std::shared_ptr<ContentSource>& source, const Descriptor& root, ContentSink& sink,
                  const std::string& name) {
  auto graph = content::walk(*source, root, {});
  if (!graph) return graph.error();
  auto presence = sink.probe(graph->blobs, {});
  if (!presence) return presence.error();
  for (std::size_t i = 0; i < graph->blobs.size(); ++i) {
    if ((*presence)[i] != Presence::absent) continue;
    auto put = sink.put_blob(*io::verified(content::blob_content(source, graph->blobs[i])), {});
    if (!put) return put.error();
  }
  for (const Manifest& manifest : graph->manifests) {
    const bool last = manifest.descriptor().digest == root.digest;
    auto put =
        sink.put_manifest(manifest, last ? std::vector<std::string>{name} : std::vector<std::string>(), {});
    if (!put) return put;
  }
  return sink.finish({});
}

template <class Store>
int rewrite(Result<std::shared_ptr<Store>> opened, char** argv) {
  if (!opened) return complain(opened.error());
  const auto image = (*opened)->image(0, {});
  if (!image) return complain(image.error());
  const auto sink = open_sink(argv[2], argv[4]);
  if (!sink) return complain(sink.error());
  const auto moved = move_all(*opened, std::get<Descriptor>(image->root), **sink, argv[3]);
  return moved ? 0 : complain(moved.error());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return std::fputs("rewrite_archive SRC KIND NAME DST\n", stderr), 64;
  if (std::filesystem::is_directory(argv[1]))
    return rewrite(layout::Layout::open(argv[1], content::AbsentPlatforms::refuse), argv);
  return rewrite(archive::Archive::open(argv[1], {.keep_manifests = true}, {}), argv);
}
