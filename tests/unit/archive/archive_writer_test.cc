#include "archive/archive_writer.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <thread>

#include "archive/archive.h"
#include "support/catch.h"
#include "support/image_summary.h"
#include "support/small_image.h"
#include "support/temp_dir.h"

using namespace davit;
using archive::Archive;
using archive::ArchiveFormat;
using archive::ArchiveWriter;
using test::small_image;
using test::SmallImage;
namespace fs = std::filesystem;

namespace {

std::shared_ptr<ArchiveWriter> writer(const fs::path& path, ArchiveFormat format = ArchiveFormat::oci,
                                      const archive::ArchiveWriterOptions& options = {}) {
  return ArchiveWriter::create(path, format, options).value();
}

std::string slurp(const fs::path& file) {
  std::ifstream from(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(from), {}};
}

fs::path partial(const fs::path& path) {
  return path.string() + ".davit-partial";
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

Descriptor described(const std::string& bytes) {
  return *io::MemoryContent(bytes, "application/octet-stream").descriptor();
}

std::vector<Presence> ask(ContentSink& sink, const SmallImage& image) {
  std::vector<Descriptor> wanted;
  for (std::size_t i = 0; i < image.blobs.size(); ++i) wanted.push_back(image.blob(i));
  return sink.probe(wanted, {}).value();
}

/// As the engine does it: asks for everything, puts what is absent, in any order, then the manifest.
void put_all(ContentSink& sink, const SmallImage& image, const std::vector<std::string>& names,
             bool backwards = false) {
  const auto presence = ask(sink, image);
  for (std::size_t n = 0; n < image.blobs.size(); ++n) {
    const std::size_t i = backwards ? image.blobs.size() - 1 - n : n;
    if (presence[i] == Presence::absent) REQUIRE(test::put_draft(sink, image.blob(i), image.blobs[i]));
  }
  REQUIRE(sink.put_manifest(image.manifest, names, {}));
}

std::string listed(Archive& archive) {
  std::string out;
  for (std::size_t i = 0; i < archive.images().size(); ++i) {
    const auto image = archive.image(i, {});
    if (!image) return "error: " + image.error().to_string();
    const auto summary = test::summarize(archive, *image);
    if (!summary) return "error: " + summary.error().to_string();
    for (const std::string& name : image->names) out += name + " ";
    out += "manifest " + std::get<Descriptor>(image->root).digest.short_form() + "\n";
  }
  return out;
}

/// One line per image: names and digest, every byte verified.
std::string listed(const fs::path& path) {
  const auto opened = Archive::open(path, {.absent = content::AbsentPlatforms::refuse}, {});
  return opened ? listed(**opened) : "error: " + opened.error().to_string();
}

std::string line(const std::string& names, const Manifest& manifest) {
  return names + "manifest " + manifest.descriptor().digest.short_form() + "\n";
}

/// What an entry of the tar holds; by the names that it has on the whole file.
std::string entry(const fs::path& path, const std::string& name) {
  const std::string tar = slurp(path);
  for (std::size_t at = 0; at + 512 <= tar.size() && tar[at] != '\0';) {
    const std::string own = tar.substr(at, tar.substr(at, 100).find('\0'));
    const std::size_t size = std::stoull(tar.substr(at + 124, 11), nullptr, 8);
    if (own == name) return tar.substr(at + 512, size);
    at += 512 + (size + 511) / 512 * 512;
  }
  return "nothing";
}

/// Runs `work` in a process of its own; its exit code.
int in_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

const std::string kBig(300'000, 'b');

}  // namespace

TEST_CASE("an archive of either format comes out with the digests that went in") {
  const test::TempDir temp;
  const auto image = small_image({"one", kBig, "", std::string(512, 'p')});
  for (const ArchiveFormat format : {ArchiveFormat::oci, ArchiveFormat::docker}) {
    const fs::path path = temp.path() / (format == ArchiveFormat::oci ? "oci.tar" : "docker.tar");
    const auto sink = writer(path, format);
    CHECK_FALSE(sink->names_vouch());
    CHECK(sink->blobs_at_once() > 1);
    put_all(*sink, image, {"docker.io/library/redis:7"});
    CHECK_FALSE(fs::exists(path));
    CHECK(fs::exists(partial(path)));
    REQUIRE(sink->finish({}));
    CHECK_FALSE(fs::exists(partial(path)));
    CHECK(listed(path) == line("docker.io/library/redis:7 7 ", image.manifest));
    CHECK(fs::file_size(path) % 512 == 0);
    CHECK((entry(path, "manifest.json") == "nothing") == (format == ArchiveFormat::oci));
  }
}

TEST_CASE("a docker archive has a manifest.json over the same blobs") {
  const test::TempDir temp;
  const fs::path path = temp.path() / "x.tar";
  const auto image = small_image({"one", "two"});
  const auto sink = writer(path, ArchiveFormat::docker);
  put_all(*sink, image, {"docker.io/library/redis:7", "docker.io/user/app:1", "host:5000/library/x:2"});
  REQUIRE(sink->finish({}));
  const auto hex = [&](std::size_t i) { return "blobs/sha256/" + image.blob(i).digest.hex(); };
  CHECK(entry(path, "manifest.json") ==
        R"([{"Config":")" + hex(0) + R"(","RepoTags":["redis:7","user/app:1","host:5000/library/x:2"],)" +
            R"("Layers":[")" + hex(1) + R"(",")" + hex(2) + R"("]}])");
  CHECK(entry(path, "index.json")
            .find(R"("annotations":{"io.containerd.image.name":"docker.io/library/redis:7",)"
                  R"("org.opencontainers.image.ref.name":"7"})") != std::string::npos);
  CHECK(entry(path, "oci-layout") == R"({"imageLayoutVersion":"1.0.0"})");
}

TEST_CASE("several images, some with one configuration, one without a name") {
  const test::TempDir temp;
  const fs::path path = temp.path() / "x.tar";
  const auto first = small_image({"shared", "one"});
  const auto second = small_image({"shared", "two"});
  const auto third = small_image({"three"});
  const Manifest other_bytes =  // the same image in other words
      Manifest::parse(" " + first.manifest.bytes(), first.manifest.descriptor().media_type).value();
  const auto sink = writer(path, ArchiveFormat::docker);
  for (const SmallImage& image : {first, second, third}) ask(*sink, image);
  put_all(*sink, second, {"b:1"});
  put_all(*sink, first, {"a:1"});
  put_all(*sink, third, {});
  REQUIRE(sink->put_manifest(other_bytes, std::vector<std::string>{"c:1"}, {}));
  REQUIRE(sink->finish({}));
  CHECK(listed(path) == line("docker.io/library/a:1 1 ", first.manifest) +
                            line("docker.io/library/b:1 1 ", second.manifest) +
                            line("docker.io/library/c:1 1 ", other_bytes) + line("", third.manifest));
  const std::string manifest = entry(path, "manifest.json");
  CHECK(manifest.find(R"("RepoTags":["a:1","c:1"])") != std::string::npos);
  CHECK(manifest.find(R"("RepoTags":["b:1"])") != std::string::npos);
  CHECK(manifest.find(R"("RepoTags":null)") != std::string::npos);
}

TEST_CASE("a name that is given twice belongs to the last, however it is spelled") {
  const test::TempDir temp;
  const fs::path path = temp.path() / "x.tar";
  const auto first = small_image({"one"});
  const auto second = small_image({"two"});
  const auto sink = writer(path, ArchiveFormat::docker);
  put_all(*sink, first, {"redis:7", "redis:6"});
  put_all(*sink, second, {"docker.io/library/redis:7"});
  REQUIRE(sink->finish({}));
  CHECK(listed(path) == line("docker.io/library/redis:6 6 ", first.manifest) +
                            line("docker.io/library/redis:7 7 ", second.manifest));
}

TEST_CASE("a docker archive holds images for one platform, an OCI archive anything") {
  const test::TempDir temp;
  const auto image = small_image({"one"});
  const Manifest index = test::small_index({image.manifest});
  const std::string empty = "{}";
  const Manifest artifact =
      Manifest::parse(R"({"schemaVersion":2,"artifactType":"text/plain","config":{"mediaType":)"
                      R"("application/vnd.oci.empty.v1+json","size":2,"digest":")" +
                          Digest::of(empty).to_string() + R"("},"layers":[]})",
                      "")
          .value();
  const auto docker = writer(temp.path() / "docker.tar", ArchiveFormat::docker);
  for (const Manifest& manifest : {index, artifact}) {
    const auto error = docker->put_manifest(manifest, std::vector<std::string>{"1"}, {}).error();
    CHECK(error.code == Errc::unsupported);
    CHECK(error.side == Side::destination);
    CHECK(error.hint.find("OCI archive") != std::string::npos);
  }
  const auto oci = writer(temp.path() / "oci.tar");
  put_all(*oci, image, {});
  REQUIRE(oci->put_manifest(index, std::vector<std::string>{"1"}, {}));
  REQUIRE(oci->put_blob(io::MemoryContent(empty, ""), {}));
  REQUIRE(oci->put_manifest(artifact, {}, {}));
  REQUIRE(oci->finish({}));
  CHECK(listed(temp.path() / "oci.tar") == line("1 ", index) + line("", artifact));
}

