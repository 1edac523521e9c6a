#include "net/curl_error.h"

#include <system_error>

#include "base/error.h"
#include "base/escape.h"

namespace davit::net {

Error curl_error(CURLcode code, const std::string& text, long os_error, const Url& url) {
  std::string why = escaped(text.empty() ? curl_easy_strerror(code) : text.c_str());
  if (code == CURLE_COULDNT_CONNECT && os_error != 0)
    why = std::system_category().message(static_cast<int>(os_error));
  if (code == CURLE_PARTIAL_FILE) why = "the connection was closed in the middle of the answer";
  Error error = make_error(Errc::unavailable, url.host_port() + ": " + why);
  error.retryable = true;
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
      error.retryable = false;
      error.hint = "the certificate of " + url.host_port() +
                   " is not trusted: give its authority as a CA file, or check the host name";
      break;
    case CURLE_SSL_CONNECT_ERROR:
      // A complaint of the TLS library is final; a connection that went away during the handshake is not.
      error.retryable = text.find("error:") == std::string::npos;
      if (text.find("wrong version number") != std::string::npos ||
          text.find("packet length too long") != std::string::npos) {
        error.hint = url.host_port() + " does not speak TLS: --plain-http talks plain http, if you mean it";
      } else if (!error.retryable) {
        error.hint = "the certificate of " + url.host_port() + " or its version of TLS is not acceptable";
      }
      break;
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_SSL_CIPHER:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      error.retryable = false;
      break;
    case CURLE_WEIRD_SERVER_REPLY:
      error.code = Errc::protocol;
      error.retryable = false;
      break;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
      error.http = HttpFacts{.url = url.redacted()};
      break;
    case CURLE_OPERATION_TIMEDOUT:
      error.code = Errc::timeout;
      break;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
      error.code = Errc::internal;
      error.retryable = false;
      break;
    default:
      break;
  }
  return error;
}

}  // namespace davit::net
