#pragma once

#include <string>

namespace davit::emulator {

/// Why an operation is not done, in the words of the API. Operations throw it and the listener that took the
/// request makes its answer of it: an exception of the API, or an error code of the registry.
struct Refusal {
  std::string name;  ///< "RepositoryNotFoundException"
  std::string message;
  std::string members = {};  ///< further members of the API's answer: `"lastValidByteReceived":5`
};

/// InvalidParameterException in AWS's words.
inline Refusal invalid_parameter(const std::string& field, const std::string& reason) {
  return {"InvalidParameterException",
          "Invalid parameter at '" + field + "' failed to satisfy constraint: '" + reason + "'"};
}

}  // namespace davit::emulator