TEST_CASE("the same images give the same bytes, in whatever order they come") {
  const test::TempDir temp;
  const auto first = small_image({"shared", kBig, "late one"});
  const auto second = small_image({"shared", "two"});
  const auto make = [&](const std::string& name, bool backwards) {
    const auto sink = writer(temp.path() / name, ArchiveFormat::docker);
    ask(*sink, first);
    ask(*sink, second);
    const std::vector<std::string> late{"unknown until the end", "and another"};
    for (std::size_t i = 0; i < late.size(); ++i)
      REQUIRE(sink->put_blob(test::LateContent(late[backwards ? 1 - i : i]), {}));
    put_all(*sink, backwards ? second : first, {backwards ? "b:2" : "a:1"}, backwards);
    put_all(*sink, backwards ? first : second, {backwards ? "a:1" : "b:2"}, backwards);
    REQUIRE(sink->finish({}));
    return slurp(temp.path() / name);
  };
  const std::string forwards = make("one.tar", false);
  CHECK((forwards == make("two.tar", true)));
  // What was asked for and never came leaves no trace.
  const auto sink = writer(temp.path() / "three.tar", ArchiveFormat::docker);
  for (const std::string never : {"never", "never either", "not this one"}) {
    const Descriptor blob = described(never);
    REQUIRE(sink->probe(std::span(&blob, 1), {}));
  }
  ask(*sink, first);
  ask(*sink, second);
  put_all(*sink, first, {"a:1"});
  const auto given_up = sink->draft(described("never"), {}).value();
  REQUIRE(given_up->write_at(0, bytes_of("nev")));
  put_all(*sink, second, {"b:2"});
  REQUIRE(sink->put_blob(test::LateContent("and another"), {}));
  REQUIRE(sink->put_blob(test::LateContent("unknown until the end"), {}));
  REQUIRE(sink->finish({}));
  CHECK((forwards == slurp(temp.path() / "three.tar")));
}

