#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace davit::test {

/// A new empty directory that goes, with all it holds, when this object goes. In memory where the system has
/// /dev/shm.
class TempDir {
 public:
  TempDir() {
    std::error_code error;
    const bool shm = std::filesystem::is_directory("/dev/shm", error);
    std::string name = (shm ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path()) /
                       "davit-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
    path_ = name;
  }
  ~TempDir() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Writes a file in it and returns its path.
  std::filesystem::path write(const std::filesystem::path& name, std::string_view bytes) const {
    auto file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return file;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace davit::test
