#include "editing.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include <davit/empty_image.h>

#include "exit_code.h"
#include "following.h"
#include "usage.h"

namespace davit::tool {
namespace {

/// The tag of a layout that an image is put back under, as a destination. Errors: invalid_argument where a
/// new image would have no place.
Result<std::vector<std::string>> back_into_layout(const std::string& source, const OpenedImage& image) {
  std::error_code unreadable;
  const bool scheme = source.starts_with("oci:") || source.starts_with("ocidir://");
  if (!scheme && !std::filesystem::is_directory(source, unreadable))
    return usage(image.name + " is an archive, and those are written anew",
                 "name a DST behind it: " + source + " NEW.tar");
  if (image.names.empty() || source.find('@') != std::string::npos)
    return usage(image.name + " has no tag that the new image could get",
                 "name a DST behind it: oci:DIR:TAG");
  return std::vector{scheme ? source : "oci:" + source};
}

/// SRC, or where there is none an image that nothing is in yet. Errors: those of opening it.
Result<OpenedImage> image_to_edit(Client& client, const std::string& source, const OpenOptions& how) {
  if (!source.empty()) return client.open(source, how);
  if (how.platforms.size() > 1)
    return usage("a new image is for one platform, and several are given",
                 "davit index create makes an index of several images");
  return empty_image(how.platforms.empty() ? Platform::host() : how.platforms.front());
}

/// Whether a word is a tag to some and an image of Docker Hub to others.
bool is_bare(const std::string& text) {
  return text.find_first_of("/:.@") == std::string::npos && text != "-";
}

}  // namespace

void EditingFlags::add_to(CLI::App& command, const std::string& source_help) {
  const auto add = [](CLI::Option* option) { return with_environment(option); };
  command.add_option("SRC", source, source_help);
  command.add_option("DST", destination,
                     "where the new image goes (SRC, where that is a tag of a registry or a layout)");
  // Without DAVIT_TAG: in a copy that is a further tag, and no destination.
  command.add_option("-t,--tag", to, "the same as DST, as crane writes it")
      ->type_name("DST")
      ->allow_extra_args(false);
  command.add_option("-o,--output", to)->allow_extra_args(false)->group("");
  platform.add_to(command, "only this platform of an index, as linux/arm64; several give an index of them");
  compression.add_to(command, CompressionFlags::For::edits);
  add(command.add_flag("-n,--no-clobber", no_clobber, "do not move a tag that points at something else"));
  add(command.add_flag("--create-repo{yes}", create_repo,
                       "make an ECR repository that is missing; =immutable,scan,kms=KEY says how"));
  add(command.add_flag("--no-sync", no_sync, "do not wait until files are on the disk"));
  add(command.add_flag("--dry-run", dry_run, "say what would be done and do nothing"));
  add(command.add_flag("--exit-code", exit_code, "with --dry-run: exit 10 when something would change"));
  add(command.add_flag("--json", json, "one JSON object per destination on stdout"));
  add(command.add_option("--digest-file,--digestfile", digest_file, "write the digest to this file"))
      ->type_name("FILE");
  command.add_flag("--preserve-digests", preserve_digests)->group("");
  connection.add_to(command);
  connection.source_credentials.add_to(command, "src-", ", for the source");
  connection.destination_credentials.add_to(command, "dest-", ", for the destination");
  connection.aws.add_to(command, "", "");
  connection.source_aws.add_to(command, "src-", ", for the source");
  connection.destination_aws.add_to(command, "dest-", ", for the destination");
  output.add_to(command);
}

Result<CopyOptions> EditingFlags::copy_options() const {
  CopyOptions options;
  if (auto read = compression.apply(options); !read) return read.error();
  if (options.keep_archive_layers)
    return usage("--compress keep: a layer that is made here has no form that it could keep",
                 "gzip, zstd and none are what it can become");
  if (preserve_digests)
    return usage("an image that is changed has another digest, so none can be preserved",
                 "leave out --preserve-digests");
  if (no_clobber) options.on_existing_tag = OnExistingTag::fail;
  options.sync = !no_sync;
  if (!create_repo.empty()) {
    auto how = parse_new_repository(create_repo);
    if (!how) return how.error();
    options.create_repository = *std::move(how);
  }
  auto limit = connection.time_limit();
  if (!limit) return limit.error();
  options.timeout = *limit;
  return options;
}

Result<std::vector<std::string>> EditingFlags::destinations(const OpenedImage& image) const {
  std::vector<std::string> out;
  if (!destination.empty()) out.push_back(destination);
  for (const std::string& each : to) {
    if (image.reference && is_bare(each))
      return usage(
          "--tag " + each + ": a tag of " + image.reference->name() + ", or an image of Docker Hub?",
          "write --tag " + image.reference->name() + ":" + each + " or --tag docker.io/library/" + each);
    out.push_back(each);
  }
  if (!out.empty()) return out;
  if (!platform.wanted.empty())
    return usage("only some platforms of " + image.name + " are chosen, and they would take the place of all",
                 "name a DST behind it, or leave out --platform");
  if (!image.reference) return back_into_layout(source, image);
  const std::string name = image.reference->name();
  if (image.reference->tag.empty())
    return usage(image.reference->to_string() + " has no tag that the new image could get",
                 "name a DST behind it: " + name + ":TAG");
  return std::vector{"docker://" + name + ":" + image.reference->tag};
}

int edit_image(const EditingFlags& flags, std::vector<std::string> also_read, const Signals& signals,
               const Edit& edit) {
  auto copy = flags.copy_options();
  if (!copy) return fail(copy.error());
  auto platforms = flags.platform.chosen();
  if (!platforms) return fail(platforms.error());
  Following how{.destinations = flags.to,
                .dry_run = flags.dry_run,
                .exit_code = flags.exit_code,
                .creates = !flags.create_repo.empty(),
                .json = flags.json,
                .digest_file = flags.digest_file};
  if (!flags.destination.empty()) how.destinations.push_back(flags.destination);
  if (!flags.source.empty()) also_read.push_back(flags.source);
  if (how.destinations.empty()) how.destinations.push_back(flags.source);
  if (auto fine = how.check(); !fine) return fail(fine.error());
  auto settings = flags.connection.client_options(
      flags.output.verbose, {.sources = std::move(also_read), .destinations = how.destinations},
      CredentialScope::both);
  if (!settings) return fail(settings.error());
  const auto time = parse_source_date_epoch(settings->source_date_epoch);
  if (!time) return fail(time.error());
  const auto begun = std::chrono::steady_clock::now();
  Notes notes(flags.output.quiet);
  copy->observer = &notes;
  copy->stop = signals.stop();

  ProgressLine line(flags.output.style(), "send");
  Client client(*std::move(settings));
  const auto image =
      image_to_edit(client, flags.source,
                    {.platforms = *std::move(platforms), .stop = signals.stop(), .timeout = copy->timeout});
  if (!image) return fail(image.error());
  const auto destinations = flags.destinations(*image);
  if (!destinations) return fail(destinations.error());
  how.destinations = *destinations;
  const bool oci =
      copy->format == ManifestFormat::oci || (copy->format == ManifestFormat::automatic && image->made &&
                                              std::ranges::any_of(*destinations, goes_to_oci));
  const EditContext context{.client = client,
                            .copy = *copy,
                            .edit = {.time = *time,
                                     .format = oci ? ManifestFormat::oci : ManifestFormat::automatic,
                                     .stop = signals.stop(),
                                     .timeout = copy->timeout}};
  const auto edited = edit(*image, context);
  if (!edited) return fail(edited.error());
  const bool in_place =
      flags.platform.wanted.empty() && std::ranges::all_of(*destinations, [&](const auto& each) {
        return each == flags.source || (flags.destination.empty() && flags.to.empty());
      });
  if (in_place) copy->replaces = image->listed.value_or(image->root.digest);
  if (copy->timeout) {
    const auto spent = std::chrono::ceil<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
    copy->timeout = std::max(*copy->timeout - spent, std::chrono::milliseconds(1));
  }
  if (flags.dry_run) return show(client.plan_copy(*edited, *destinations, *copy), notes, how);
  return follow(client.start_copy(*edited, *destinations, *copy), notes, line, how);
}

}  // namespace davit::tool
