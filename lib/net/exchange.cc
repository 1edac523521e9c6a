#include "net/exchange.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/clock.h"
#include "base/context.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/mutex.h"
#include "base/try.h"
#include "crypto/trust_store.h"
#include "io/sigpipe.h"
#include "net/address.h"
#include "net/curl_error.h"
#include "net/proxy.h"

namespace davit::net {
namespace {

constexpr std::uint64_t kMostHeaderBytes = 256u << 10;
constexpr long kBigBuffer = 256L << 10;
constexpr long kSmallBuffer = 16L << 10;  // libcurl's smallest for sending
constexpr std::size_t kMostSpill = 256u << 10;
constexpr int kLongestPollMs = 1000;

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

/// Wakes the thread that drives an exchange, from any thread, as long as there is one to wake.
class Exchange::Waker {
 public:
  explicit Waker(CURLM* multi) : multi_(multi) {}
  void wake() DAVIT_EXCLUDES(mutex_) {
    signalled_ = true;
    MutexLock lock(mutex_);
    if (multi_ != nullptr) curl_multi_wakeup(multi_);
  }
  void retire() DAVIT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    multi_ = nullptr;
  }
  bool take_signal() { return signalled_.exchange(false); }

 private:
  std::atomic<bool> signalled_ = false;
  Mutex mutex_;
  CURLM* multi_ DAVIT_GUARDED_BY(mutex_);
};

Exchange::Exchange(const Shared& shared, const Request& request, Tls tls, CallContext context)
    : shared_(shared),
      request_(&request),
      url_(request.url),
      tls_(std::move(tls)),
      context_(std::move(context)) {}

Exchange::~Exchange() {
  const io::SigpipeGuard guard;
  stop_.reset();
  if (waker_) waker_->retire();
  if (handle_ && attached_) curl_multi_remove_handle(handle_->multi, handle_->easy);
  if (handle_ && reusable_) {
    curl_easy_reset(handle_->easy);
    shared_.pool.give_back(std::move(handle_));
  }
  handle_.reset();
  curl_slist_free_all(header_list_);
  curl_slist_free_all(resolve_list_);
}

Result<> Exchange::prepare() {
  const std::string proxy = proxy_for(url_, shared_.options.proxy);
  proxied_ = !proxy.empty();
  // Connections made under one rule or trust are never used under another.
  const std::string_view rule = request_->peers == Peers::any      ? ""
                                : request_->peers == Peers::remote ? "|r"
                                                                   : "|l";
  const TlsOptions& trust = tls_.options;
  std::string key = url_.origin() + std::string(rule);
  for (const std::string& file : trust.ca_files) key += "|" + file;
  handle_ = shared_.pool.take(key + "||" + trust.cert_file + (trust.verify ? "" : "|unverified"));
  CURL* easy = handle_->easy;
  if (easy == nullptr || handle_->multi == nullptr)
    return make_error(Errc::internal, "no memory for a connection");
  waker_ = std::make_shared<Waker>(handle_->multi);
  const NetOptions& options = shared_.options;

  curl_easy_setopt(easy, CURLOPT_URL, url_.text().c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, url_.scheme().c_str());
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
  curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, options.user_agent.c_str());
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, curl_text_);
  curl_easy_setopt(easy, CURLOPT_SHARE, shared_.share);
  curl_easy_setopt(easy, CURLOPT_PROXY, proxy.c_str());  // empty: none, whatever the environment says
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
  curl_easy_setopt(easy, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, request_->method == "GET" ? kBigBuffer : kSmallBuffer);

  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Exchange::on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Exchange::on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &Exchange::on_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);

  if (url_.secure()) {
    const TlsOptions& tls = tls_.options;
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, tls.verify ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, tls.verify ? 2L : 0L);
    curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, &Exchange::on_tls);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, this);
    if (!tls.cert_file.empty()) curl_easy_setopt(easy, CURLOPT_SSLCERT, tls.cert_file.c_str());
    if (!tls.key_file.empty()) curl_easy_setopt(easy, CURLOPT_SSLKEY, tls.key_file.c_str());
  }

  bool content_type = false;
  for (const Header& header : request_->headers) {
    if (header.value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      return make_error(Errc::invalid_argument, "a control byte in the header " + escaped(header.name, 40));
    }
    content_type = content_type || header.name == "Content-Type";
    // libcurl's spelling of a header without a value ends in a semicolon.
    header_list_ = curl_slist_append(
        header_list_, (header.value.empty() ? header.name + ";" : header.name + ": " + header.value).c_str());
  }
  header_list_ = curl_slist_append(header_list_, "Expect:");
  if (!content_type) header_list_ = curl_slist_append(header_list_, "Content-Type:");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, header_list_);
  set_body();

  if (!proxied_) {
    DAVIT_TRY(const auto addresses, shared_.resolver.resolve(url_.host(), options.connect_timeout, context_));
    std::string entry = url_.host() + ":" + std::to_string(url_.port()) + ":";
    for (const std::string& address : addresses) {
      entry += (entry.back() == ':' ? "" : ",") +
               (address.find(':') == std::string::npos ? address : "[" + address + "]");
    }
    const bool literal = addresses.size() == 1 && addresses.front() == url_.host();
    if (!literal) resolve_list_ = curl_slist_append(nullptr, entry.c_str());
    curl_easy_setopt(easy, CURLOPT_RESOLVE, resolve_list_);
  }
  return {};
}

