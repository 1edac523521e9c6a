#include "error_json.h"

#include <string>

#include <nlohmann/json.hpp>

namespace davit::tool {

nlohmann::ordered_json to_json(const Error& error) {
  nlohmann::ordered_json out{{"code", std::string(to_string(error.code))}, {"message", error.to_string()}};
  if (!error.hint.empty()) out["hint"] = error.hint;
  if (error.http && error.http->status != 0) out["status"] = error.http->status;
  return out;
}

}  // namespace davit::tool
