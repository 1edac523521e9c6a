#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <davit/content.h>

namespace davit::tar {

struct FolderTarOptions {
  std::optional<std::chrono::sys_seconds> time =
      {};                    ///< when every file was changed; empty: its own whole second
  bool keep_owners = false;  ///< else everything belongs to 0:0
};

/// What is in a folder, as a tar.
struct FolderTar {
  std::shared_ptr<const Content> content;
  std::vector<std::string> notes;  ///< for people: what has no place in a tar
};

/// The files below a folder as a tar whose bytes follow from the files alone: names in the order of their
/// bytes, a folder before what is in it, without owners' names; times before 1970 are 1970. The folder itself
/// has no entry. Files that are one file under several names become hard links; links stay links;
/// capabilities are kept, other xattrs not; sockets are left out. Only names and properties are read here: a
/// file that has another size when its turn comes is an error. REQUIRES: nobody changes the files meanwhile,
/// as every open reads them again. Errors: local_io.
Result<FolderTar> folder_tar(const std::string& path, const FolderTarOptions& options,
                             const CallContext& context);

}  // namespace davit::tar
