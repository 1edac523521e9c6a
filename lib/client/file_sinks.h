#pragma once

#include <map>
#include <memory>
#include <string>

#include <davit/client.h>

#include "client/target.h"

namespace davit::client {

enum class SinkUse { write, plan };

/// The files and folders that one call writes: one sink for each path, whatever the number of images.
class FileSinks {
 public:
  /// REQUIRES: both outlive this.
  FileSinks(const CopyOptions& options, const ClientOptions& client, SinkUse use)
      : options_(options), client_(client), use_(use) {}

  /// Errors: already_exists for an archive that must not be replaced, invalid_argument, local_io.
  Result<std::shared_ptr<ContentSink>> sink(const FileTarget& target, const CallContext& context);

 private:
  Result<std::shared_ptr<ContentSink>> make(const FileTarget& target, const CallContext& context) const;

  const CopyOptions& options_;
  const ClientOptions& client_;
  const SinkUse use_;
  struct Made {
    FileTarget::Kind kind;
    std::shared_ptr<ContentSink> sink;  // co-owned by the orders
  };
  std::map<std::string, Made> made_;  // by the path, whatever its spelling
};

}  // namespace davit::client
