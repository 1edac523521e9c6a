// Throughput, ratio and peak memory of compression: codec_bench FILE [gzip|zstd] [LEVEL] [THREADS] [LAYERS]
// With LAYERS > 1 the file is compressed that many times at once. Not run by ctest.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>

#include "codec/compress.h"
#include "io/file.h"

using namespace davit;

int main(int argc, char** argv) {
  if (argc < 2) return std::fputs("codec_bench FILE [gzip|zstd] [LEVEL] [THREADS] [LAYERS]\n", stderr), 64;
  codec::CompressSpec spec;
  if (argc > 2 && std::strcmp(argv[2], "zstd") == 0) spec.kind = model::Compression::zstd;
  if (argc > 3) spec.level = std::atoi(argv[3]);
  const std::size_t threads = argc > 4 ? std::strtoul(argv[4], nullptr, 10) : 0;
  const std::size_t layers = argc > 5 ? std::strtoul(argv[5], nullptr, 10) : 1;

  codec::Compressor compressor({.threads = threads});
  auto file = std::make_shared<const io::File>(io::File::open(argv[1], O_RDONLY).value());
  const std::uint64_t size = file->size().value();
  auto plain = std::make_shared<io::FileContent>(file, 0, size, argv[1]);

  std::vector<std::uint64_t> produced(layers);
  std::vector<Digest> digests(layers);
  const auto begin = std::chrono::steady_clock::now();
  {
    std::vector<std::thread> readers;
    for (std::size_t i = 0; i < layers; ++i) {
      readers.emplace_back([&, i] {
        const auto content = compressor.compressed(plain, spec, std::nullopt);
        const auto source = content->open(0, {}).value();
        std::vector<std::byte> buffer(256 << 10);
        while (const std::size_t count = source->read(buffer).value()) produced[i] += count;
        digests[i] = content->descriptor().value().digest;
      });
    }
    for (std::thread& reader : readers) reader.join();
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double cpu = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                     static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  std::printf(
      "%s %d, %zu threads, %zu layers: %.0f MB/s, ratio %.3f, %.2f s, %.2f CPU s, %.1f MiB peak, %s\n",
      std::string(model::to_string(spec.kind)).c_str(), spec.level.value_or(1), compressor.threads(), layers,
      static_cast<double>(size * layers) / 1e6 / took.count(),
      static_cast<double>(size) / static_cast<double>(produced[0]), took.count(), cpu,
      static_cast<double>(usage.ru_maxrss) / 1024, digests[0].short_form().c_str());
}
