#include "layout/layout_writer.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include "layout/layout.h"
#include "support/catch.h"
#include "support/image_summary.h"
#include "support/small_image.h"
#include "support/temp_dir.h"

using namespace davit;
using layout::Layout;
using layout::LayoutWriter;
using test::small_image;
namespace fs = std::filesystem;

namespace {

std::shared_ptr<LayoutWriter> writer(const fs::path& directory,
                                     const layout::LayoutWriterOptions& options = {}) {
  return LayoutWriter::open(directory, options, {}).value();
}

Errc refused(const fs::path& directory) {
  const auto opened = LayoutWriter::open(directory, {}, {});
  return opened ? Errc::internal : opened.error().code;
}

std::string slurp(const fs::path& file) {
  std::ifstream from(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(from), {}};
}

fs::path blob_path(const fs::path& directory, const Digest& digest) {
  return directory / "blobs" / std::string(digest.algorithm_name()) / digest.hex();
}

fs::path partial_path(const fs::path& directory, const Digest& digest) {
  return directory / ".davit-partial" / (std::string(digest.algorithm_name()) + "-" + digest.hex());
}

/// "name name: what summarize() says" for each image, every byte verified.
std::string listed(const fs::path& directory) {
  const auto opened = Layout::open(directory, content::AbsentPlatforms::refuse);
  if (!opened) return "error: " + opened.error().to_string();
  std::string out;
  for (std::size_t i = 0; i < (*opened)->images().size(); ++i) {
    const auto image = (*opened)->image(i, {});
    if (!image) return "error: " + image.error().to_string();
    const auto summary = test::summarize(**opened, *image);
    if (!summary) return "error: " + summary.error().to_string();
    for (const std::string& name : image->names) out += name + " ";
    out += "manifest " + std::get<Descriptor>(image->root).digest.short_form() + "\n";
  }
  return out;
}

std::string line(const std::string& names, const Manifest& manifest) {
  return names + "manifest " + manifest.descriptor().digest.short_form() + "\n";
}

Presence presence(LayoutWriter& sink, const Descriptor& blob) {
  return sink.probe(std::span(&blob, 1), {}).value().at(0);
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

Descriptor described(const std::string& bytes) {
  return *io::MemoryContent(bytes, "application/octet-stream").descriptor();
}

/// Runs `work` in a process of its own; its exit code.
int in_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("an image goes into a new layout and comes out byte for byte") {
  const test::TempDir temp;
  const fs::path directory = temp.path() / "new" / "deep";
  const auto image = small_image({"one", "two", ""});
  const auto sink = writer(directory);
  CHECK_FALSE(sink->names_vouch());
  CHECK(presence(*sink, image.blob(1)) == Presence::absent);
  REQUIRE(test::put_draft(*sink, image.blob(1), "one"));
  CHECK(presence(*sink, image.blob(1)) == Presence::present);
  REQUIRE(test::put_image(*sink, image, {"1", "latest"}));
  REQUIRE(sink->finish({}));
  CHECK(listed(directory) == line("1 latest ", image.manifest));
  CHECK(slurp(blob_path(directory, image.manifest.descriptor().digest)) == image.manifest.bytes());
  CHECK(slurp(directory / "oci-layout") == R"({"imageLayoutVersion":"1.0.0"})");
  CHECK_FALSE(fs::exists(directory / ".davit-partial"));
}

TEST_CASE("an empty layout is a valid one from the beginning") {
  const test::TempDir temp;
  const auto sink = writer(temp.path());
  CHECK(Layout::open(temp.path(), content::AbsentPlatforms::refuse).value()->images().empty());
}

TEST_CASE("a directory that holds other things is not made a layout, an unfinished layout is") {
  const test::TempDir temp;
  temp.write("letters/dear_aunt.txt", "hello");
  const auto error = LayoutWriter::open(temp.path() / "letters", {}, {}).error();
  CHECK(error.code == Errc::invalid_argument);
  CHECK(error.side == Side::destination);
  CHECK(error.message.find("dear_aunt.txt") != std::string::npos);
  CHECK_FALSE(fs::exists(temp.path() / "letters" / "oci-layout"));
  fs::create_directories(temp.path() / "begun" / "blobs" / "sha256");
  fs::create_directories(temp.path() / "begun" / ".davit-partial");
  CHECK(writer(temp.path() / "begun"));
  CHECK(refused(temp.path() / "letters" / "dear_aunt.txt") == Errc::local_io);
}

TEST_CASE("row 118: a layout of another major version is left alone, one of another minor version is not") {
  const test::TempDir temp;
  temp.write("two/oci-layout", R"({"imageLayoutVersion":"2.0.0"})");
  CHECK(refused(temp.path() / "two") == Errc::unsupported);
  temp.write("bad/oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  temp.write("bad/index.json", "{");
  CHECK(refused(temp.path() / "bad") == Errc::corrupt);
  CHECK(slurp(temp.path() / "bad" / "index.json") == "{");
  temp.write("minor/oci-layout", R"({"imageLayoutVersion":"1.1.0"})");
  CHECK(writer(temp.path() / "minor"));
  CHECK(slurp(temp.path() / "minor" / "oci-layout") == R"({"imageLayoutVersion":"1.1.0"})");
}

TEST_CASE("row 29: nothing is written through a link") {
  const test::TempDir temp;
  const auto layout_with = [&](const std::string& name) {
    temp.write(name + "/oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
    return temp.path() / name;
  };
  fs::create_directories(temp.path() / "elsewhere");
  fs::create_symlink(temp.path() / "elsewhere", layout_with("blobs") / "blobs");
  CHECK(refused(temp.path() / "blobs") == Errc::denied);
  temp.write("index", R"({"schemaVersion":2,"manifests":[]})");
  fs::create_symlink(temp.path() / "index", layout_with("linked") / "index.json");
  CHECK(refused(temp.path() / "linked") == Errc::denied);

  const auto directory = temp.path() / "partial";
  const auto sink = writer(directory);
  const std::string victim = temp.write("victim", "precious");
  const Descriptor blob = described("something else");
  fs::create_directories(directory / ".davit-partial");
  fs::create_symlink(victim, partial_path(directory, blob.digest));
  CHECK_FALSE(sink->draft(blob, {}));
  fs::remove(partial_path(directory, blob.digest));
  fs::create_hard_link(victim, partial_path(directory, blob.digest));
  CHECK(sink->draft(blob, {}).value()->kept() == 0);
  CHECK(test::put_draft(*sink, blob, "something else"));
  CHECK(slurp(victim) == "precious");
}

TEST_CASE("row 119, row 127: what others wrote into a layout stays") {
  const test::TempDir temp;
  const auto image = small_image({"mine"});
  const std::string other = Digest::of("other").to_string();
  const std::string kept =
      R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","size":7,"digest":")" + other +
      R"(","annotations":{"org.opencontainers.image.ref.name":"theirs","x":"y"},"new":[1.5]})";
  const std::string unnamed =
      R"({"digest":")" + other + R"(","size":7,"mediaType":"application/vnd.oci.image.manifest.v1+json"})";
  std::string old = kept;
  old.replace(old.find("theirs"), 6, "1");
  temp.write("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  temp.write("notes.txt", "notes");
  temp.write("index.json", R"({"unknown":{"b":1,"a":2},"manifests":[)" + kept + "," + old + "," + unnamed +
                               "," + old + R"(],"schemaVersion":2})");
  const auto sink = writer(temp.path());
  REQUIRE(test::put_image(*sink, image, {"1"}));
  REQUIRE(sink->finish({}));
  const Descriptor& own = image.manifest.descriptor();
  CHECK(slurp(temp.path() / "index.json") ==
        R"({"unknown":{"b":1,"a":2},"manifests":[)" + kept + R"(,{"mediaType":")" + own.media_type +
            R"(","digest":")" + own.digest.to_string() + R"(","size":)" + std::to_string(own.size) +
            R"(,"annotations":{"org.opencontainers.image.ref.name":"1"}},)" + unnamed +
            R"(],"schemaVersion":2})");
  CHECK(slurp(temp.path() / "notes.txt") == "notes");
}

TEST_CASE("what has no name is listed in the end, unless an index leads to it") {
  const test::TempDir temp;
  const auto a = small_image({"a"});
  const auto b = small_image({"b"});
  const auto alone = small_image({"alone"});
  const Manifest index = test::small_index({a.manifest, b.manifest});
  const auto sink = writer(temp.path());
  REQUIRE(test::put_image(*sink, a, {}));
  REQUIRE(test::put_image(*sink, b, {}));
  REQUIRE(test::put_image(*sink, alone, {}));
  REQUIRE(sink->put_manifest(index, std::vector<std::string>{"1"}, {}));
  CHECK(listed(temp.path()) == line("1 ", index));
  REQUIRE(sink->finish({}));
  CHECK(listed(temp.path()) == line("1 ", index) + line("", alone.manifest));
}

TEST_CASE("a name is exchanged only for what it was known to point at") {
  const test::TempDir temp;
  const auto old = small_image({"old"});
  const auto mine = small_image({"mine"});
  const auto theirs = small_image({"theirs"});
  const auto put = [&](LayoutWriter& sink, const test::SmallImage& image) {
    REQUIRE(test::put_image(sink, image, {}));
    return sink.name_exchanger()->exchange(image.manifest, std::vector<std::string>{"1", "latest"},
                                           old.manifest.descriptor().digest, {});
  };
  const auto first = writer(temp.path());
  const auto second = writer(temp.path());
  REQUIRE(test::put_image(*first, old, {"1", "other"}));
  REQUIRE(put(*second, theirs));
  const auto refused = put(*first, mine);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::conflict);
  CHECK(refused.error().retryable);
  CHECK(refused.error().message.find(theirs.manifest.descriptor().digest.to_string()) != std::string::npos);
  const std::string wanted = line("1 latest ", theirs.manifest) + line("other ", old.manifest);
  CHECK(listed(temp.path()) == wanted);
  CHECK(put(*second, theirs));  // it is there already
  CHECK(listed(temp.path()) == wanted);
}

