#pragma once

#include <string>
#include <vector>

#include <davit/client.h>

#include "notes.h"
#include "ui/progress_line.h"

namespace davit::tool {

/// What a command that moves images does with what comes of it.
struct Following {
  std::vector<std::string> destinations;  ///< as written: results go to stderr when an archive goes to stdout
  bool dry_run = false;
  bool exit_code = false;  ///< of a dry run: 10 when something would change
  bool creates = false;    ///< missing repositories are made
  bool json = false;
  bool with_companions =
      false;  ///< what came along under digest tags is no result, but told where it is verbose
  bool verbose = false;
  std::string digest_file;

  /// What would be noticed only after everything has been moved. Errors: invalid_argument, local_io.
  [[nodiscard]] Result<> check() const;
};

/// Shows a transfer until it ends: progress and notes on stderr, results on stdout and in the digest file.
/// Returns the exit code.
int follow(Transfer transfer, Notes& notes, ProgressLine& line, const Following& how);

/// Prints what would be done. Returns the exit code.
int show(const Result<std::vector<Plan>>& plans, Notes& notes, const Following& how);

}  // namespace davit::tool
