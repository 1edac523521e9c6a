// Uploads and mounts against a scripted registry.
#include "support/catch.h"
#include "unit/registry/scripted.h"

using namespace davit;
using namespace davit::test;

namespace {

const CallContext kContext;

/// Upload sessions as the distribution specification has them, with a hook in front for misbehaviour.
class Uploads {
 public:
  using Hook = std::function<std::optional<Scripted>(Uploads&, const Sent&)>;
  explicit Uploads(Hook hook = {}) : hook_(std::move(hook)) {}

  Scripted operator()(const Sent& sent) {
    if (hook_) {
      if (auto answer = hook_(*this, sent)) return *answer;
    }
    return behave(sent);
  }

  Scripted behave(const Sent& sent) {
    if (sent.method == "HEAD") {
      const std::string digest = sent.path.substr(sent.path.rfind('/') + 1);
      return {.status = blobs.contains(digest) ? 200 : 404};
    }
    if (sent.method == "POST") return ++sessions, state(202);
    if (sent.path.find(token()) == std::string::npos)
      return {.status = 404, .body = errors("BLOB_UPLOAD_UNKNOWN")};
    if (sent.method == "DELETE") return ++cancelled, stored.clear(), Scripted{.status = 204};
    if (sent.method == "PATCH") {
      const auto range = sent.headers.find("Content-Range");
      if (range != sent.headers.end() && std::stoul(range->second) != stored.size())
        return {.status = 416, .body = errors("BLOB_UPLOAD_INVALID", "First byte is wrong")};
      stored += sent.body;
      return state(202);
    }
    const std::string digest = sent.path.substr(sent.path.find("digest=") + 7);
    const std::string whole = stored + sent.body;
    stored.clear();
    if (Digest::of(whole).to_string() != digest) return {.status = 400, .body = errors("DIGEST_INVALID")};
    blobs[digest] = whole;
    return {.status = 201, .headers = {{"Docker-Content-Digest", digest}}};
  }

  /// A 202 that names the session anew: only the last token is good (row 61).
  Scripted state(int status) {
    ++tokens;
    Scripted answer{.status = status, .headers = {{"Location", "/v2/app/blobs/uploads/u?_state=" + token()}}};
    if (!stored.empty()) answer.headers.push_back({"Range", "0-" + std::to_string(stored.size() - 1)});
    return answer;
  }
  [[nodiscard]] std::string token() const { return "s" + std::to_string(tokens) + "."; }

  int sessions = 0, cancelled = 0, tokens = 0;
  std::string stored;
  std::map<std::string, std::string> blobs;

 private:
  Hook hook_;
};

struct Stage {
  explicit Stage(Uploads::Hook hook = {}, registry::RegistryOptions options = {.host = "r.example"})
      : uploads(std::move(hook)),
        scene([this](const Sent& sent) { return uploads(sent); }, std::move(options)) {}
  Result<Descriptor> put(const Bytes& bytes) { return scene.repository->put_blob(bytes, kContext); }
  [[nodiscard]] std::size_t count(std::string_view method) const { return scene.transport.count(method); }

  Uploads uploads;
  Scene scene;
};

/// Says `answer` to the nth request of a method, then lets things be.
Uploads::Hook nth(std::string method, int n, Scripted answer) {
  return [method = std::move(method), n, answer, seen = 0](
             Uploads&, const Sent& sent) mutable -> std::optional<Scripted> {
    if (sent.method == method && ++seen == n) return answer;
    return {};
  };
}

}  // namespace

TEST_CASE("a blob with a digest is a POST and one PUT, with its length") {
  Stage stage;
  const Bytes bytes(blob_bytes(5000));
  CHECK(stage.put(bytes).value().digest == bytes.digest());
  REQUIRE(stage.scene.transport.sent.size() == 2);
  const Sent& put = stage.scene.transport.sent[1];
  CHECK(put.method == "PUT");
  CHECK(put.sized);
  CHECK(put.patience == net::Patience::commit);
  CHECK(put.headers.at("Content-Type") == "application/octet-stream");
  CHECK(stage.uploads.blobs.size() == 1);
  CHECK(stage.uploads.cancelled == 0);
}

TEST_CASE("row 114: an empty blob") {
  Stage stage;
  CHECK(stage.put(Bytes("")));
  CHECK(stage.put(Bytes("", false)));
  CHECK(stage.uploads.blobs.size() == 1);
}

TEST_CASE("a small blob whose digest comes with its end is a POST and a PUT too") {
  Stage stage;
  const Bytes bytes(blob_bytes(5000), false);
  CHECK(stage.put(bytes).value().digest == bytes.digest());
  CHECK(stage.scene.transport.sent.size() == 2);
  CHECK(bytes.opened == 1);
}

