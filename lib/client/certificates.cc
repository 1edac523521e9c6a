#include "client/certificates.h"

#include <algorithm>
#include <filesystem>

#include <unistd.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::client {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFiles = 1000;

/// The names in a directory, sorted. Errors: local_io.
Result<std::vector<fs::path>> list(const fs::path& directory) {
  std::error_code problem;
  std::vector<fs::path> files;
  for (fs::directory_iterator at(directory, problem), end; !problem && at != end; at.increment(problem)) {
    files.push_back(at->path());
    if (files.size() > kMostFiles)
      return make_error(Errc::local_io, escaped(directory.string(), 300) + ": too many files");
  }
  if (problem) {
    return make_error(Errc::local_io, "read certificates from " + escaped(directory.string(), 300) + ": " +
                                          problem.message());
  }
  std::ranges::sort(files);
  return files;
}

Result<> add(const fs::path& directory, Certificates& out) {
  DAVIT_TRY(const std::vector<fs::path> files, list(directory));
  const auto has = [&](fs::path file, const char* extension) {
    return std::ranges::binary_search(files, file.replace_extension(extension));
  };
  for (const fs::path& file : files) {
    if (file.extension() == ".crt") out.authorities.push_back(file.string());
    if (file.extension() == ".key" && !has(file, ".cert")) {
      return make_error(Errc::local_io, escaped(file.string(), 300) + ": a key without its certificate",
                        "the certificate belongs beside it, with the ending .cert (.crt is an authority)");
    }
    if (file.extension() != ".cert") continue;
    if (!has(file, ".key")) {
      return make_error(Errc::local_io, escaped(file.string(), 300) + ": a certificate without its key",
                        "the key belongs beside it, with the ending .key");
    }
    if (!out.certificate.empty()) continue;
    out.certificate = file.string();
    out.key = fs::path(file).replace_extension(".key").string();
  }
  return {};
}

}  // namespace

Result<Certificates> certificates_for(const std::string& host, const RegistryOptions& options,
                                      const std::vector<std::string>& directories) {
  Certificates out;
  if (!options.ca_file.empty()) out.authorities.push_back(options.ca_file);
  if (!options.ca_pem.empty()) out.authorities.push_back(options.ca_pem);
  out.certificate = options.cert_file;
  out.key = options.key_file;
  if (!options.certificate_directory.empty()) {
    DAVIT_TRY_VOID(add(options.certificate_directory, out));
    return out;
  }
  for (const std::string& directory : directories) {
    // A host is letters, digits, dots, dashes, colons and brackets: always the name of one folder.
    const fs::path own = fs::path(directory) / host;
    std::error_code problem;
    if (!fs::is_directory(own, problem) || ::access(own.c_str(), R_OK | X_OK) != 0) continue;
    DAVIT_TRY_VOID(add(own, out));
    break;
  }
  return out;
}

}  // namespace davit::client