TEST_CASE("headers say nothing about who wrote the archive and when") {
  const test::TempDir temp;
  const auto sink = writer(temp.path() / "x.tar");
  put_all(*sink, small_image({"one"}), {"1"});
  REQUIRE(sink->finish({}));
  const std::string tar = slurp(temp.path() / "x.tar");
  CHECK((tar.substr(100, 24) == std::string("0000644\0"
                                            "0000000\0"
                                            "0000000\0",
                                            24)));
  CHECK((tar.substr(136, 12) == std::string("00000000000\0", 12)));
  CHECK((tar.substr(257, 8) == std::string("ustar\0"
                                           "00",
                                           8)));
  CHECK((tar.substr(265, 64) == std::string(64, '\0')));
  CHECK((tar.substr(tar.size() - 1024) == std::string(1024, '\0')));
}

TEST_CASE("row 88: an interrupted archive is gone on with where the same blobs are asked for") {
  const test::TempDir temp;
  const fs::path path = temp.path() / "x.tar";
  const auto image = small_image({"small", kBig, std::string(200'000, 'c')});
  {
    const auto sink = writer(path);
    ask(*sink, image);
    REQUIRE(test::put_draft(*sink, image.blob(1), image.blobs[1]));
    const auto draft = sink->draft(image.blob(2), {}).value();
    CHECK(draft->kept() == 0);
    REQUIRE(draft->write_at(0, bytes_of(kBig).first(100'000)));
    REQUIRE(sink->put_blob(test::LateContent("something else"), {}));
  }
  REQUIRE(fs::exists(partial(path)));
  const auto sink = writer(path);
  CHECK(ask(*sink, image) == std::vector<Presence>(4, Presence::absent));
  CHECK(sink->draft(image.blob(0), {}).value()->kept() == 0);
  CHECK(sink->draft(image.blob(1), {}).value()->kept() == image.blob(1).size);
  CHECK(sink->draft(image.blob(3), {}).value()->kept() == 0);
  const auto draft = sink->draft(image.blob(2), {}).value();
  CHECK(draft->kept() <= 100'000);
  CHECK(draft->kept() >= 100'000 - 2 * 4096);
  std::string front(draft->kept(), '\0');
  REQUIRE(draft->read_at(0, std::as_writable_bytes(std::span(front))));
  CHECK((front == kBig.substr(0, front.size())));
  REQUIRE(draft->write_at(front.size(), bytes_of(kBig).subspan(front.size())));
  REQUIRE(draft->commit());
  CHECK(ask(*sink, image)[2] == Presence::present);
  REQUIRE(sink->draft(image.blob(1), {}).value()->commit());
  put_all(*sink, image, {"1"});
  REQUIRE(sink->finish({}));
  CHECK(listed(path) == line("1 ", image.manifest));

  const auto fresh = writer(temp.path() / "fresh.tar");
  put_all(*fresh, image, {"1"});
  REQUIRE(fresh->finish({}));
  CHECK((slurp(path) == slurp(temp.path() / "fresh.tar")));
}

TEST_CASE("a partial archive of something else, or one that is not to be resumed, is begun anew") {
  const test::TempDir temp;
  const fs::path path = temp.path() / "x.tar";
  const auto image = small_image({kBig});
  const auto interrupted = [&] {
    const auto sink = writer(path);
    ask(*sink, image);
    REQUIRE(test::put_draft(*sink, image.blob(1), kBig));
  };
  interrupted();
  {
    const auto other = small_image({kBig, "more"});
    const auto sink = writer(path);
    ask(*sink, other);
    CHECK(sink->draft(other.blob(1), {}).value()->kept() == 0);
  }
  interrupted();
  {
    const auto sink = writer(path, ArchiveFormat::oci, {.resume = false});
    ask(*sink, image);
    CHECK(sink->draft(image.blob(1), {}).value()->kept() == 0);
  }
  CHECK_FALSE(fs::exists(partial(path)));
  temp.write("x.tar.davit-partial", std::string(1 << 20, 'g'));
  const auto sink = writer(path);
  ask(*sink, image);
  CHECK(sink->draft(image.blob(1), {}).value()->kept() == 0);
  put_all(*sink, image, {"1"});
  REQUIRE(sink->finish({}));
  CHECK(listed(path) == line("1 ", image.manifest));
}

TEST_CASE("bytes that were found wrong are not taken for good by the next run") {
  const test::TempDir temp;
  const auto image = small_image({kBig});
  {
    const auto sink = writer(temp.path() / "x.tar");
    ask(*sink, image);
    const auto draft = sink->draft(image.blob(1), {}).value();
    REQUIRE(draft->write_at(0, bytes_of(kBig)));
    REQUIRE(draft->restart());
  }
  const auto sink = writer(temp.path() / "x.tar");
  ask(*sink, image);
  CHECK(sink->draft(image.blob(1), {}).value()->kept() == 0);
}

TEST_CASE("a partial archive goes after seven days, one in use never") {
  const test::TempDir temp;
  const fs::path path = temp.path() / "x.tar";
  const auto image = small_image({kBig});
  const auto begun = [&] {
    const auto sink = writer(path);
    ask(*sink, image);
    REQUIRE(test::put_draft(*sink, image.blob(1), kBig));
    return sink;
  };
  const auto age = [&](const fs::path& file) {
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(7 * 24 + 1));
  };
  begun();
  age(partial(path));
  const fs::path dead = temp.write("x.tar.davit-partial.tmp-0123456789abcdef", "killed");
  const fs::path foreign = temp.write("x.tar.davit-partial.notes", "kept for years");
  age(foreign);
  {
    const auto sink = begun();
    CHECK_FALSE(fs::exists(dead));
    CHECK(fs::exists(foreign));
    age(partial(path));
    const auto second = begun();  // in a file of its own
    put_all(*second, image, {"second"});
    REQUIRE(second->finish({}));
    CHECK(listed(path) == line("second ", image.manifest));
    put_all(*sink, image, {"first"});
    REQUIRE(sink->finish({}));
    CHECK(listed(path) == line("first ", image.manifest));
  }
  begun();
  age(partial(path));
  const auto sink = writer(path);
  ask(*sink, image);
  CHECK(sink->draft(image.blob(1), {}).value()->kept() == 0);
}

TEST_CASE("an existing archive stays until the new one is complete, and its mode goes over") {
  const test::TempDir temp;
  const fs::path path = temp.write("x.tar", "the old one");
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink(path, temp.path() / "link.tar");
  const auto image = small_image({"one"});
  {
    const auto sink = writer(temp.path() / "link.tar");
    put_all(*sink, image, {"1"});
  }
  CHECK(slurp(path) == "the old one");
  const auto sink = writer(temp.path() / "link.tar");
  put_all(*sink, image, {"1"});
  REQUIRE(sink->finish({}));
  CHECK(fs::is_symlink(temp.path() / "link.tar"));
  CHECK(listed(path) == line("1 ", image.manifest));
  CHECK(fs::status(path).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("nothing but a file is replaced") {
  const test::TempDir temp;
  const auto refused = [](const fs::path& path) {
    const auto sink = ArchiveWriter::create(path, ArchiveFormat::oci, {});
    return sink ? Errc::internal : sink.error().code;
  };
  CHECK(refused(temp.path()) == Errc::invalid_argument);
  CHECK(refused("/dev/null") == Errc::invalid_argument);
  CHECK(refused(temp.path() / "no" / "such" / "x.tar") == Errc::local_io);
  CHECK(refused(temp.path() / "") == Errc::invalid_argument);
}

TEST_CASE("contents that fail leave no trace, and too many bytes are not taken") {
  const test::TempDir temp;
  const auto image = small_image({"one"});
  const auto sink = writer(temp.path() / "x.tar");
  ask(*sink, image);
  CHECK(sink->put_blob(test::LateContent("abcdef", 3), {}).error().code == Errc::unavailable);
  const auto draft = sink->draft(image.blob(1), {}).value();
  CHECK(draft->write_at(1, bytes_of("one")).error().code == Errc::internal);
  CHECK(draft->write_at(UINT64_MAX, bytes_of("one")).error().code == Errc::internal);
  put_all(*sink, image, {"1"});
  REQUIRE(sink->finish({}));
  CHECK(listed(temp.path() / "x.tar") == line("1 ", image.manifest));
  CHECK(sink->put_blob(io::MemoryContent("late", ""), {}).error().code == Errc::internal);
}

TEST_CASE("row 98, row 109: an entry of 9 GiB, at the front and behind another") {
  const test::TempDir temp;
  const fs::path path = temp.path() / "x.tar";
  const std::uint64_t size = std::uint64_t{9} << 30;
  const auto sink = writer(path);
  const std::vector<Descriptor> blobs{{.digest = Digest::of("any"), .size = size},
                                      {.digest = Digest::of("other"), .size = size}};
  REQUIRE(sink->probe(blobs, {}));
  const auto image = small_image({"one"});
  ask(*sink, image);
  for (const Descriptor& blob : blobs) {
    const auto draft = sink->draft(blob, {}).value();
    REQUIRE(draft->write_at(size - 3, bytes_of("end")));
    REQUIRE(draft->commit());
  }
  put_all(*sink, image, {"1"});
  REQUIRE(sink->finish({}));
  CHECK(listed(path) == line("1 ", image.manifest));
  const auto opened = Archive::open(path, {}, {}).value();
  for (const Descriptor& blob : blobs)
    CHECK(io::read_all(*opened->open(blob, size - 3, {}).value(), 10).value() == "end");
}

TEST_CASE("row 121: blobs under sha512, whose names are too long for a plain header") {
  const test::TempDir temp;
  const fs::path path = temp.path() / "x.tar";
  const std::string layer = "a layer";
  const std::string config =
      R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}})";
  const auto wide = [](const std::string& bytes, const std::string& type) {
    return Descriptor{
        .media_type = type, .digest = Digest::of(bytes, Digest::Algorithm::sha512), .size = bytes.size()};
  };
  const std::string text =
      R"({"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":)" +
      std::to_string(config.size()) + R"(,"digest":")" + wide(config, "").digest.to_string() +
      R"("},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":7,"digest":")" +
      wide(layer, "").digest.to_string() + R"("}]})";
  const Manifest manifest = Manifest::parse(text, "", Digest::Algorithm::sha512).value();
  for (int round = 0; round < 2; ++round) {  // the second goes on with what the first has left
    const auto sink = writer(path, ArchiveFormat::docker);
    const std::vector<Descriptor> blobs{wide(layer, ""), wide(config, "")};
    REQUIRE(sink->probe(blobs, {}));
    CHECK(sink->draft(blobs[0], {}).value()->kept() == (round == 0 ? 0 : layer.size()));
    REQUIRE(test::put_draft(*sink, blobs[0], layer));
    REQUIRE(test::put_draft(*sink, blobs[1], config));
    REQUIRE(sink->put_manifest(manifest, std::vector<std::string>{"app:1"}, {}));
    if (round == 1) REQUIRE(sink->finish({}));
  }
  CHECK(listed(path) == line("docker.io/library/app:1 1 ", manifest));
}

