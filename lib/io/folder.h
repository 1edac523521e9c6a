#pragma once

#include <memory>
#include <string>
#include <vector>

#include <davit/result.h>

#include "io/atomic_file.h"
#include "io/file.h"

namespace davit::io {

/// An open directory, and what to call it in messages. Names are looked up in the directory that was opened,
/// whatever its path leads to by now. Immutable, so safe to share. Errors: local_io.
class Folder {
 public:
  /// One that exists.
  static Result<std::shared_ptr<const Folder>> open(const std::string& path);
  /// Makes it and its parents where they are missing, with the modes that the umask leaves. What is made is
  /// synced.
  static Result<std::shared_ptr<const Folder>> make(const std::string& path, Durability durability);

  /// The folder `name` in this one, made where it is missing. Errors: denied for a link or a file.
  [[nodiscard]] Result<std::shared_ptr<const Folder>> make_below(const std::string& name,
                                                                 Durability durability) const;

  [[nodiscard]] const File& file() const { return file_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// The path of `name` in it, for messages.
  [[nodiscard]] std::string shown(const std::string& name) const;
  /// Everything in it, without "." and "..", in no order.
  [[nodiscard]] Result<std::vector<std::string>> names() const;
  /// Makes new names in it last.
  [[nodiscard]] Result<> sync() const;
  /// Whether somebody removed it: nothing can be made in it any more.
  [[nodiscard]] bool is_gone() const;

 private:
  Folder(File file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

  File file_;
  std::string path_;
};

}  // namespace davit::io
