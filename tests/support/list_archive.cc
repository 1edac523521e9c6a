// list_archive PATH: what is in an image archive or layout, every byte verified. One line per image: its
// names, then what summarize() says. Exit status 5 when it cannot be read.
#include <cstdio>
#include <filesystem>

#include "archive/archive.h"
#include "layout/layout.h"
#include "support/image_summary.h"

using namespace davit;

namespace {

int complain(const Error& error) {
  std::fprintf(stderr, "list_archive: %s\n", error.to_string().c_str());
  if (!error.hint.empty()) std::fprintf(stderr, "hint: %s\n", error.hint.c_str());
  return 5;
}

template <class Store>
int list(Result<std::shared_ptr<Store>> opened) {
  if (!opened) return complain(opened.error());
  Store& store = **opened;
  for (std::size_t i = 0; i < store.images().size(); ++i) {
    const auto image = store.image(i, {});
    if (!image) return complain(image.error());
    const auto summary = test::summarize(store, *image);
    if (!summary) return complain(summary.error());
    for (const std::string& name : image->names) std::printf("%s ", name.c_str());
    std::printf("%s\n", summary->c_str());
    for (const std::string& note : image->notes) std::fprintf(stderr, "note: %s\n", note.c_str());
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("list_archive PATH\n", stderr), 64;
  if (std::filesystem::is_directory(argv[1]))
    return list(layout::Layout::open(argv[1], content::AbsentPlatforms::leave_out));
  return list(archive::Archive::open(argv[1], {}, {}));
}