void Exchange::set_body() {
  CURL* easy = handle_->easy;
  const std::string& method = request_->method;
  has_body_ = request_->source != nullptr || !request_->body.empty();
  if (has_body_) {
    const bool big = request_->source != nullptr && request_->source_size.value_or(kBigBuffer) >= kBigBuffer;
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, big ? kBigBuffer : kSmallBuffer);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, &Exchange::on_send);
    curl_easy_setopt(easy, CURLOPT_READDATA, this);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, &Exchange::on_seek);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, this);
    curl_off_t size = static_cast<curl_off_t>(request_->body.size());
    if (request_->source != nullptr)
      size = request_->source_size ? static_cast<curl_off_t>(*request_->source_size) : -1;
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, size);
  } else if (method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (method == "GET" || method == "DELETE") {
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
  } else {  // an empty body is still one: Content-Length: 0
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 0L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
  }
  body_out_ = !has_body_ || (request_->source != nullptr && request_->source_size == std::uint64_t{0});
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
}

Result<> Exchange::start() {
  const io::SigpipeGuard guard;
  DAVIT_TRY_VOID(check(context_));
  DAVIT_TRY_VOID(prepare());
  stop_.emplace(context_.stop, [waker = waker_] { waker->wake(); });
  if (curl_multi_add_handle(handle_->multi, handle_->easy) != CURLM_OK)
    return make_error(Errc::internal, "a connection handle refused to start");
  attached_ = true;
  DAVIT_TRY_VOID(run_until([this] { return headers_done_; }));
  if (!headers_done_) return curl_error(CURLE_GOT_NOTHING, {}, 0, url_);
  char* address = nullptr;
  curl_easy_getinfo(handle_->easy, CURLINFO_PRIMARY_IP, &address);
  if (address != nullptr) peer_ = address;
  return {};
}

Result<std::size_t> Exchange::read(std::span<std::byte> into) {
  const std::size_t ready = std::min(into.size(), spill_.size() - spill_begin_);
  if (ready > 0) {
    std::memcpy(into.data(), spill_.data() + spill_begin_, ready);
    spill_begin_ += ready;
    if (spill_begin_ == spill_.size()) spill_.clear(), spill_begin_ = 0;
    return ready;
  }
  const io::SigpipeGuard guard;
  target_ = into;
  filled_ = 0;
  idle_ = {};
  if (receive_paused_) {
    receive_paused_ = false;
    curl_easy_pause(handle_->easy, CURLPAUSE_CONT);
  }
  auto done = run_until([this] { return filled_ > 0; });
  target_ = {};
  if (!done && filled_ == 0) return std::move(done).error();
  return filled_;
}

/// Drives libcurl until `done` or until the exchange is over. Bytes that came before an error are given out
/// first: the error then shows again on the next call.
template <class Done>
Result<> Exchange::run_until(Done done) {
  while (!done() && !finished_) {
    if (failure_) return *failure_;
    const std::uint64_t before = moved();
    DAVIT_TRY_VOID(turn());
    if (done() || finished_) break;
    if (moved() != before) {
      idle_ = {};
      continue;
    }
    DAVIT_TRY_VOID(wait());
  }
  if (finished_ && failure_ && !done()) return *failure_;
  return {};
}

