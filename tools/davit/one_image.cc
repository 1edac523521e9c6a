#include "one_image.h"

#include <vector>

#include "exit_code.h"
#include "ui/terminal_text.h"
#include "usage.h"

namespace davit::tool {
namespace {

Result<Manifest> chosen(const OpenedImage& opened, const ReadingFlags& flags, const CallContext& context) {
  auto image = single_image(opened, context);
  if (!image) return image.error().with_context(opened.name);
  if (!image->note.empty() && !flags.output.quiet) say("note: " + opened.name + ": " + image->note);
  return image->manifest;
}

/// Errors: invalid_argument where --platform names several.
Result<> check_one_platform(const ReadingFlags& flags) {
  const auto platforms = flags.platform.chosen();
  if (!platforms || platforms->size() <= 1) return {};  // what is wrong with them is said when they are used
  return usage("one image is looked at, and several platforms are given",
               "--platform " + platforms->front().to_string() + " chooses the first one's");
}

}  // namespace

int look_into(const std::string& source, const ReadingFlags& flags, const Signals& signals,
              const std::function<int(OpenedImage&, const Manifest&, const CallContext&)>& look) {
  if (auto one = check_one_platform(flags); !one) return fail(one.error());
  return look_at(source, flags, signals, [&](Client&, OpenedImage& opened, const CallContext& context) {
    const auto image = chosen(opened, flags, context);
    if (!image) return fail(image.error());
    return look(opened, *image, context);
  });
}

int look_into_both(const std::string& first, const std::string& second, const ReadingFlags& flags,
                   const Signals& signals,
                   const std::function<int(const TwoImages&, const CallContext&)>& look) {
  if (first == "-" && second == "-")
    return fail(usage("standard input can be read once, and both images are to be read from it",
                      "put one of them into a file"));
  if (auto one = check_one_platform(flags); !one) return fail(one.error());
  auto settings = flags.client_options({first, second});
  if (!settings) return fail(settings.error());
  const auto options = flags.open_options(signals);
  if (!options) return fail(options.error());
  const auto context = flags.context(signals);
  if (!context) return fail(context.error());
  Client client(*std::move(settings));
  std::vector<OpenedImage> opened;
  std::vector<Manifest> images;
  for (const std::string& source : {first, second}) {
    auto image = client.open(source, *options);
    if (!image) return fail(image.error());
    if (!flags.output.quiet) {
      for (const std::string& note : image->notes) say("note: " + image->name + ": " + note);
    }
    auto manifest = chosen(*image, flags, *context);
    if (!manifest) return fail(manifest.error());
    opened.push_back(*std::move(image));
    images.push_back(*std::move(manifest));
  }
  return look({opened[0], images[0], opened[1], images[1]}, *context);
}

}  // namespace davit::tool
