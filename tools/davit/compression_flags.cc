#include "compression_flags.h"

#include <algorithm>

#include "flag_values.h"
#include "shared_flags.h"
#include "usage.h"

namespace davit::tool {
/// `gzip`, `zstd:3`, `none`, `keep`.
Result<> CompressionFlags::read_compression(CopyOptions& options) const {
  // What was typed beats the environment, under another name and as the opposite, too.
  const bool compress_typed = was_typed(*app_, "--compress");
  const bool recompress_typed = was_typed(*app_, "--recompress");
  if (compress_typed && !skopeo_format.empty())
    return usage("--compress and --dest-compress-format exclude each other",
                 "--compress " + skopeo_format + " --recompress is the same as the latter");
  std::string kind = skopeo_format.empty() ? compress : skopeo_format;
  if (kind == "keep" && recompress_typed && !compress_typed) kind.clear();
  options.recompress =
      !skopeo_format.empty() || (recompress && !(kind == "keep" && compress_typed && !recompress_typed));
  std::string chosen = skopeo_level;
  if (const auto colon = kind.find(':'); colon != std::string::npos) {
    if (chosen.empty() || compress_typed || !skopeo_format.empty()) chosen = kind.substr(colon + 1);
    kind.resize(colon);
  }
  if (kind == "gzip") {
    options.compression = LayerCompression::gzip;
  } else if (kind == "zstd") {
    options.compression = LayerCompression::zstd;
  } else if (kind == "none") {
    options.compression = LayerCompression::none;
  } else if (kind == "keep") {
    if (options.recompress)
      return usage("--compress keep leaves layers as they are, and --recompress does not",
                   "gzip, zstd and none are what layers can become");
    options.compression = LayerCompression::none;
    options.keep_archive_layers = true;
  } else if (!kind.empty()) {
    return usage("--compress " + kind + ": not a compression",
                 "gzip, zstd, none and keep are; a level follows as in zstd:3");
  }
  if (chosen.empty()) return {};
  const bool number =
      chosen.size() <= 2 && std::ranges::all_of(chosen, [](char c) { return c >= '0' && c <= '9'; });
  const int value = number ? std::stoi(chosen) : 0;
  if (kind.empty()) kind = "gzip";
  const int most = kind == "zstd" ? 19 : kind == "gzip" ? 12 : 0;
  if (value < 1 || value > most) {
    const std::string flag = chosen == skopeo_level   ? "--dest-compress-level " + chosen
                             : !skopeo_format.empty() ? "--dest-compress-format " + kind + ":" + chosen
                                                      : "--compress " + kind + ":" + chosen;
    return usage(flag + ": " + kind + " has no such level", "gzip has levels 1 to 12, zstd 1 to 19");
  }
  options.compression_level = value;
  return {};
}

Result<> CompressionFlags::apply(CopyOptions& options) const {
  if (auto read = read_compression(options); !read) return read.error();
  const bool as_oci = oci || format == "oci";
  const bool as_docker = docker || format == "v2s2" || format == "docker";
  if (as_oci && as_docker) return usage("--oci and --docker exclude each other");
  if (as_docker && options.compression == LayerCompression::zstd) {
    return usage("Docker's manifest format has no name for zstd layers",
                 "leave out --docker, or use --compress gzip");
  }
  if (as_oci) options.format = ManifestFormat::oci;
  if (as_docker) options.format = ManifestFormat::docker;
  return {};
}

void CompressionFlags::add_to(CLI::App& command, For what) {
  app_ = &command;
  const auto add = [](CLI::Option* option) { return with_environment(option); };
  add(command.add_option("--compress", compress,
                         "for uncompressed layers: gzip (default), zstd, none or keep"))
      ->type_name("KIND[:LEVEL]")
      ->check(suggested_words({"gzip", "zstd", "none", "keep"}));
  if (what == For::index) {
    add(command.add_flag("--oci", oci, "an OCI index (the default)"));
    add(command.add_flag("--docker", docker, "Docker's manifest list instead"));
  } else if (what == For::edits) {
    add(command.add_flag("--oci", oci, "the new image has OCI manifests"));
    add(command.add_flag("--docker", docker, "the same with Docker schema 2"));
  } else {
    add(command.add_flag("--recompress", recompress,
                         "compressed layers become what --compress says, too; this changes the digests"));
    command.add_option("--dest-compress-format", skopeo_format)->group("");
    command.add_option("--dest-compress-level", skopeo_level)->group("");
    add(command.add_flag("--oci", oci,
                         "OCI manifests: written where davit writes one, converted where there are others"));
    add(command.add_flag("--docker", docker, "the same with Docker schema 2"));
  }
  command
      .add_option(what == For::edits ? "--format" : "--format,-f", format)  // -f is a file there

      ->check(known_word("--format", {"oci", "v2s2", "docker"}))
      ->group("");
}

}  // namespace davit::tool