std::uint64_t Exchange::moved() const {
  curl_off_t sent = 0;
  curl_easy_getinfo(handle_->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
  return static_cast<std::uint64_t>(sent) + header_bytes_ + body_bytes_;
}

Result<> Exchange::turn() {
  DAVIT_TRY_VOID(check(context_));
  // After a refusal libcurl stops sending, but would wait for ever for a body that is paused.
  const bool refused = headers_done_ && status_ >= 300;
  if (paused_ && (refused || waker_->take_signal())) {
    paused_ = false;
    curl_easy_pause(handle_->easy, CURLPAUSE_CONT);
  }
  const std::uint64_t given = given_, received = body_bytes_;
  int running = 0;
  if (curl_multi_perform(handle_->multi, &running) != CURLM_OK)
    return make_error(Errc::internal, "a connection handle failed");
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(handle_->multi, &left)) {
    if (message->msg == CURLMSG_DONE) DAVIT_TRY_VOID(finish(message->data.result));
  }
  const auto rest =
      std::max(shared_.sending.owed(given_ - given), shared_.receiving.owed(body_bytes_ - received));
  if (rest.count() > 0) DAVIT_TRY_VOID(Clock::system().sleep_for(rest, context_));
  return {};
}

Result<> Exchange::wait() {
  using namespace std::chrono;
  const bool answering = !headers_done_ && body_out_;
  const NetOptions& options = shared_.options;
  const milliseconds limit = !answering                               ? options.stall_timeout
                             : request_->patience == Patience::commit ? options.commit_timeout
                                                                      : options.answer_timeout;
  int poll_ms = kLongestPollMs;
  const auto before = steady_clock::now();
  if (context_.deadline) {
    poll_ms = static_cast<int>(
        std::clamp<std::int64_t>(ceil<milliseconds>(*context_.deadline - before).count(), 0, poll_ms));
  }
  poll_ms = static_cast<int>(std::clamp<std::int64_t>(ceil<milliseconds>(limit - idle_).count(), 0, poll_ms));
  curl_multi_poll(handle_->multi, nullptr, 0, poll_ms, nullptr);
  if (paused_) return {};  // our own side is slow: no fault of the server's
  idle_ += steady_clock::now() - before;
  if (idle_ < limit) return {};
  Error error =
      make_error(Errc::timeout, url_.host_port() + ": " + (answering ? "no answer" : "no byte moved") +
                                    " for " + std::to_string(limit.count() / 1000) + " s");
  error.retryable = true;
  return error;
}

/// libcurl is done with this exchange.
Result<> Exchange::finish(CURLcode code) {
  finished_ = true;
  curl_multi_remove_handle(handle_->multi, handle_->easy);
  attached_ = false;
  // The answer counts, even when the server did not care for the rest of the request (row 87).
  const bool complete = headers_done_ && (code == CURLE_OK || (code == CURLE_SEND_ERROR && status_ >= 400));
  reusable_ = code == CURLE_OK && !failure_;
  if (complete || failure_) return {};
  long os_error = 0;
  curl_easy_getinfo(handle_->easy, CURLINFO_OS_ERRNO, &os_error);
  failure_ = curl_error(code, curl_text_, os_error, url_);
  return {};
}

std::size_t Exchange::on_header(char* data, std::size_t size, std::size_t count, void* self) noexcept {
  auto& exchange = *static_cast<Exchange*>(self);
  try {
    return exchange.take_header({data, size * count}) ? size * count : 0;
  } catch (const std::exception&) {  // no memory
    return 0;
  }
}

bool Exchange::take_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > kMostHeaderBytes) {
    failure_ = make_error(Errc::protocol, url_.host_port() + ": headers of more than " +
                                              std::to_string(kMostHeaderBytes) + " bytes");
    return false;
  }
  if (headers_done_) return true;  // trailers
  if (line.starts_with("HTTP/")) {
    headers_.clear();
    long status = 0;
    curl_easy_getinfo(handle_->easy, CURLINFO_RESPONSE_CODE, &status);
    status_ = static_cast<int>(status);
  } else if (trimmed(line).empty()) {
    headers_done_ = status_ >= 200;
  } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    headers_.add(std::string(trimmed(line.substr(0, colon))), std::string(trimmed(line.substr(colon + 1))));
  }
  return true;
}

