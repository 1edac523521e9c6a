#pragma once

#include <string>

#include <davit/error.h>

namespace davit {

/// Short spellings for the commonest errors. The message must already be escaped and free of secrets.
[[nodiscard]] Error make_error(Errc code, std::string message, std::string hint = {});
/// local_io with strerror(saved_errno) behind the message: "open app.tar: No such file or directory".
[[nodiscard]] Error errno_error(std::string message, int saved_errno);

}  // namespace davit