TEST_CASE("row 91: on a full disk nothing is left beside the old archive, and the path is named") {
  const test::TempDir temp;
  const fs::path path = temp.write("x.tar", "the old one");
  const int code = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100'000, 100'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto sink = ArchiveWriter::create(path, ArchiveFormat::oci, {});
    if (!sink) return 2;
    const auto put = (*sink)->put_blob(io::MemoryContent(kBig, ""), {});
    if (put || put.error().code != Errc::local_io || put.error().side != Side::destination) return 3;
    const Descriptor blob = described(kBig);
    const auto draft = (*sink)->draft(blob, {});
    if (draft || draft.error().code != Errc::local_io) return 4;
    if (draft.error().message.find(path.string()) == std::string::npos) return 5;
    if (fs::exists(partial(path))) return 6;
    return (*sink)->finish({}) ? 7 : 0;
  });
  CHECK(code == 0);
  CHECK(slurp(path) == "the old one");
  CHECK(std::distance(fs::directory_iterator(temp.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("row 91: when what waits for its size fills the disk, the partial archive goes too") {
  const test::TempDir temp;
  const fs::path path = temp.path() / "x.tar";
  const auto image = small_image({"one"});
  const int code = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100'000, 100'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto sink = ArchiveWriter::create(path, ArchiveFormat::oci, {}).value();
    if (!sink->probe(std::vector<Descriptor>{image.blob(1)}, {})) return 2;
    if (!test::put_draft(*sink, image.blob(1), "one")) return 3;
    const auto put = sink->put_blob(test::LateContent(kBig), {});
    return !put && put.error().message.find(temp.path().string()) != std::string::npos ? 0 : 4;
  });
  CHECK(code == 0);
  CHECK(fs::is_empty(temp.path()));
}

namespace {

struct Pipe {
  Pipe() { REQUIRE(::pipe2(ends, O_CLOEXEC) == 0); }
  int ends[2] = {-1, -1};
};

/// Reads a pipe to its end on a thread of its own.
class Collector {
 public:
  explicit Collector(int descriptor)
      : thread_([this, descriptor] {
          const io::File file(descriptor);
          char buffer[65536];
          for (ssize_t count = 0; (count = ::read(descriptor, buffer, sizeof buffer)) > 0;)
            bytes_.append(buffer, static_cast<std::size_t>(count));
        }) {}
  std::string bytes() {
    thread_.join();
    return bytes_;
  }

 private:
  std::string bytes_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("an archive goes into a pipe blob by blob") {
  const test::TempDir temp;
  const auto image = small_image({"one", kBig, ""});
  for (const ArchiveFormat format : {ArchiveFormat::oci, ArchiveFormat::docker}) {
    const Pipe pipe;
    Collector collector(pipe.ends[0]);
    {
      const auto sink = ArchiveWriter::to_stream(io::File(pipe.ends[1]), "standard output", format,
                                                 {.temporary_directory = temp.path()});
      CHECK(sink->blobs_at_once() == 1);
      CHECK(ask(*sink, image) == std::vector<Presence>(4, Presence::absent));
      CHECK(sink->draft(image.blob(1), {}).value() == nullptr);
      REQUIRE(sink->put_blob(test::LateContent("shows at its end"), {}));
      REQUIRE(test::put_image(*sink, image, {"docker.io/library/redis:7"}));
      REQUIRE(sink->put_blob(io::MemoryContent(kBig, ""), {}));  // once is enough
      CHECK(ask(*sink, image) == std::vector<Presence>(4, Presence::present));
      REQUIRE(sink->finish({}));
    }
    const std::string bytes = collector.bytes();
    CHECK(bytes.size() < kBig.size() + 20'000);
    CHECK(listed(temp.write("out.tar", bytes)) == line("docker.io/library/redis:7 7 ", image.manifest));
    CHECK(std::distance(fs::directory_iterator(temp.path()), fs::directory_iterator()) == 1);
  }
}

TEST_CASE("a blob that fails on its way into a pipe spoils the archive, one that fails before does not") {
  const test::TempDir temp;
  const auto image = small_image({"one"});
  const auto sink =
      ArchiveWriter::to_stream(io::File::open(temp.path() / "out", O_WRONLY | O_CREAT).value(),
                               "standard output", ArchiveFormat::oci, {.temporary_directory = temp.path()});
  CHECK(sink->put_blob(test::LateContent("abc", 2), {}).error().code == Errc::unavailable);

  class Cut final : public Content {
   public:
    explicit Cut(std::size_t at) : at_(at) {}
    [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(std::uint64_t offset,
                                                           const CallContext& context) const override {
      inner_ = std::make_unique<test::LateContent>(kBig, at_);
      return inner_->open(offset, context);
    }
    [[nodiscard]] std::optional<Descriptor> descriptor() const override { return described(kBig); }

   private:
    std::size_t at_;
    mutable std::unique_ptr<test::LateContent> inner_;
  };
  CHECK(sink->put_blob(Cut(0), {}).error().code == Errc::unavailable);
  REQUIRE(sink->put_blob(io::MemoryContent("good", ""), {}));
  CHECK(sink->put_blob(Cut(1000), {}).error().code == Errc::unavailable);
  const auto later = sink->put_blob(io::MemoryContent("good enough", ""), {}).error();
  CHECK(later.code == Errc::unavailable);
  CHECK(later.message.find("standard output holds half an archive") == 0);
  CHECK_FALSE(sink->finish({}));
}

TEST_CASE("row 94: a reader that goes away is an error, not a signal") {
  const int code = in_child([&] {
    ::signal(SIGPIPE, SIG_DFL);
    int ends[2];
    if (::pipe(ends) != 0) return 2;
    ::close(ends[0]);
    const auto sink = ArchiveWriter::to_stream(io::File(ends[1]), "standard output", ArchiveFormat::oci, {});
    const auto put = sink->put_blob(io::MemoryContent(kBig, ""), {});
    if (put) return 3;
    return put.error().code == Errc::local_io && put.error().side == Side::destination &&
                   put.error().message.find("standard output") != std::string::npos
               ? 0
               : 4;
  });
  CHECK(code == 0);
}

TEST_CASE("row 96: a full device is an error that names the output") {
  const auto sink = ArchiveWriter::to_stream(io::File::open("/dev/full", O_WRONLY).value(), "standard output",
                                             ArchiveFormat::oci, {});
  const auto error = sink->put_blob(io::MemoryContent("abc", ""), {}).error();
  CHECK(error.code == Errc::local_io);
  CHECK(error.message.find("standard output: No space left on device") != std::string::npos);
}

TEST_CASE("a reader that stands still does not keep the writer from stopping") {
  const Pipe pipe;
  const io::File reader(pipe.ends[0]);
  const auto sink =
      ArchiveWriter::to_stream(io::File(pipe.ends[1]), "standard output", ArchiveFormat::oci, {});
  const auto soon = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
  CHECK(sink->put_blob(io::MemoryContent(kBig, ""), {.deadline = soon}).error().code == Errc::timeout);
}

TEST_CASE("many blobs at the same time") {
  const test::TempDir temp;
  const fs::path path = temp.path() / "x.tar";
  std::vector<std::string> words;
  for (int i = 0; i < 32; ++i) words.push_back(std::string(static_cast<std::size_t>(i) * 1000, 'a') + "end");
  const auto image = small_image(words);
  const auto sink = writer(path, ArchiveFormat::docker);
  ask(*sink, image);
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (std::size_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = t; i < image.blobs.size(); i += 8) {
        if (test::put_draft(*sink, image.blob(i), image.blobs[i])) ++good;
        if (sink->put_blob(test::LateContent("late " + std::to_string(i)), {})) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(good == 66);
  REQUIRE(sink->put_manifest(image.manifest, std::vector<std::string>{"app:1"}, {}));
  REQUIRE(sink->finish({}));
  CHECK(listed(path) == line("docker.io/library/app:1 1 ", image.manifest));
}