std::size_t Exchange::on_body(char* data, std::size_t size, std::size_t count, void* self) noexcept {
  auto& exchange = *static_cast<Exchange*>(self);
  try {
    return exchange.take_body(std::as_bytes(std::span(data, size * count)));
  } catch (const std::exception&) {
    return 0;
  }
}

std::size_t Exchange::take_body(std::span<const std::byte> bytes) {
  if (spill_.size() - spill_begin_ >= kMostSpill) {
    receive_paused_ = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  body_bytes_ += bytes.size();
  const std::size_t direct = std::min(bytes.size(), target_.size() - filled_);
  if (direct > 0) std::memcpy(target_.data() + filled_, bytes.data(), direct);
  filled_ += direct;
  if (direct == bytes.size()) return direct;
  // What has been read makes room for what comes: the memory of one that never runs dry does not grow.
  spill_.erase(spill_.begin(), spill_.begin() + static_cast<std::ptrdiff_t>(spill_begin_));
  spill_begin_ = 0;
  spill_.insert(spill_.end(), bytes.begin() + static_cast<std::ptrdiff_t>(direct), bytes.end());
  return bytes.size();
}

std::size_t Exchange::on_send(char* into, std::size_t size, std::size_t count, void* self) noexcept {
  auto& exchange = *static_cast<Exchange*>(self);
  try {
    return exchange.give(std::as_writable_bytes(std::span(into, size * count)));
  } catch (...) {  // a source of the caller's own may throw
    exchange.failure_ = Error{.code = Errc::internal, .message = "reading the content threw an exception"};
    return CURL_READFUNC_ABORT;
  }
}

std::size_t Exchange::give(std::span<std::byte> into) {
  if (request_->source == nullptr) {
    const std::size_t count = std::min(into.size(), request_->body.size() - static_cast<std::size_t>(given_));
    std::memcpy(into.data(), request_->body.data() + given_, count);
    given_ += count;
    body_out_ = given_ == request_->body.size();
    return count;
  }
  const auto& size = request_->source_size;
  if (size) into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), *size - given_)));
  if (into.empty()) return 0;
  if (!request_->source->ready([waker = waker_] { waker->wake(); })) {
    paused_ = true;
    return CURL_READFUNC_PAUSE;
  }
  auto got = request_->source->read(into);
  if (!got) {
    failure_ = std::move(got).error();
    return CURL_READFUNC_ABORT;
  }
  given_ += *got;
  body_out_ = *got == 0 || (size && given_ == *size);
  if (*got == 0 && size) {
    failure_ = make_error(Errc::corrupt, "the content ended after " + std::to_string(given_) + " of " +
                                             std::to_string(*size) + " bytes");
    return CURL_READFUNC_ABORT;
  }
  return *got;
}

int Exchange::on_seek(void* self, curl_off_t offset, int origin) noexcept {
  // libcurl wants to send a request again by itself. What has been given cannot be given twice: one retry
  // loop is enough.
  const auto& exchange = *static_cast<Exchange*>(self);
  return offset == 0 && origin == SEEK_SET && exchange.given_ == 0 ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

curl_socket_t Exchange::on_socket(void* self, curlsocktype, curl_sockaddr* address) noexcept {
  auto& exchange = *static_cast<Exchange*>(self);
  if (!exchange.proxied_ && is_refused(exchange.request_->peers, address->addr)) {
    try {
      exchange.failure_ =
          make_error(Errc::denied, exchange.url_.host_port() + " has a local address, and a server named it",
                     "a server may not send davit to loopback, link-local or metadata addresses");
    } catch (const std::exception&) {  // refused all the same
    }
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

CURLcode Exchange::on_tls(CURL*, void* context, void* self) noexcept {
  static_cast<Exchange*>(self)->tls_.trust->install(context);
  return CURLE_OK;
}

}  // namespace davit::net
