#pragma once

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include <davit/digest.h>

namespace davit::test {

/// One entry of a tar, header and padding included.
inline std::string tar_entry(const std::string& name, const std::string& data) {
  char header[512] = {};
  std::snprintf(header, 100, "%s", name.c_str());
  std::snprintf(header + 100, 8, "%07o", 0644);
  std::snprintf(header + 124, 12, "%011zo", data.size());
  std::memcpy(header + 148, "        ", 8);
  header[156] = '0';
  std::memcpy(header + 257,
              "ustar\0"
              "00",
              8);
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  std::snprintf(header + 148, 8, "%06o", sum);
  std::string out(header, sizeof header);
  out += data;
  out.append((512 - data.size() % 512) % 512, '\0');
  return out;
}

/// A `docker save` tarball of one image. `stated` replaces the diff_ids that the layers really have.
inline std::string save_archive(const std::vector<std::string>& layers, const std::string& repo_tag,
                                std::vector<std::string> stated = {},
                                const std::string& architecture = "amd64") {
  std::string ids, names, out;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::string diff_id = i < stated.size() ? stated[i] : Digest::of(layers[i]).to_string();
    const std::string name = "layer" + std::to_string(i) + "/layer.tar";
    ids += (i == 0 ? "\"" : ",\"") + diff_id + "\"";
    names += (i == 0 ? "\"" : ",\"") + name + "\"";
    out += tar_entry(name, layers[i]);
  }
  const std::string config = R"({"architecture":")" + architecture +
                             R"(","os":"linux","rootfs":{"type":"layers","diff_ids":[)" + ids + "]}}";
  out += tar_entry(Digest::of(config).hex() + ".json", config);
  out += tar_entry("manifest.json", R"([{"Config":")" + Digest::of(config).hex() + R"(.json","RepoTags":[")" +
                                        repo_tag + R"("],"Layers":[)" + names + "]}]");
  return out + std::string(1024, '\0');
}

}  // namespace davit::test