TEST_CASE("a name that is gone is not exchanged") {
  const test::TempDir temp;
  const auto old = small_image({"old"});
  const auto mine = small_image({"mine"});
  const auto sink = writer(temp.path());
  REQUIRE(test::put_image(*sink, mine, {"another"}));
  const auto refused =
      sink->exchange(mine.manifest, std::vector<std::string>{"1"}, old.manifest.descriptor().digest, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::conflict);
  CHECK(listed(temp.path()) == line("another ", mine.manifest));
}

TEST_CASE("a second run of the same changes no file") {
  const test::TempDir temp;
  const auto image = small_image({"one"});
  const auto inode = [&](const fs::path& file) {
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    return status.st_ino;
  };
  const auto run = [&] {
    const auto sink = writer(temp.path());
    if (presence(*sink, image.blob(1)) == Presence::absent) {
      REQUIRE(test::put_image(*sink, image, {"1"}));
    } else {
      REQUIRE(sink->put_manifest(image.manifest, std::vector<std::string>{"1"}, {}));
      REQUIRE(sink->put_manifest(image.manifest, {}, {}));
    }
    REQUIRE(sink->finish({}));
  };
  run();
  const auto manifest = blob_path(temp.path(), image.manifest.descriptor().digest);
  const auto before = std::pair(inode(temp.path() / "index.json"), inode(manifest));
  run();
  CHECK(std::pair(inode(temp.path() / "index.json"), inode(manifest)) == before);
}