TEST_CASE("a big blob whose digest comes with its end is one streamed PATCH") {
  Stage stage({}, {.host = "r.example", .spool_bytes = 1u << 20});
  const Bytes bytes(blob_bytes(3'000'000), false);
  CHECK(stage.put(bytes).value().digest == bytes.digest());
  REQUIRE(stage.scene.transport.sent.size() == 3);
  CHECK(stage.scene.transport.sent[1].method == "PATCH");
  CHECK_FALSE(stage.scene.transport.sent[1].sized);
  CHECK(stage.scene.transport.sent[2].body.empty());
  CHECK(bytes.opened == 1);
  CHECK(stage.scene.registry->reserve_spool(1u << 20));  // all of it has been given back
}

TEST_CASE("row 61: chunks of the asked size, each to the newest Location") {
  Stage stage({}, {.host = "r.example", .chunk_bytes = 1000});
  for (const bool known : {true, false}) {
    const Bytes bytes(blob_bytes(known ? 4500 : 4000), known);
    CHECK(stage.put(bytes).value().digest == bytes.digest());
    CHECK(bytes.opened == 1);
  }
  CHECK(stage.count("PATCH") == 9);
  CHECK(stage.scene.transport.sent[1].headers.at("Content-Range") == "0-999");
  CHECK(stage.scene.transport.sent[5].headers.at("Content-Range") == "4000-4499");
}

TEST_CASE("row 36: OCI-Chunk-Min-Length is honoured, within reason") {
  for (const auto& [value, patches] : {std::pair{"2000", 3u},
                                       {"500", 5u},
                                       {"1000000000000000000", 0u},  // more than the blob has: one PUT
                                       {"-1", 5u},
                                       {"1e6", 5u},
                                       {"text", 5u},
                                       {"99999999999999999999", 5u}}) {
    INFO(value);
    Stage stage(
        [value = value](Uploads& uploads, const Sent& sent) -> std::optional<Scripted> {
          if (sent.method != "POST") return {};
          Scripted answer = uploads.behave(sent);
          answer.headers.push_back({"OCI-Chunk-Min-Length", value});
          return answer;
        },
        {.host = "r.example", .chunk_bytes = 1000});
    CHECK(stage.put(Bytes(blob_bytes(5000))));
    CHECK(stage.count("PATCH") == patches);
  }
}

TEST_CASE("row 60: a 202 that kept less is continued where it stopped") {
  for (const bool known : {true, false}) {
    Stage stage(
        [](Uploads& uploads, const Sent& sent) -> std::optional<Scripted> {
          if (sent.method != "PATCH") return {};
          const auto range = sent.headers.find("Content-Range");
          if (range != sent.headers.end() && std::stoul(range->second) != uploads.stored.size()) return {};
          uploads.stored += sent.body.substr(0, (sent.body.size() + 1) / 2);
          return uploads.state(202);
        },
        {.host = "r.example", .chunk_bytes = known ? 1000u : 0u, .spool_bytes = 0});
    const Bytes bytes(blob_bytes(4000), known);
    CHECK(stage.put(bytes).value().digest == bytes.digest());
    CHECK(stage.uploads.sessions == 1);
  }
}

TEST_CASE("row 59: a 201 on PATCH counts, and its Range does not") {
  for (const int status : {200, 201, 204}) {
    Stage stage(
        [status](Uploads& uploads, const Sent& sent) -> std::optional<Scripted> {
          if (sent.method != "PATCH") return {};
          uploads.stored += sent.body;
          return Scripted{.status = status,
                          .headers = {{"Range", "0-999"}}};  // stands still, and names no Location
        },
        {.host = "r.example", .chunk_bytes = 1000});
    CHECK(stage.put(Bytes(blob_bytes(3500))));
    CHECK(stage.count("PATCH") == 4);
  }
}

TEST_CASE("row 60: a registry that keeps nothing is given up") {
  Stage stage(
      [](Uploads&, const Sent& sent) -> std::optional<Scripted> {
        if (sent.method != "PATCH") return {};
        return Scripted{.status = 202, .headers = {{"Location", "/v2/app/x"}, {"Range", "0-0"}}};
      },
      {.host = "r.example", .chunk_bytes = 1000});
  CHECK(stage.put(Bytes(blob_bytes(3500))).error().code == Errc::protocol);
  CHECK(stage.count("PATCH") <= 10);
}

