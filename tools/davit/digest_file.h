#pragma once

#include <string>
#include <vector>

#include <davit/transfer.h>

namespace davit::tool {

/// Whether the file can be written, so far as that can be told without touching it. Errors: local_io.
Result<> check_digest_file(const std::string& path);

/// Writes the digest of each image that arrived, each once, a line each. Errors: local_io.
Result<> write_digest_file(const std::string& path, const std::vector<Delivery>& deliveries);

}  // namespace davit::tool
