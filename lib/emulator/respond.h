#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "emulator/http_server.h"

namespace davit::emulator {

/// The registry's error codes, as the distribution specification writes them.
namespace code {
inline constexpr std::string_view kBlobUnknown = "BLOB_UNKNOWN";
inline constexpr std::string_view kBlobUploadInvalid = "BLOB_UPLOAD_INVALID";
inline constexpr std::string_view kBlobUploadUnknown = "BLOB_UPLOAD_UNKNOWN";
inline constexpr std::string_view kDenied = "DENIED";
inline constexpr std::string_view kDigestInvalid = "DIGEST_INVALID";
inline constexpr std::string_view kManifestBlobUnknown = "MANIFEST_BLOB_UNKNOWN";
inline constexpr std::string_view kManifestInvalid = "MANIFEST_INVALID";
inline constexpr std::string_view kManifestUnknown = "MANIFEST_UNKNOWN";
inline constexpr std::string_view kNameInvalid = "NAME_INVALID";
inline constexpr std::string_view kNameUnknown = "NAME_UNKNOWN";
inline constexpr std::string_view kSizeInvalid = "SIZE_INVALID";
inline constexpr std::string_view kTagImmutable = "TAG_IMMUTABLE";
inline constexpr std::string_view kUnauthorized = "UNAUTHORIZED";
inline constexpr std::string_view kUnsupported = "UNSUPPORTED";
}  // namespace code

/// An error answer: {"errors": [{"code": ..., "message": ...}]}.
Response refusal(int status, std::string_view code, std::string_view message = {}, Headers headers = {});

/// The same answer with a Date header.
Response dated(Response response, std::chrono::system_clock::time_point now);

/// A JSON string with its quotes.
std::string json_string(std::string_view text);

}  // namespace davit::emulator