TEST_CASE("row 57, row 58: a lost session begins anew, after asking for the blob") {
  struct Row {
    const char* method;
    int status;
    const char* code;
  };
  for (const Row& row : {Row{"PUT", 404, "BLOB_UPLOAD_UNKNOWN"}, Row{"PUT", 400, "BLOB_UPLOAD_INVALID"},
                         Row{"PUT", 416, "BLOB_UPLOAD_INVALID"}, Row{"PATCH", 404, "BLOB_UPLOAD_UNKNOWN"},
                         Row{"PATCH", 416, "BLOB_UPLOAD_INVALID"}}) {
    INFO(row.method << row.status);
    const bool chunks = std::string(row.method) == "PATCH";
    Stage stage(nth(row.method, chunks ? 2 : 1, {.status = row.status, .body = errors(row.code)}),
                {.host = "r.example", .chunk_bytes = chunks ? 1000u : 0u});
    CHECK(stage.put(Bytes(blob_bytes(2500))));
    CHECK(stage.uploads.sessions == 2);
    CHECK(stage.count("HEAD") == 1);
  }
  Stage never([](Uploads&, const Sent& sent) -> std::optional<Scripted> {
    if (sent.method == "PUT") return Scripted{.status = 404, .body = errors("BLOB_UPLOAD_UNKNOWN")};
    return {};
  });
  CHECK(never.put(Bytes("x")).error().code == Errc::not_found);
  CHECK(never.uploads.sessions == 4);
  Stage unknown(nth("POST", 1, {.status = 404, .body = errors("NAME_UNKNOWN")}));
  CHECK(unknown.put(Bytes("x")).error().code == Errc::not_found);
  CHECK(unknown.scene.transport.sent.size() == 1);
}

TEST_CASE("row 45, row 52: a broken upload starts over, unless the blob has arrived") {
  for (const bool arrived : {false, true}) {
    for (const bool known : {true, false}) {
      Stage stage(
          [arrived, broken = false](Uploads& uploads, const Sent& sent) mutable -> std::optional<Scripted> {
            if (sent.method != "PUT" || broken) return {};
            broken = true;
            if (arrived) static_cast<void>(uploads.behave(sent));
            return Scripted{.lost = true};
          });
      const Bytes bytes(blob_bytes(2500), known);
      CHECK(stage.put(bytes).value().digest == bytes.digest());
      CHECK(stage.uploads.sessions == (arrived ? 1 : 2));
    }
  }
}

TEST_CASE("row 51: a throttled PUT is repeated from the first byte, as late as asked") {
  Stage stage(nth("PUT", 1, {.status = 429, .headers = {{"Retry-After", "3"}}}));
  CHECK(stage.put(Bytes(blob_bytes(2500))));
  CHECK(stage.count("PUT") == 2);
  CHECK(stage.count("HEAD") == 0);
  CHECK(stage.scene.clock.sleeps() == std::vector<std::chrono::milliseconds>{std::chrono::seconds(3)});
}

TEST_CASE("row 83: what is begun and not finished is cancelled") {
  Stage stage(nth("PUT", 1, {.status = 403, .body = errors("DENIED", "no push here")}));
  const auto error = stage.put(Bytes("x")).error();
  CHECK(error.code == Errc::denied);
  CHECK(error.message ==
        "push blob " + Bytes("x").digest().short_form() + " to r.example/app: 403 DENIED: no push here");
  CHECK(stage.uploads.cancelled == 1);
  Stage fine;
  CHECK(fine.put(Bytes("x")));
  CHECK(fine.uploads.cancelled == 0);
}

TEST_CASE("R1: a content that cannot be read is never committed, and its own error comes back") {
  for (const bool known : {true, false}) {
    for (const std::uint64_t chunk : {0u, 1000u}) {
      Stage stage({}, {.host = "r.example", .chunk_bytes = chunk, .spool_bytes = 0});
      Bytes bytes(blob_bytes(5000), known);
      bytes.fails_at = 2000;
      const auto error = stage.put(bytes).error();
      CHECK(error.code == Errc::local_io);
      CHECK(error.message == "read app.tar: it broke");
      CHECK(stage.uploads.blobs.empty());
      CHECK(stage.uploads.cancelled == 1);
      CHECK(stage.uploads.sessions == 1);
    }
  }
}

