#include "digest_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <sys/stat.h>
#include <unistd.h>

namespace davit::tool {

Result<> check_digest_file(const std::string& path) {
  const auto failed = [&](int number) {
    return Error{.code = Errc::local_io,
                 .message = "--digest-file " + path + " cannot be written: " + std::strerror(number)};
  };
  struct stat found {};
  if (::stat(path.c_str(), &found) == 0) {
    if (S_ISDIR(found.st_mode)) return failed(EISDIR);
    if (::access(path.c_str(), W_OK) != 0) return failed(errno);
    return {};
  }
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  if (::access(folder.c_str(), W_OK | X_OK) != 0) return failed(errno);
  return {};
}

Result<> write_digest_file(const std::string& path, const std::vector<Delivery>& deliveries) {
  std::vector<std::string> lines;
  for (const Delivery& delivery : deliveries) {
    if (!delivery.result) continue;
    const std::string line = delivery.result->root.digest.to_string() + "\n";
    if (std::ranges::find(lines, line) == lines.end()) lines.push_back(line);
  }
  const auto failed = [&] {
    return Error{.code = Errc::local_io, .message = "write " + path + ": " + std::strerror(errno)};
  };
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return failed();
  bool good = true;
  for (const std::string& line : lines) good &= std::fputs(line.c_str(), file) >= 0;
  good &= std::fflush(file) == 0;
  Result<> written = good ? Result<>() : failed();
  const bool closed = std::fclose(file) == 0;  // some file systems only say here that the disk is full
  if (!written || closed) return written;
  return failed();
}

}  // namespace davit::tool
