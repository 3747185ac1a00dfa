// wordcount/files.h: which files there are, and how they are cut into chunks.
//   Threads    reentrant; runs in the driver
//   Errors     a folder that cannot be read is noted in the listing; nothing is thrown for it
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "chunk.h"

namespace wordcount {

struct File {
  std::string path;
  std::uint64_t bytes = 0;
};

struct Listing {
  std::vector<File> files;
  std::uint64_t bytes = 0;
  std::vector<std::string> unreadable;  // "path: reason"
};

// Notes a regular file, remembers a folder for later. Symbolic links are left alone: their targets would count twice.
inline void list_one(const std::filesystem::directory_entry &entry, Listing &listing,
                     std::vector<std::filesystem::path> &folders) {
  std::error_code error;
  const std::filesystem::file_status status = entry.symlink_status(error);
  if (!error && std::filesystem::is_directory(status)) folders.push_back(entry.path());
  if (!error && std::filesystem::is_regular_file(status)) {
    const std::uint64_t bytes = entry.file_size(error);
    if (!error) {
      listing.files.push_back({entry.path().string(), bytes});
      listing.bytes += bytes;
    }
  }
  if (error) listing.unreadable.push_back(entry.path().string() + ": " + error.message());
}

// All regular files below `top`, or `top` itself when it is one; sorted by path. REQUIRES: `top` is absolute.
inline Listing list_files(const std::filesystem::path &top) {
  Listing listing;
  std::error_code error;
  std::vector<std::filesystem::path> folders;
  list_one(std::filesystem::directory_entry(top, error), listing, folders);
  while (!folders.empty()) {
    const std::filesystem::path folder = std::move(folders.back());
    folders.pop_back();
    std::filesystem::directory_iterator entry(folder, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
      list_one(*entry, listing, folders);
    }
    if (error) listing.unreadable.push_back(folder.string() + ": " + error.message());
  }
  std::sort(listing.files.begin(), listing.files.end(), [](const File &a, const File &b) { return a.path < b.path; });
  return listing;
}

struct Chunk {
  std::vector<Slice> slices;
  std::uint64_t bytes = 0;
};

inline constexpr std::size_t kSlicesPerChunkMax = 512;  // tiny files: opening them costs more than reading them

// Cuts the files, in their order, into chunks of about chunk_bytes. A file is cut only where it fills a chunk.
// REQUIRES: chunk_bytes > 0.
inline std::vector<Chunk> plan_chunks(const std::vector<File> &files, std::uint64_t chunk_bytes) {
  std::vector<Chunk> chunks;
  Chunk chunk;
  const auto close_chunk = [&] {
    if (!chunk.slices.empty()) chunks.push_back(std::exchange(chunk, Chunk()));
  };
  for (const File &file : files) {
    std::uint64_t offset = 0;
    do {  // once also for an empty file: it is opened and counted like the others
      const std::uint64_t length = std::min(file.bytes - offset, chunk_bytes - chunk.bytes);
      chunk.slices.push_back({file.path, offset, length});
      chunk.bytes += length;
      offset += length;
      if (chunk.bytes == chunk_bytes || chunk.slices.size() == kSlicesPerChunkMax) close_chunk();
    } while (offset < file.bytes);
  }
  close_chunk();
  return chunks;
}

}  // namespace wordcount