TEST_CASE(
    "row 5, row 6: an upload follows its Location to another host without credentials, and never in clear") {
  class Token final : public auth::Authorizer {
   public:
    Result<std::string> header(const auth::Scope&, const CallContext&) override {
      return std::string("Bearer SECRET");
    }
    Result<bool> challenged(const std::vector<std::string>&, const auth::Scope&, const std::string&,
                            const CallContext&) override {
      return false;
    }
  } token;
  const auto script = [](const char* location) {
    return [location](const Sent& sent) {
      if (sent.method == "POST") return Scripted{.status = 202, .headers = {{"Location", location}}};
      return Scripted{.status = 201};
    };
  };
  Scene foreign(script("https://store.example/put?sig=1"), {.host = "r.example"}, &token);
  REQUIRE(foreign.repository->put_blob(Bytes("x"), kContext));
  CHECK(foreign.transport.sent[0].headers.contains("Authorization"));
  CHECK_FALSE(foreign.transport.sent[1].headers.contains("Authorization"));
  CHECK(foreign.transport.sent[1].peers == net::Peers::remote);
  Scene near(script("https://R.example:443/put"), {.host = "r.example"}, &token);
  REQUIRE(near.repository->put_blob(Bytes("x"), kContext));
  CHECK(near.transport.sent[1].headers.contains("Authorization"));
  for (const char* location :
       {"http://r.example/put", "http://store.example/put", "ftp://store.example/put"}) {
    Scene clear(script(location), {.host = "r.example"}, &token);
    CHECK_FALSE(clear.repository->put_blob(Bytes("x"), kContext));
    CHECK(clear.transport.sent.size() == 1);
  }
}

TEST_CASE("row 63: a 202 without a Location is an error, a 201 without one is not") {
  Stage begin(nth("POST", 1, {.status = 202}));
  CHECK(begin.put(Bytes("x")).error().code == Errc::protocol);
  Stage middle(nth("PATCH", 1, {.status = 202}), {.host = "r.example", .chunk_bytes = 10});
  CHECK(middle.put(Bytes(blob_bytes(25))).error().code == Errc::protocol);
}

TEST_CASE("row 65: a blob stored under another digest is an integrity error") {
  Stage stage(nth("PUT", 1,
                  {.status = 201, .headers = {{"Docker-Content-Digest", "sha256:" + std::string(64, '0')}}}));
  CHECK(stage.put(Bytes("x")).error().code == Errc::corrupt);
}

TEST_CASE("row 80: an unusual success of an upload is looked at twice") {
  for (const int status : {200, 202, 204}) {
    for (const bool stored : {true, false}) {
      Stage stage([&](Uploads& uploads, const Sent& sent) -> std::optional<Scripted> {
        if (sent.method != "PUT") return {};
        if (stored) static_cast<void>(uploads.behave(sent));
        return Scripted{.status = status};
      });
      CHECK(stage.put(Bytes("x")).has_value() == stored);
      CHECK(stage.count("HEAD") == 1);
    }
  }
}

TEST_CASE("row 86: 307 and 308 repeat the same request with the same body") {
  for (const int status : {307, 308}) {
    for (const char* method : {"POST", "PATCH", "PUT"}) {
      INFO(method);
      const bool chunks = std::string(method) == "PATCH";
      Stage stage(
          [status, method, done = false](Uploads&, const Sent& sent) mutable -> std::optional<Scripted> {
            if (sent.method != method || done) return {};
            done = true;
            return Scripted{.status = status, .headers = {{"Location", sent.path}}};
          },
          {.host = "r.example", .chunk_bytes = chunks ? 1000u : 0u});
      CHECK(stage.put(Bytes(blob_bytes(2500))));
      CHECK(stage.uploads.sessions == 1);
    }
  }
  Stage wrong(nth("PUT", 1, {.status = 302, .headers = {{"Location", "/x"}}}));
  CHECK(wrong.put(Bytes("x")).error().code == Errc::protocol);
}

TEST_CASE("row 66: every answer to a mount") {
  const Bytes bytes("mounted");
  for (const int status : {201, 202, 400, 401, 403, 404, 405}) {
    INFO(status);
    Stage stage([status](Uploads& uploads, const Sent& sent) -> std::optional<Scripted> {
      if (sent.method != "POST" || sent.path.find("mount=") == std::string::npos) return {};
      if (status == 202) return uploads.behave(sent);
      return Scripted{.status = status};
    });
    CHECK(stage.scene.repository->mount(*bytes.descriptor(), "other/repo", kContext).value() ==
          (status == 201));
    CHECK(stage.scene.transport.sent[0].path ==
          "/v2/app/blobs/uploads/?mount=" + bytes.digest().to_string() + "&from=other%2Frepo");
    CHECK(stage.put(bytes));
    CHECK(stage.uploads.sessions == 1);  // the session of a refused mount is the one that is used
  }
}

TEST_CASE("row 87: the status counts even when the registry did not want the whole body") {
  Stage stage(nth("PUT", 1, {.status = 413, .body = "too large"}));
  const auto error = stage.put(Bytes(blob_bytes(2500))).error();
  CHECK(error.code == Errc::unsupported);
  CHECK(error.http->status == 413);
  CHECK_FALSE(error.hint.empty());
}
