#include "editing.h"

#include <algorithm>

#include "digest_file.h"
#include "exit_code.h"
#include "notes.h"
#include "report.h"
#include "ui/progress_line.h"
#include "ui/terminal_text.h"

namespace davit::tool {
namespace {

Error usage(std::string message, std::string hint = {}) {
  return Error{.code = Errc::invalid_argument, .message = std::move(message), .hint = std::move(hint)};
}

/// "gzip", "zstd:3", "none".
Result<> read_compression(const std::string& text, CopyOptions& options) {
  const auto colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  if (kind == "gzip") {
    options.compression = LayerCompression::gzip;
  } else if (kind == "zstd") {
    options.compression = LayerCompression::zstd;
  } else if (kind == "none") {
    options.compression = LayerCompression::none;
  } else if (!kind.empty()) {
    return usage("--compress " + kind + ": not a compression",
                 "gzip, zstd and none are; a level follows as in zstd:3");
  }
  if (colon == std::string::npos) return {};
  const std::string level = text.substr(colon + 1);
  const int most = kind == "zstd" ? 19 : kind == "gzip" ? 12 : 0;
  const bool number = level.size() == 1 || level.size() == 2
                          ? std::ranges::all_of(level, [](char c) { return c >= '0' && c <= '9'; })
                          : false;
  const int value = number ? std::stoi(level) : 0;
  if (value < 1 || value > most)
    return usage("--compress " + text + ": " + kind + " has no such level",
                 "gzip has levels 1 to 12, zstd 1 to 19");
  options.compression_level = value;
  return {};
}

/// Whether a word is a tag to some and an image of Docker Hub to others.
bool is_bare(const std::string& text) {
  return text.find_first_of("/:.@") == std::string::npos && text != "-";
}

}  // namespace

void EditingFlags::add_to(CLI::App& command, const std::string& source_help) {
  const auto add = [](CLI::Option* option) { return with_environment(option); };
  command.add_option("SRC", source, source_help);
  command.add_option("DST", destination, "where the new image goes (SRC, where that is a tag in a registry)");
  add(command.add_option("-t,--tag", to, "the same as DST, as crane writes it"))
      ->type_name("DST")
      ->allow_extra_args(false);
  command.add_option("-o,--output", to)->allow_extra_args(false)->group("");
  platform.add_to(command, "only this platform of an index, as linux/arm64; several give an index of them");
  add(command.add_option("--compress", compress,
                         "for layers that are not compressed: gzip (default), zstd, none"))
      ->type_name("KIND[:LEVEL]");
  add(command.add_flag("--oci", oci, "the new image has OCI manifests"));
  add(command.add_flag("--docker", docker, "the same with Docker schema 2"));
  add(command.add_flag("-n,--no-clobber", no_clobber, "do not move a tag that points at something else"));
  add(command.add_flag("--create-repo{yes}", create_repo,
                       "make an ECR repository that is missing; =immutable,scan,kms=KEY says how"));
  add(command.add_flag("--no-sync", no_sync, "do not wait until files are on the disk"));
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
  if (auto read = read_compression(compress, options); !read) return read.error();
  if (preserve_digests)
    return usage("an image that is changed has another digest, so none can be preserved",
                 "leave out --preserve-digests");
  if (oci && docker) return usage("--oci and --docker exclude each other");
  if (docker && options.compression == LayerCompression::zstd)
    return usage("Docker's manifest format has no name for zstd layers",
                 "leave out --docker, or use --compress gzip");
  if (oci) options.format = ManifestFormat::oci;
  if (docker) options.format = ManifestFormat::docker;
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
  if (!image.reference)
    return usage(image.name + " is a file, and where the new image goes was not said",
                 "name a DST behind it: a file, a folder or a reference");
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
  if (!flags.digest_file.empty()) {
    if (auto writable = check_digest_file(flags.digest_file); !writable) return fail(writable.error());
  }
  std::vector<std::string> written = flags.to;
  if (!flags.destination.empty()) written.push_back(flags.destination);
  also_read.push_back(flags.source);
  if (written.empty()) written.push_back(flags.source);
  if (auto fits = check_stdout(written); !fits) return fail(fits.error());
  auto settings = flags.connection.client_options(flags.output.verbose,
                                                  {.sources = std::move(also_read), .destinations = written},
                                                  CredentialScope::both);
  if (!settings) return fail(settings.error());
  const auto time = parse_source_date_epoch(settings->source_date_epoch);
  if (!time) return fail(time.error());
  Notes notes;
  copy->observer = &notes;
  copy->stop = signals.stop();

  ProgressLine line(flags.output.style(), "send");
  Client client(*std::move(settings));
  const auto image = client.open(
      flags.source, {.platforms = *std::move(platforms), .stop = signals.stop(), .timeout = copy->timeout});
  if (!image) return fail(image.error());
  const auto destinations = flags.destinations(*image);
  if (!destinations) return fail(destinations.error());
  const EditContext context{.client = client,
                            .copy = *copy,
                            .edit = {.time = *time, .stop = signals.stop(), .timeout = copy->timeout}};
  const auto edited = edit(*image, context);
  if (!edited) return fail(edited.error());
  const auto deliveries = client.copy(*edited, *destinations, *copy);
  for (const std::string& text : notes.take()) line.note(text);
  if (!deliveries) return fail(deliveries.error());
  line.finish({}, *deliveries);
  complain_about(*deliveries);
  if (!print_results(flags.json ? json_lines(*deliveries) : reference_lines(*deliveries), *destinations))
    return kLocal;
  if (!flags.digest_file.empty()) {
    if (auto saved = write_digest_file(flags.digest_file, *deliveries); !saved) return fail(saved.error());
  }
  return exit_code(*deliveries);
}

}  // namespace davit::tool
