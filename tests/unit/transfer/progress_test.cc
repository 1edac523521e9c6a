#include "transfer/progress.h"

#include "io/memory.h"
#include "io/read_all.h"
#include "support/catch.h"

using davit::transfer::Board;

TEST_CASE("bytes that are read again do not count twice") {
  davit::Notifier notifier;
  Board board(nullptr, notifier);
  const auto progress = board.start("layer", 10);
  const auto content =
      davit::transfer::counted(std::make_shared<davit::io::MemoryContent>("0123456789", ""), progress);
  for (int i = 0; i < 2; ++i) {
    const auto source = content->open(0, {}).value();
    CHECK(davit::io::read_all(*source, 100).value().size() == 10);
  }
  const auto source = content->open(5, {}).value();
  CHECK(davit::io::read_all(*source, 100).value() == "56789");
  CHECK(board.snapshot().bytes_done == 10);
  CHECK(board.snapshot().active.size() == 1);
  board.finish(progress);
  CHECK(board.snapshot().active.empty());
  CHECK(board.snapshot().blobs_done == 1);
}

TEST_CASE("row 95: an observer that throws stops nothing") {
  struct Thrower final : davit::Observer {
    void note(const std::string&) override { throw 1; }
    void finished(const std::vector<davit::Delivery>&) override { ++ends; }
    int ends = 0;
  } observer;
  davit::Notifier notifier;
  Board board(&observer, notifier);
  board.note("x");
  board.finished({});
  notifier.drain();
  CHECK(observer.ends == 1);
}
