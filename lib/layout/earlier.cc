#include "layout/earlier.h"

#include <algorithm>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "layout/layout.h"

namespace davit::layout {
namespace {

Result<std::shared_ptr<Layout>> open_now(const std::string& directory) {
  return Layout::open(directory, content::AbsentPlatforms::leave_out);
}

/// What is damaged counts as not there: it is to be replaced.
Result<Manifest> whole(Result<Manifest> found) {
  if (!found && found.error().code == Errc::corrupt) {
    Error error = found.error();
    error.code = Errc::not_found;
    return error;
  }
  return found;
}

}  // namespace

Result<Manifest> EarlierImages::manifest(std::string_view name, const CallContext& context) {
  DAVIT_TRY(const auto layout, open_now(directory_));
  if (Digest::parse(name)) return whole(layout->manifest(name, context));
  for (const content::ImageListing& image : layout->images()) {
    if (std::ranges::find(image.names, name) != image.names.end())
      return whole(layout->manifest(image.root.to_string(), context));
  }
  return make_error(Errc::not_found,
                    "no image \"" + escaped(name, 160) + "\" in " + escaped(directory_, 400));
}

Result<Descriptor> EarlierImages::resolve(std::string_view name, const CallContext& context) {
  DAVIT_TRY(const Manifest found, manifest(name, context));
  return found.descriptor();
}

Result<std::unique_ptr<ByteSource>> EarlierImages::open(const Descriptor& blob, std::uint64_t offset,
                                                        const CallContext& context) {
  DAVIT_TRY(const auto layout, open_now(directory_));
  return layout->open(blob, offset, context);
}

}  // namespace davit::layout