TEST_CASE("row 88: what an interrupted run has written of a blob is there for the next one") {
  const test::TempDir temp;
  const std::string bytes(300'000, 'x');
  const Descriptor blob = described(bytes);
  {
    const auto draft = writer(temp.path())->draft(blob, {}).value();
    CHECK(draft->kept() == 0);
    REQUIRE(draft->write_at(0, bytes_of(bytes).first(100'000)));
  }
  const auto sink = writer(temp.path());
  const auto draft = sink->draft(blob, {}).value();
  REQUIRE(draft->kept() == 100'000);
  std::string front(100'000, '\0');
  REQUIRE(draft->read_at(0, std::as_writable_bytes(std::span(front))));
  CHECK(front == bytes.substr(0, 100'000));
  std::byte beyond;
  CHECK(draft->read_at(100'000, std::span(&beyond, 1)).error().code == Errc::corrupt);
  CHECK(draft->commit().error().code == Errc::internal);
  CHECK_FALSE(fs::exists(blob_path(temp.path(), blob.digest)));
  REQUIRE(draft->write_at(100'000, bytes_of(bytes).subspan(100'000)));
  REQUIRE(draft->commit());
  CHECK(presence(*sink, blob) == Presence::present);
}

TEST_CASE("of a blob that was written in several places, the front counts") {
  const test::TempDir temp;
  const std::string bytes(1 << 20, 'x');
  const Descriptor blob = described(bytes);
  {
    const auto draft = writer(temp.path())->draft(blob, {}).value();
    REQUIRE(draft->write_at(512 << 10, bytes_of(bytes).first(1000)));
    REQUIRE(draft->write_at(0, bytes_of(bytes).first(100'000)));
  }
  const auto kept = writer(temp.path())->draft(blob, {}).value()->kept();
  CHECK(kept <= 100'000);
  CHECK(kept >= 100'000 - 2 * 4096);
}

TEST_CASE("a partial blob that is too long is begun anew, one that was found wrong does not stay") {
  const test::TempDir temp;
  const Descriptor blob = described("0123456789");
  {
    const auto draft = writer(temp.path())->draft(blob, {}).value();
    REQUIRE(draft->write_at(0, bytes_of("0123456789abc")));
  }
  {
    const auto sink = writer(temp.path());
    const auto draft = sink->draft(blob, {}).value();
    CHECK(draft->kept() == 0);
    REQUIRE(draft->write_at(0, bytes_of("wrong")));
    REQUIRE(draft->restart());
  }
  CHECK_FALSE(fs::exists(temp.path() / ".davit-partial"));
}

TEST_CASE("without resuming, nothing is gone on with and nothing stays") {
  const test::TempDir temp;
  const Descriptor blob = described("0123456789");
  {
    const auto draft = writer(temp.path())->draft(blob, {}).value();
    REQUIRE(draft->write_at(0, bytes_of("01234")));
  }
  REQUIRE(fs::exists(partial_path(temp.path(), blob.digest)));
  {
    const auto sink = writer(temp.path(), {.resume = false});
    CHECK_FALSE(fs::exists(temp.path() / ".davit-partial"));
    const auto draft = sink->draft(blob, {}).value();
    CHECK(draft->kept() == 0);
    REQUIRE(draft->write_at(0, bytes_of("01234")));
  }
  CHECK_FALSE(fs::exists(temp.path() / ".davit-partial"));
}

TEST_CASE("a blob that somebody else is writing gets a file of its own") {
  const test::TempDir temp;
  const Descriptor blob = described("0123456789");
  const auto first = writer(temp.path());
  const auto second = writer(temp.path());
  const auto one = first->draft(blob, {}).value();
  REQUIRE(one->write_at(0, bytes_of("01234")));
  {
    const auto other = second->draft(blob, {}).value();
    CHECK(other->kept() == 0);
    REQUIRE(other->write_at(0, bytes_of("0123456789")));
    REQUIRE(other->commit());
  }
  CHECK(presence(*first, blob) == Presence::present);
  REQUIRE(one->write_at(5, bytes_of("56789")));
  REQUIRE(one->commit());
  CHECK(slurp(blob_path(temp.path(), blob.digest)) == "0123456789");
}

TEST_CASE("leftovers go: kept blobs after seven days, temporary files at once, what is in use never") {
  const test::TempDir temp;
  const Descriptor young = described("young one");
  const Descriptor old = described("old one");
  const Descriptor used = described("used one");
  const auto begin = [&](LayoutWriter& sink, const Descriptor& blob) {
    auto draft = sink.draft(blob, {}).value();
    REQUIRE(draft->write_at(0, bytes_of("abc")));
    return draft;
  };
  const auto age = [&](const fs::path& file) {
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(7 * 24 + 1));
  };
  begin(*writer(temp.path()), young);
  begin(*writer(temp.path()), old);
  age(partial_path(temp.path(), old.digest));
  const fs::path dead = temp.write(".davit-partial/blob.tmp-0123456789abcdef", "killed");
  const auto busy = writer(temp.path());
  const auto draft = begin(*busy, used);
  age(partial_path(temp.path(), used.digest));
  writer(temp.path());
  CHECK(fs::exists(partial_path(temp.path(), young.digest)));
  CHECK_FALSE(fs::exists(partial_path(temp.path(), old.digest)));
  CHECK(fs::exists(partial_path(temp.path(), used.digest)));
  CHECK_FALSE(fs::exists(dead));
}

TEST_CASE("row 89: a file under the right name is read before it counts, and replaced when it is wrong") {
  const test::TempDir temp;
  const auto image = small_image({"the layer"});
  const auto sink = writer(temp.path());
  REQUIRE(test::put_image(*sink, image, {"1"}));
  for (const std::string wrong : {"", "the lay", "the lawyer", "the lager", "the layer and more"}) {
    CAPTURE(wrong);
    temp.write(blob_path(temp.path(), image.blob(1).digest), wrong);
    CHECK(presence(*sink, image.blob(1)) == Presence::absent);
    REQUIRE(test::put_draft(*sink, image.blob(1), "the layer"));
    CHECK(presence(*sink, image.blob(1)) == Presence::present);
  }
  temp.write(blob_path(temp.path(), image.manifest.descriptor().digest), "{}");
  REQUIRE(sink->put_manifest(image.manifest, {}, {}));
  CHECK(listed(temp.path()) == line("1 ", image.manifest));
}

TEST_CASE("contents whose digest appears at their end are stored under it, failed ones are not stored") {
  const test::TempDir temp;
  const auto sink = writer(temp.path());
  const std::string bytes(600'000, 'y');
  CHECK(sink->put_blob(test::LateContent(bytes), {}).value().digest == Digest::of(bytes));
  CHECK(slurp(blob_path(temp.path(), Digest::of(bytes))) == bytes);
  const auto error = sink->put_blob(test::LateContent("abcdef", 3), {}).error();
  CHECK(error.code == Errc::unavailable);
  CHECK(error.side == Side::source);
  CHECK_FALSE(fs::exists(blob_path(temp.path(), Digest::of("abcdef"))));
  std::stop_source stop;
  stop.request_stop();
  CHECK(sink->put_blob(test::LateContent(bytes), {.stop = stop.get_token()}).error().code == Errc::cancelled);
  sink->finish({}).value();
  CHECK_FALSE(fs::exists(temp.path() / ".davit-partial"));
}

TEST_CASE("what a tag points at is asked of the layout as it is now") {
  const test::TempDir temp;
  const auto first = small_image({"first"});
  const auto second = small_image({"second"});
  const auto sink = writer(temp.path());
  ContentSource& earlier = *sink->earlier();
  CHECK(earlier.resolve("1", {}).error().code == Errc::not_found);
  REQUIRE(test::put_image(*sink, first, {"1"}));
  CHECK(earlier.resolve("1", {}).value() == first.manifest.descriptor());
  REQUIRE(test::put_image(*writer(temp.path()), second, {"1", "docker.io/library/app:2"}));
  CHECK(earlier.resolve("1", {}).value() == second.manifest.descriptor());
  CHECK(earlier.manifest("1", {}).value().bytes() == second.manifest.bytes());
  CHECK(earlier.resolve("2", {}).error().code == Errc::not_found);
  CHECK(earlier.resolve("docker.io/library/app:2", {}));
  CHECK(earlier.resolve(first.manifest.descriptor().digest.to_string(), {}));
  const auto layer = earlier.open(second.blob(1), 3, {}).value();
  CHECK(io::read_all(*layer, 100).value() == "ond");
}

TEST_CASE("row 92: eight processes put eight tags into one layout") {
  const test::TempDir temp;
  const fs::path directory = temp.path() / "shared";
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (int round = 0; round < 5; ++round) {
        const auto sink = LayoutWriter::open(directory, {}, {});
        if (!sink) ::_exit(2);
        const auto image = small_image({"shared", "own " + std::to_string(i)});
        if (!test::put_draft(**sink, image.blob(1), "shared")) ::_exit(3);
        if (!test::put_image(**sink, image, {"tag" + std::to_string(i)})) ::_exit(4);
        if (!(*sink)->finish({})) ::_exit(5);
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
  const auto opened = Layout::open(directory, content::AbsentPlatforms::refuse).value();
  CHECK(opened->images().size() == 8);
  for (int i = 0; i < 8; ++i)
    CHECK(opened->resolve("tag" + std::to_string(i), {}).value() ==
          small_image({"shared", "own " + std::to_string(i)}).manifest.descriptor());
  CHECK(listed(directory).find("error") == std::string::npos);
  CHECK_FALSE(fs::exists(directory / ".davit-partial"));
}

TEST_CASE("row 91: on a full disk nothing but the old state is left, and the path is named") {
  const test::TempDir temp;
  const auto image = small_image({"old"});
  REQUIRE(test::put_image(*writer(temp.path()), image, {"1"}));
  const std::string bytes(200'000, 'z');
  const int code = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100'000, 100'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto sink = LayoutWriter::open(temp.path(), {}, {});
    if (!sink) return 2;
    const auto waiting = (*sink)->draft(described("waiting"), {});
    if (!waiting || !(*waiting)->write_at(0, bytes_of("wait"))) return 3;
    const auto draft = (*sink)->draft(described(bytes), {});
    if (!draft) return 4;
    const auto written = (*draft)->write_at(0, bytes_of(bytes));
    if (written || written.error().code != Errc::local_io) return 5;
    if (written.error().message.find(temp.path()) == std::string::npos) return 6;
    if (fs::exists(partial_path(temp.path(), Digest::of(bytes)))) return 7;
    const auto put = (*sink)->put_blob(io::MemoryContent(bytes, ""), {});
    if (put || put.error().code != Errc::local_io || put.error().side != Side::destination) return 8;
    return 0;
  });
  CHECK(code == 0);
  CHECK(listed(temp.path()) == line("1 ", image.manifest));
  const auto child_left = [&] { return fs::exists(temp.path() / ".davit-partial"); };
  if (child_left()) writer(temp.path(), {.resume = false});  // _exit() runs no destructors
  CHECK_FALSE(child_left());
}

TEST_CASE("row 91: when the disk was full, unfinished blobs of the same run do not stay either") {
  const test::TempDir temp;
  const std::string bytes(200'000, 'z');
  const int code = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100'000, 100'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    {
      const auto sink = LayoutWriter::open(temp.path(), {}, {}).value();
      const auto given_up = sink->draft(described("given up"), {}).value();
      if (!given_up->write_at(0, bytes_of("give"))) return 2;
    }
    const auto sink = LayoutWriter::open(temp.path(), {}, {}).value();
    const auto waiting = sink->draft(described("waiting"), {}).value();
    if (!waiting->write_at(0, bytes_of("wait"))) return 3;
    if (sink->draft(described(bytes), {}).value()->write_at(0, bytes_of(bytes))) return 4;
    return 0;
  });
  CHECK(code == 0);
  CHECK_FALSE(fs::exists(temp.path() / ".davit-partial"));
}

TEST_CASE("row 99: files and directories have the modes that the umask leaves") {
  for (const mode_t mask : {mode_t{0}, mode_t{077}}) {
    const test::TempDir temp;
    const auto image = small_image({"layer"});
    const fs::path directory = temp.path() / "new";
    const int code = in_child([&] {
      ::umask(mask);
      const auto sink = LayoutWriter::open(directory, {}, {});
      return sink && test::put_draft(**sink, image.blob(1), "layer") && test::put_image(**sink, image, {"1"})
                 ? 0
                 : 1;
    });
    REQUIRE(code == 0);
    const auto mode = [](const fs::path& file) {
      return static_cast<mode_t>(fs::status(file).permissions());
    };
    CHECK(mode(directory / "index.json") == (0666 & ~mask));
    CHECK(mode(directory / "oci-layout") == (0666 & ~mask));
    CHECK(mode(blob_path(directory, image.blob(1).digest)) == (0666 & ~mask));
    CHECK(mode(directory / "blobs" / "sha256") == (0777 & ~mask));
  }
}

TEST_CASE("row 98: a blob of 5 GiB is written and read beyond 4 GiB") {
  const test::TempDir temp;
  const std::uint64_t gib = std::uint64_t{1} << 30;
  const Descriptor blob{.media_type = "", .digest = Digest::of("never checked here"), .size = 5 * gib};
  const std::string tail(4096, 't');
  {
    const auto draft = writer(temp.path())->draft(blob, {}).value();
    REQUIRE(draft->write_at(4 * gib + gib / 2 - tail.size(), bytes_of(tail)));
    std::string back(tail.size(), '\0');
    REQUIRE(draft->read_at(4 * gib + gib / 2 - tail.size(), std::as_writable_bytes(std::span(back))));
    CHECK(back == tail);
  }
  struct stat status {};
  REQUIRE(::stat(partial_path(temp.path(), blob.digest).c_str(), &status) == 0);
  CHECK(static_cast<std::uint64_t>(status.st_size) == 4 * gib + gib / 2);
  const auto sink = writer(temp.path());
  const auto draft = sink->draft(blob, {}).value();
  CHECK(draft->kept() == 0);  // there is a hole in front,
  CHECK(fs::file_size(partial_path(temp.path(), blob.digest)) ==
        0);  // and what lies behind it is fetched again
  REQUIRE(draft->write_at(5 * gib - 1, bytes_of("e")));
  REQUIRE(draft->commit());
  CHECK(fs::file_size(blob_path(temp.path(), blob.digest)) == 5 * gib);
}
