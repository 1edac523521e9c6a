#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <davit/artifact.h>
#include <davit/aws.h>
#include <davit/credentials.h>
#include <davit/ecr.h>
#include <davit/edit.h>
#include <davit/export.h>
#include <davit/image.h>
#include <davit/index.h>
#include <davit/limits.h>
#include <davit/listing.h>
#include <davit/log.h>
#include <davit/mirror.h>
#include <davit/referrers.h>
#include <davit/removal.h>
#include <davit/result.h>
#include <davit/transfer.h>

namespace davit {

/// What is particular to one registry, keyed by its host as references write it ("localhost:5000").
struct RegistryOptions {
  std::optional<bool> plain_http = {};  ///< unset: https, except for literal loopback hosts and `localhost`
  bool verify_tls = true;
  std::string ca_file = {};    ///< PEM, trusted besides the system's
  std::string ca_pem = {};     ///< the same, as text
  std::string cert_file = {};  ///< PEM client certificate
  std::string key_file = {};
  std::string certificate_directory = {};  ///< `*.crt`: authorities to trust, `*.cert` with `*.key`: client
                                           ///< certificate; as below, for this one
  std::vector<std::string> allow_realms = {};  ///< HOST[:PORT] of token services that may see its credentials
  AwsIdentity aws = {};                 ///< who to be for an ECR host; ClientOptions' own fields come first
  std::optional<EcrRegistry> ecr = {};  ///< set: it is an ECR registry, whatever its name
  RequestLimits limits = {};            ///< an ECR registry with several names has those of one of them
};

/// Everything a client needs to know about its surroundings. The defaults know nothing of this machine: no
/// credentials, no proxy. Sizes are bytes.
struct DAVIT_EXPORT ClientOptions {
  std::vector<std::shared_ptr<CredentialSource>> credentials =
      {};  ///< asked in this order; shared with the caller
  std::vector<std::shared_ptr<CredentialSource>> source_credentials =
      {};  ///< for sources only; before `credentials`
  std::vector<std::shared_ptr<CredentialSource>> destination_credentials =
      {};  ///< for destinations only; before `credentials`
  std::map<std::string, RegistryOptions> registries = {};
  RegistryOptions any_registry = {};  ///< for hosts that `registries` does not name
  std::size_t jobs = 16;              ///< transfers at once
  int retries = 5;                    ///< tries of one request
  std::chrono::milliseconds stall_timeout{30'000};
  std::uint64_t limit_rate = 0;  ///< bytes per second and direction, for the whole client; 0 is no limit
  std::uint64_t chunk_size = 0;  ///< upload in pieces of this size; 0: as the registry likes it
  std::uint64_t compression_memory = 24u << 20;
  std::size_t compression_threads = 0;  ///< 0: one for each core
  std::string source_date_epoch =
      {};  ///< SOURCE_DATE_EPOCH, as it was set; parse_source_date_epoch() reads it
  std::string temporary_directory = "/tmp";  ///< for what cannot be sought: pipes, gzip-wrapped archives
  DockerConfigOptions docker = {};           ///< where login() and logout() keep credentials
  AwsIdentity aws = {};                      ///< who to be for ECR hosts, and for `ecr:` references
  AwsIdentity source_aws = {};               ///< the same for sources only; before `aws`
  AwsIdentity destination_aws = {};          ///< the same for destinations only; before `aws`
  AwsEnvironment aws_environment = {};
  std::string http_proxy = {};
  std::string https_proxy = {};
  std::string all_proxy = {};
  std::string no_proxy = {};
  std::string system_ca_file = {};       ///< PEM, instead of the system's authorities (SSL_CERT_FILE)
  std::string system_ca_directory = {};  ///< hashed as OpenSSL does, instead of the system's (SSL_CERT_DIR)
  /// Folders with one for each registry, named like its host in references ("localhost:5000"), as Docker and
  /// Podman have them; later ones are looked into when the earlier have none for the host.
  std::vector<std::string> certificate_directories = {};
  LogCallback log = {};
  LogLevel log_level = LogLevel::info;

  /// This machine's settings: Docker's and Podman's credentials and helpers, the AWS_* variables, HTTPS_PROXY
  /// and its relatives, TMPDIR. With read_configuration() the only place where the library reads the
  /// environment.
  static ClientOptions from_environment();

  /// Adds what a configuration file says about registries (docs/configuration.md): to `registries`, and in
  /// front of `credentials`. An empty path is DAVIT_CONFIG, else davit/config.yaml in
  /// `docker.xdg_config_home` or `docker.home`/.config, if there is one. Reads the environment for
  /// DAVIT_CONFIG and for the variables that the file names. Errors: local_io, invalid_argument with line and
  /// column.
  Result<> read_configuration(const std::string& path);

  /// The jobs of a mirror file, "-" for standard input: davit's own, regsync's or skopeo sync's, found by
  /// what is in it. What it says about registries is added as read_configuration() does, and replaces what
  /// was known of them before. Reads the environment for the variables that the file names. Errors: local_io,
  /// invalid_argument with line and column.
  Result<MirrorFile> read_mirror_file(const std::string& path);
};

/// The registry that an argument of push(), pull() or copy() names, as `RegistryOptions` are keyed and
/// credentials are given: "docker.io" for a bare name. Empty for files, for `ecr:` references, whose registry
/// AWS knows, for what is malformed, and for what could be a file as well: this decides who is shown
/// credentials. Looks whether there is a file of that name.
DAVIT_EXPORT std::string registry_of(std::string_view argument, Side side);

/// Whether a destination of copy() is a layout or an OCI archive: what davit writes there are OCI documents,
/// unless Docker's are asked for.
DAVIT_EXPORT bool goes_to_oci(std::string_view destination);

/// The library's front door. Owns its threads and connections. Thread-safe: several operations may run at
/// once. The destructor cancels what start_push() began; a Transfer may outlive its client and then ends as
/// cancelled. REQUIRES: no other call is under way when it is destroyed. Observers and log callbacks must not
/// call a client from within: it would wait for itself.
///
/// Sources: a path (docker-archive, OCI archive, OCI layout; found by content, gzip or zstd around it is seen
/// through),
/// `-` for standard input, `docker-archive:FILE[:NAME:TAG]`, `docker-archive:FILE:@N`,
/// `oci-archive:FILE[:NAME]`, `oci:DIR[:NAME]`, or a registry reference. Destinations: registry references;
/// `ecr:[[ACCOUNT.]REGION/]REPO[:TAG]` is short for an ECR registry's name; several tags as `repo:v1,v2`; a
/// template `registry/{repo}:{tag}` for archives with several images. What pull() and copy() write to files:
/// `oci:DIR[:NAME]`, `oci-archive:FILE[:NAME]`, `docker-archive:FILE[:NAME:TAG]`, or a path.
class DAVIT_EXPORT Client {
 public:
  class Impl;
  explicit Client(ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// One image to one destination: the usual case.
  Result<Delivered> push(std::string_view source, std::string_view destination,
                         const PushOptions& options = {});

  /// One reading of the source, any number of destinations, each with a result of its own. An error means
  /// that nothing could even begin.
  Result<std::vector<Delivery>> push(std::string_view source, std::span<const std::string> destinations,
                                     const PushOptions& options = {});

  /// The same in the background.
  Transfer start_push(std::string source, std::vector<std::string> destinations, PushOptions options = {});

  /// What push() would do; writes nothing anywhere.
  Result<std::vector<Plan>> plan_push(std::string_view source, std::span<const std::string> destinations,
                                      const PushOptions& options = {});

  /// An image of a registry into a file: `NAME.tar` and `-` (standard output) are docker-archives, which hold
  /// one platform, `NAME.oci.tar` is an oci-archive, anything else an OCI layout, which is added to. Empty:
  /// the last part of the repository's name as a docker-archive. What an interrupted pull has left is gone on
  /// with.
  Result<Delivered> pull(std::string_view reference, std::string_view output = {},
                         const PullOptions& options = {});
  Transfer start_pull(std::string reference, std::string output = {}, PullOptions options = {});
  Result<std::vector<Plan>> plan_pull(std::string_view reference, std::string_view output = {},
                                      const PullOptions& options = {});

  /// From any source to any destinations, registries and files. Blobs that a registry can mount from the
  /// source's repository are not moved.
  Result<Delivered> copy(std::string_view source, std::string_view destination,
                         const CopyOptions& options = {});
  Result<std::vector<Delivery>> copy(std::string_view source, std::span<const std::string> destinations,
                                     const CopyOptions& options = {});
  Transfer start_copy(std::string source, std::vector<std::string> destinations, CopyOptions options = {});
  /// From a store of your own; `name` is what its resolve() takes, and the tag of a destination without one
  /// when it can be a tag.
  Result<std::vector<Delivery>> copy(std::shared_ptr<ContentSource> source, std::string_view name,
                                     std::span<const std::string> destinations,
                                     const CopyOptions& options = {});
  /// From an image that was opened, as it is or edited. Without a tag at the destination, its own.
  Result<std::vector<Delivery>> copy(const OpenedImage& image, std::span<const std::string> destinations,
                                     const CopyOptions& options = {});
  Transfer start_copy(OpenedImage image, std::vector<std::string> destinations, CopyOptions options = {});
  Result<std::vector<Plan>> plan_copy(const OpenedImage& image, std::span<const std::string> destinations,
                                      const CopyOptions& options = {});
  /// Into a store of your own, under `names`.
  Result<Delivered> copy(std::string_view source, std::shared_ptr<ContentSink> destination,
                         std::vector<std::string> names, const CopyOptions& options = {});
  Result<std::vector<Plan>> plan_copy(std::string_view source, std::span<const std::string> destinations,
                                      const CopyOptions& options = {});

  /// Mirrors repositories: copies every image that the jobs mean and a target lacks, each blob once, and,
  /// where a job says so, deletes what its source has no longer. Failures of single tags are entries, and do
  /// not end the run. Errors: invalid_argument for jobs that cannot be; cancelled, timeout.
  Result<MirrorTotals> mirror(std::span<const MirrorJob> jobs, const MirrorOptions& options = {});
  /// What mirror() would do; writes and deletes nothing.
  Result<MirrorTotals> plan_mirror(std::span<const MirrorJob> jobs, const MirrorOptions& options = {});
  /// Puts back tags that a mirror has deleted, as far as the registries still have the blobs. A tag that is
  /// there again is left alone: conflict, or a success if it is the same image. What an index lists is put
  /// before it, whatever the order of the records. One result for each record, in their order.
  Result<std::vector<Delivery>> restore(std::span<const PruneRecord> records, std::stop_token stop = {});
  /// What restore() would do, without putting anything: whether the registries still have what an image needs
  /// is not known before.
  Result<std::vector<Delivery>> plan_restore(std::span<const PruneRecord> records, std::stop_token stop = {});

  /// What a source argument stands for, opened to be looked at, or to be edited and copied. Errors:
  /// not_found; invalid_argument where it could be several images; those of reading it.
  Result<OpenedImage> open(std::string_view source, const OpenOptions& options = {});

  /// A file or a folder as a layer for append_layers(). A tar that is compressed already (gzip, zstd) stays
  /// byte for byte; a plain one is compressed, and so is a folder, as a tar whose bytes follow from the files
  /// in it: both are read once here and again when they are sent. "-" is standard input, kept in an unlinked
  /// file. Errors: corrupt for what is no tar; local_io.
  Result<Layer> layer(std::string_view path, const LayerOptions& options = {});

  /// rebase_image() with bases that are named.
  Result<OpenedImage> rebase(const OpenedImage& image, const RebaseOptions& options);

  /// The image with one layer that has all the files of its own ones (davit/rootfs.h), and with one entry of
  /// history; everything else stays. The new layers are kept, compressed, in unlinked files. Errors: those of
  /// flattened_root() and of the edits.
  Result<OpenedImage> flatten(const OpenedImage& image, const FlattenOptions& options = {});

  /// Makes an index over images from anywhere, and puts it where `destination` says: the images are moved or
  /// mounted as needed and put by digest, the index comes last. The same parts always give the same bytes.
  /// Errors: invalid_argument for two images of one platform and for one without; not_found for a platform
  /// that was asked for.
  Result<Delivered> create_index(std::string_view destination, std::span<const IndexPart> parts,
                                 const IndexOptions& options = {});
  Transfer start_index(std::string destination, std::vector<IndexPart> parts, IndexOptions options = {});
  Result<Plan> plan_index(std::string_view destination, std::span<const IndexPart> parts,
                          const IndexOptions& options = {});

  /// Changes the index that `index` names, and puts the result where `destination` says; empty: back under
  /// its tag. Errors: conflict when the tag has been moved meanwhile; invalid_argument when it is no index.
  Result<Delivered> edit_index(std::string_view index, std::string_view destination, const IndexEdit& edit,
                               const IndexOptions& options = {});
  Transfer start_index_edit(std::string index, std::string destination, IndexEdit edit,
                            IndexOptions options = {});
  Result<Plan> plan_index_edit(std::string_view index, std::string_view destination, const IndexEdit& edit,
                               const IndexOptions& options = {});

  /// A blob of a repository, a layout or an archive, whichever image it belongs to: a tag or digest in
  /// `source` does not matter. Errors: not_found, and those of open().
  Result<OpenedBlob> open_blob(std::string_view source, const Digest& digest,
                               const OpenOptions& options = {});

  /// What push() with these options and Reuse::off would put, without sending anything: archives are read and
  /// their layers compressed. For what a registry names, and nothing changes, that is one HEAD. Errors: as
  /// push().
  Result<ResolvedImage> digest(std::string_view source, const CopyOptions& options = {});

  /// Gives an image of a registry or a layout further tags: its manifest is read once and put, unchanged,
  /// under each that has something else. `tags` are tags, or references in the same repository. One result
  /// for each tag, in order. An immutable tag that has the image already is a success. An error means that
  /// nothing was written.
  Result<std::vector<Delivery>> tag(std::string_view image, std::span<const std::string> tags,
                                    const TagOptions& options = {});

  /// Removes from registries: by a tag that tag alone, by a digest the image with all its tags. Never an
  /// image because a tag was named: where a registry cannot do that, the result is `unsupported` and the tag
  /// stays. Of a layout, tags alone: their entries go out of index.json, and all blobs stay. One result for
  /// each reference, in order. An error means that nothing was touched.
  Result<std::vector<Removal>> remove(std::span<const std::string> references,
                                      const RemoveOptions& options = {});
  /// What remove() would do; changes nothing.
  Result<std::vector<Removal>> plan_remove(std::span<const std::string> references,
                                           const RemoveOptions& options = {});

  /// Puts files into a registry as an artifact that refers to an image. The same files and options give the
  /// same artifact. Registries without a list of referrers get one under the tag that the distribution
  /// specification gives it, in which entries of others stay. No file is an artifact of annotations alone.
  Result<Delivered> attach(std::string_view image, std::span<const AttachedFile> files,
                           const AttachOptions& options);

  /// What refers to an image: signatures, SBOMs, any artifact. Any source that lists referrers.
  Result<ReferrerTree> referrers(std::string_view image, const DiscoverOptions& options = {});

  /// Whether a word means a registry ("localhost:5000", "registry.example.com/", "ecr:"), a repository, an
  /// image, or a file with several. May ask AWS for an account. Errors: invalid_argument.
  Result<ListPlace> place(std::string_view text, std::stop_token stop = {});
  /// The tags of a repository, in the registry's order; with TagChoice::latest in version order, in one page.
  /// Or the names in an archive or a layout, which `include` and `exclude` choose among.
  /// At most a page is in memory. Errors: those of `each_page`; not_found; unsupported.
  Result<> list_tags(std::string_view repository, const ListOptions& options, const TagPage& each_page);
  /// The repositories of a registry, likewise.
  Result<> list_repositories(std::string_view registry, const ListOptions& options,
                             const RepositoryPage& each_page);

  /// Checks the credential against the registry, then stores it where Docker would. Returns where that was.
  Result<std::string> login(std::string_view host, const Credential& credential, std::stop_token stop = {});
  /// What davit would show a registry: for an ECR host a fresh password from the AWS chain, for others what
  /// is stored. `server` may be a URL, as Docker writes it. Errors: not_found where nothing is stored.
  Result<RegistryLogin> login_for(std::string_view server, std::stop_token stop = {});
  /// What the registries that count pulls, as Docker Hub does, have said so far; a row for each of them.
  std::vector<PullQuota> pull_quotas();
  /// Who the AWS credentials for this registry belong to; an empty host asks in general.
  Result<AwsCaller> aws_caller(std::string_view host = {}, std::stop_token stop = {});

  /// Makes a repository in an ECR registry ("host/repo" or "ecr:repo"). Errors: already_exists.
  Result<RepositoryInfo> create_repository(std::string_view repository, const NewRepository& how = {},
                                           std::stop_token stop = {});
  /// Errors: not_found.
  Result<RepositoryInfo> repository_info(std::string_view repository, std::stop_token stop = {});
  /// What has to change for the settings to be as wanted, in words; with Adjust::apply it has been changed.
  /// Errors: unsupported for what cannot be changed, the encryption; nothing has been changed then.
  Result<std::vector<std::string>> adjust_repository(std::string_view repository,
                                                     const RepositoryWishes& wishes, Adjust how,
                                                     std::stop_token stop = {});

  /// Looks at what has to be right before images move: name, connection, TLS, clock, credentials, repository,
  /// permissions. `reference` may be a registry alone, or empty: then only AWS is looked at. Changes nothing.
  /// Stops at what everything after it rests on. Errors: invalid_argument.
  Result<std::vector<Finding>> examine(std::string_view reference = {}, std::stop_token stop = {});

  /// Forgets what is stored for the registry. Returns where it was. Errors: not_found.
  Result<std::string> logout(std::string_view host, std::stop_token stop = {});

 private:
  friend class Transfer;
  std::shared_ptr<Impl> impl_;  // co-owned by the transfers that it started
};

}  // namespace davit
