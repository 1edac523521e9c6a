#include "tar/folder_tar.h"

#include <filesystem>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/file.h"
#include "support/catch.h"
#include "support/layered_image.h"
#include "support/temp_dir.h"

using namespace davit;
using test::TempDir;

namespace {

std::string bytes_of(const Content& content, std::uint64_t offset = 0) {
  const auto source = content.open(offset, {}).value();
  return test::read_all(*source).value();
}

tar::FolderTar made_of(const TempDir& folder, const tar::FolderTarOptions& options = {}) {
  return tar::folder_tar(folder.path().string(), options, {}).value();
}

}  // namespace

TEST_CASE("a folder's tar has its names in order, folders before what is in them") {
  TempDir folder;
  folder.write("b/z", "1");
  folder.write("b/a", "22");
  folder.write("a-file", "333");
  folder.write("b.txt", "4");
  std::filesystem::create_symlink("b/a", folder.path() / "link");
  CHECK(test::listed(bytes_of(*made_of(folder).content)) ==
        std::vector<std::string>{"file a-file 333", "directory b/", "file b/a 22", "file b/z 1",
                                 "file b.txt 4", "symlink link -> b/a"});
}

TEST_CASE("one file under two names is stored once") {
  TempDir folder;
  folder.write("first", "x");
  std::filesystem::create_hard_link(folder.path() / "first", folder.path() / "second");
  CHECK(test::listed(bytes_of(*made_of(folder).content)) ==
        std::vector<std::string>{"file first x", "link second -> first"});
}

TEST_CASE("an empty folder is an empty tar") {
  TempDir folder;
  CHECK(bytes_of(*made_of(folder).content) == std::string(tar::kEnd, '\0'));
}

TEST_CASE("the bytes do not depend on when and where the files were made once a time is given") {
  TempDir one, other;
  const tar::FolderTarOptions dated{.time = std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000))};
  one.write("d/a", "1");
  one.write("d/b", "2");
  other.write("d/b", "2");
  other.write("d/a", "1");
  const struct timespec times[] = {{100, 0}, {200, 0}};
  ::utimensat(AT_FDCWD, (other.path() / "d/a").c_str(), times, 0);
  CHECK(bytes_of(*made_of(one, dated).content) == bytes_of(*made_of(other, dated).content));
  CHECK(bytes_of(*made_of(one).content) != bytes_of(*made_of(other).content));
}

TEST_CASE("reading may begin anywhere and gives the same bytes every time") {
  TempDir folder;
  folder.write("a", std::string(3000, 'x'));
  folder.write("b", "y");
  const tar::FolderTar made = made_of(folder);
  const std::string whole = bytes_of(*made.content);
  for (const std::size_t offset : {1u, 511u, 512u, 600u, 3512u, 5000u}) {
    CAPTURE(offset);
    CHECK(bytes_of(*made.content, offset) == whole.substr(offset));
  }
}

TEST_CASE("a file that is changed between listing and reading is an error") {
  TempDir folder;
  folder.write("a", "before");
  const tar::FolderTar made = made_of(folder);
  folder.write("a", "behind it");
  const auto source = made.content->open(0, {}).value();
  const auto read = test::read_all(*source);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Errc::local_io);
}

TEST_CASE("sockets are left out with a word, pipes are not waited for") {
  TempDir folder;
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = (folder.path() / "s").string();
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::mkfifo((folder.path() / "p").c_str(), 0600) == 0);
  const tar::FolderTar made = made_of(folder);
  CHECK(test::listed(bytes_of(*made.content)) == std::vector<std::string>{"type 6 p"});
  REQUIRE(made.notes.size() == 1);
  CHECK(made.notes[0].find("socket") != std::string::npos);
  ::close(socket);
}

TEST_CASE("owners are kept when that is wanted, by number alone") {
  TempDir folder;
  folder.write("a", "x");
  const auto owner_of = [&](bool keep) {
    tar::Reader reader(made_of(folder, {.keep_owners = keep}).content->open(0, {}).value());
    REQUIRE(reader.next().value());
    return reader.entry().attributes;
  };
  CHECK(owner_of(true).user == ::getuid());
  CHECK(owner_of(true).user_name.empty());
  CHECK(owner_of(false).user == 0);
}
